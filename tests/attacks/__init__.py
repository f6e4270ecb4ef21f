"""Attacks on what facerot promises to survive, run by `make attacks`."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.conftest import draw_head, png

PERSONS, YAWS = 12, (-45, 0)


def draw_faces(path: Path) -> list[str]:
    """A .zip of tiny faces in the layout of the embedded heads; their names."""
    names = []
    with zipfile.ZipFile(path, "w") as archive:
        for person in range(PERSONS):
            for yaw in YAWS:
                names.append(f"{person:04d}/yaw{yaw}.png")
                archive.writestr(names[-1], png(draw_head(person, yaw)))
    return names
