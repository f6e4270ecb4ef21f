"""Pictures of pictures: a row per face, columns with captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from torch import Tensor

CAPTION_HEIGHT = 14  # px: one line of Pillow's built-in font
FONT_SIZE = 10  # px, that font's usual one
LETTER_WIDTH = 6  # px, about: longer captions are cut off
PAPER, INK = 255, 0

Pixels = npt.NDArray[np.uint8]


def to_pixels(images: Tensor) -> Pixels:
    """Images (N, 3, S, S) in [0, 1] -> uint8 (N, S, S, 3)."""
    whole: Pixels = images.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return whole


def sheet(columns: Sequence[Pixels]) -> Pixels:
    """Columns of faces (N, S, S, 3) -> one picture (N*S, len(columns)*S, 3)."""
    faces = np.stack(columns, axis=1)  # row, column, y, x, channel
    rows, count, height, width, _ = faces.shape
    picture: Pixels = faces.transpose(0, 2, 1, 3, 4).reshape(rows * height, count * width, 3)
    return picture


def read_sheet(picture: Pixels, names: Sequence[str]) -> dict[str, Pixels]:
    """The columns (N, S, S, 3) of a sheet by name; raises ValueError where they do not fit."""
    size = picture.shape[1] // len(names)
    grid = picture.reshape(-1, size, len(names), size, 3)
    return {name: grid[:, :, column] for column, name in enumerate(names)}


def enlarged(picture: Pixels, scale: int) -> Pixels:
    """A picture (H, W, 3) with a square of `scale` px in place of each pixel."""
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def captioned(columns: Mapping[str, Pixels], scale: int = 1) -> Pixels:
    """The sheet of the columns, enlarged, with their names above them."""
    faces = enlarged(sheet(list(columns.values())), scale)
    width, letters = faces.shape[1] // len(columns), 1 if scale == 1 else 2
    height = CAPTION_HEIGHT * letters
    strip = Image.new("RGB", (faces.shape[1], height), (PAPER,) * 3)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(FONT_SIZE * letters)
    for index, caption in enumerate(columns):
        centre, fits = ((index + 0.5) * width, height / 2), width // (LETTER_WIDTH * letters)
        draw.text(centre, caption[:fits], fill=(INK,) * 3, anchor="mm", font=font)
    return np.concatenate([np.asarray(strip), faces])
