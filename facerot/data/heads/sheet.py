"""Contact sheets: persons by yaws in one picture, to look at."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from facerot.data.heads.faceset import SIZE, FaceSet

VISIBLE, HIDDEN, DOT = (0, 255, 0), (255, 0, 0), 0.8
# Turning the hue by the golden ratio keeps the backgrounds of neighbours apart.
HUE_STEP, SATURATION, VALUE = 0.618, 0.25, 0.75


def contact_sheet(
    faces: FaceSet,
    persons: Sequence[int],
    yaws: Sequence[int],
    columns: int,
    enlarge: int,
    landmarks: bool,
) -> Image.Image:
    """A sheet of `columns` blocks side by side, a person's yaws in a row."""
    marks = _marks(faces) if landmarks else {}
    strips = [_strip(faces, person, yaws, enlarge, marks) for person in persons]
    rows = -(-len(strips) // columns)
    width, height = strips[0].size
    sheet = Image.new("RGB", (columns * width, rows * height))
    for index, strip in enumerate(strips):
        sheet.paste(strip, (index // rows * width, index % rows * height))
    return sheet


def background(person: int) -> tuple[float, float, float]:
    """A plain colour of the person's own, in [0, 1]."""
    return colorsys.hsv_to_rgb(person * HUE_STEP % 1, SATURATION, VALUE)


def _strip(
    faces: FaceSet,
    person: int,
    yaws: Sequence[int],
    enlarge: int,
    marks: Mapping[tuple[int, int], Sequence[tuple[float, float, bool]]],
) -> Image.Image:
    views = [faces.over(person, yaw, background(person)) for yaw in yaws]
    pixels = np.round(np.concatenate(views, axis=1) * 255).astype(np.uint8)
    strip = Image.fromarray(pixels)
    strip = strip.resize((strip.width * enlarge, strip.height * enlarge), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(strip)
    for column, yaw in enumerate(yaws):
        for x, y, visible in marks.get((person, yaw), ()):
            at, radius = ((column * SIZE + x) * enlarge, y * enlarge), DOT * enlarge
            draw.circle(at, radius, outline=VISIBLE if visible else HIDDEN)
    return strip


def _marks(faces: FaceSet) -> dict[tuple[int, int], list[tuple[float, float, bool]]]:
    """Landmarks (x, y, visible) by person and yaw."""
    marks: dict[tuple[int, int], list[tuple[float, float, bool]]] = {}
    for row in faces.rows("landmarks.csv"):
        place = (float(row["x"]), float(row["y"]), row["visible"] == "1")
        marks.setdefault((int(row["person"]), int(row["yaw"])), []).append(place)
    return marks
