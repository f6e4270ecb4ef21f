"""A manifest: a CSV that says what each picture shows, where file names do not."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping

from facerot.data.align import eyes_of_row
from facerot.data.root import Stamp
from facerot.data.views import View
from facerot.errors import SettingsError, first_few

COLUMNS = ("path", "person", "yaw")


def read_manifest(
    text: str, names: Mapping[str, Stamp], where: str
) -> tuple[list[View], Counter[str]]:
    """The views that a manifest lists, and how many files it does not.

    Columns: path (below the root), person, yaw (degrees) and, if there are any, session and the
    eyes in px of the upright photo, in either order: eye1_x, eye1_y, eye2_x, eye2_y.
    Raises SettingsError with the first lines that cannot be used, and how many there are.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    views, faults = [], []
    try:
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise SettingsError(f"{where} has no column {', '.join(missing)}")
        for row in rows:
            try:
                views.append(_view(row, names))
            except ValueError as error:
                faults.append(f"line {rows.line_num}: {error}")
    except csv.Error as error:
        raise SettingsError(f"{where} is not a CSV: {error}") from error
    if faults:
        raise SettingsError(
            f"{where} has {len(faults)} rows that cannot be used: {first_few(faults)}"
        )
    if not views:
        raise SettingsError(f"{where} cannot be used: no rows")
    listed = {view.file for view in views}
    unlisted = sum(name not in listed for name in names)
    return views, Counter({"files that the manifest does not list": unlisted})


def _view(row: Mapping[str, str | None], names: Mapping[str, Stamp]) -> View:
    path, person, yaw = ((row[column] or "").strip() for column in COLUMNS)
    if path not in names:
        raise ValueError(f"there is no file {path!r}")
    if not person:
        raise ValueError("no person")
    try:
        degrees = float(yaw)
    except ValueError:
        raise ValueError(f"yaw {yaw!r} is no number of degrees") from None
    if not -180 <= degrees <= 180:
        raise ValueError(f"yaw {yaw} is not between -180 and 180 degrees")
    return View(path, person, (row.get("session") or "",), degrees, eyes_of_row(row))
