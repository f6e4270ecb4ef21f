"""Eyes in one place: where each view is to be cut, from the positions of its eyes."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from facerot.data.photo import MAX_PIXELS
from facerot.data.views import Place, View
from facerot.errors import SettingsError

EYE_DISTANCE = 0.22  # between the eyes of a frontal view, of the side of the picture
LANDMARKS = "landmarks.csv"  # of the embedded heads: person, yaw, landmark, x, y, visible
PUPILS = ("left_pupil", "right_pupil")

Points = tuple[tuple[float, float], ...]


def align_eyes(views: Sequence[View]) -> tuple[list[View], Counter[str]]:
    """The views with the places that put their eyes on one row, and what had to be left out.

    The eyes of a frontal view (yaw 0) go EYE_DISTANCE apart, level and centred: a similarity
    transform. Another view is cut at the scale of the frontal view of its session, its eyes at the
    same height; across, it stays where the crop has it, as the eyes of a turned head do not say
    where its middle is.

    Raises SettingsError where no eyes are known, or impossible ones.
    """
    frontal = {(v.person, v.session): v.eyes for v in views if v.yaw == 0 and len(v.eyes) == 2}
    placed, left_out = [], Counter[str]()
    for view in views:
        eyes = frontal.get((view.person, view.session))
        if eyes is None or not view.eyes or eyes[0] == eyes[1]:
            left_out["views without eyes of their own or of their frontal view"] += 1
        else:
            place = _place(view, eyes)
            if place.side**2 > MAX_PIXELS:
                raise SettingsError(f"data.align=eyes: the eyes of {view.file} are too far apart")
            placed.append(replace(view, place=place))
    if not placed:
        raise SettingsError(
            "data.align=eyes: no frontal view has two eyes; they come from a manifest with the "
            f"columns eye1_x, eye1_y, eye2_x, eye2_y or from {LANDMARKS} below root"
        )
    return placed, left_out


def _place(view: View, frontal: Points) -> Place:
    (left, top), (right, bottom) = sorted(frontal)
    side = math.hypot(right - left, bottom - top) / EYE_DISTANCE
    x, y = (sum(values) / len(view.eyes) for values in zip(*view.eyes))
    if view.yaw != 0:
        return Place(0.0, None, y, side)
    return Place(math.degrees(math.atan2(bottom - top, right - left)), x, y, side)


def with_landmarks(views: Sequence[View], text: str) -> list[View]:
    """The views with the pupils that a landmarks.csv lists; raises SettingsError."""
    found: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
    try:
        for row in csv.DictReader(io.StringIO(text)):
            if row["landmark"] in PUPILS:  # hidden ones too: they are known all the same
                found[row["person"], float(row["yaw"])].append((float(row["x"]), float(row["y"])))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise SettingsError(f"{LANDMARKS} is not as the embedded heads have it: {error}") from error
    return [replace(view, eyes=tuple(found.get((view.person, view.yaw), ()))) for view in views]


def eyes_of_row(row: Mapping[str, str | None]) -> Points:
    """Up to two eyes from the columns of a manifest; raises ValueError for no numbers."""
    eyes = []
    for eye in ("eye1", "eye2"):
        x, y = ((row.get(f"{eye}_{axis}") or "").strip() for axis in "xy")
        if x or y:
            point = float(x), float(y)
            if not all(map(math.isfinite, point)):
                raise ValueError(f"{eye} at {x}, {y}")
            eyes.append(point)
    return tuple(eyes)
