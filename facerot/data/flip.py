"""A list of photos that face the other way than their names say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from facerot.data.views import View
from facerot.errors import SettingsError, first_few, printable


def turned(views: Sequence[View], text: str, where: str) -> list[View]:
    """The views, those that the list names with the sign of their yaw turned.

    The list has the path below the root of one photo a line; empty lines do not count.
    Raises SettingsError with the first lines that name no view, and how many there are.
    """
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    known = {view.file for view in views}
    faults = [
        f"line {number}: {printable(line)!r}"
        for number, line in lines.items()
        if line and line not in known
    ]
    if faults:
        raise SettingsError(
            f"{where} has {len(faults)} lines that name no view: {first_few(faults)}"
        )
    listed = set(lines.values())
    return [replace(view, yaw=-view.yaw) if view.file in listed else view for view in views]
