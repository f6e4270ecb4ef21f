"""Pictures of pictures: a row per face, columns with captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor

CAPTION_HEIGHT = 14  # px: one line of Pillow's built-in font
LETTER_WIDTH = 6  # px, about: longer captions are cut off
PAPER, INK = 255, 0

Pixels = npt.NDArray[np.uint8]


def sheet(columns: Sequence[Tensor]) -> Pixels:
    """Columns of faces (N, 3, S, S) in [0, 1] -> one uint8 picture (N*S, len(columns)*S, 3)."""
    faces = torch.stack(list(columns), dim=1).clamp(0, 1).mul(255).round().to(torch.uint8)
    picture = faces.cpu().permute(0, 3, 1, 4, 2)  # row, y, column, x, channel
    rows, height, count, width, _ = picture.shape
    return picture.reshape(rows * height, count * width, 3).numpy()


def captioned(columns: Mapping[str, Tensor]) -> Pixels:
    """The sheet of the columns with their names above them, uint8 (H, W, 3)."""
    faces = sheet(list(columns.values()))
    width = faces.shape[1] // len(columns)
    strip = Image.new("RGB", (faces.shape[1], CAPTION_HEIGHT), (PAPER,) * 3)
    draw = ImageDraw.Draw(strip)
    for index, caption in enumerate(columns):
        centre = (index + 0.5) * width, CAPTION_HEIGHT / 2
        draw.text(centre, caption[: width // LETTER_WIDTH], fill=(INK,) * 3, anchor="mm")
    return np.concatenate([np.asarray(strip), faces])
