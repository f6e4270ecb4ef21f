"""Figures of faces as the page shows them: every face once, in one picture, each pixel a square."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
from PIL import Image

from facerot.panels import Pixels, sheet

ACROSS = 16  # faces in a row of the picture; page.css scales it by the same number
LARGE = 128  # CSS px
MOST_EXACT = 2_000_000  # characters, a third of the page: a larger picture is JPEG
QUALITY, FOLDED_QUALITY = 95, 75  # of JPEG: half and a sixth of the bytes
Grid = list[list[Pixels]]  # [row][column] of faces (S, S, 3)


@dataclass(frozen=True)
class Block:
    """Faces in a grid under a title, captions above its columns, labels left of its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[str]
    grid: Grid


class Atlas:
    """The picture that holds many faces of a page, each once; they are of one size.

    Args:
        blocks: the faces.
        folded: whether of models that are folded away, to be shown with less care.
    """

    def __init__(self, blocks: Iterable[Block], folded: bool = False) -> None:
        self._folded = folded
        self._faces: dict[bytes, Pixels] = {}
        for face in (face for block in blocks for row in block.grid for face in row):
            self._faces.setdefault(face.tobytes(), face)
        self._places = {key: divmod(at, ACROSS) for at, key in enumerate(self._faces)}

    def at(self, face: Pixels) -> str:
        """Where a face lies in it, as CSS."""
        row, column = self._places[face.tobytes()]
        return f"--row:{row};--column:{column}"

    @property
    def side(self) -> int:
        """How wide a face is shown, in CSS px: whole px a pixel, at least LARGE."""
        size = next(iter(self._faces.values())).shape[0]
        return int(size * -(-LARGE // size))

    @cached_property
    def url(self) -> str:
        """It as the URL of its data; empty where there is no face."""
        if not self._faces:
            return ""
        picture = self._picture()
        if not self._folded and len(exact := as_webp(picture)) <= MOST_EXACT:
            return f"data:image/webp;base64,{exact}"
        quality = FOLDED_QUALITY if self._folded else QUALITY
        return f"data:image/jpeg;base64,{as_jpeg(picture, quality)}"

    def _picture(self) -> Image.Image:
        faces = np.stack(list(self._faces.values()))
        blank = np.zeros((-len(faces) % ACROSS, *faces.shape[1:]), np.uint8)
        rows = np.concatenate([faces, blank]).reshape(-1, ACROSS, *faces.shape[1:])
        return Image.fromarray(sheet(list(rows.swapaxes(0, 1))))


def as_webp(picture: Image.Image) -> str:
    """A picture without loss, as text: a third smaller than as PNG."""
    whole = BytesIO()
    picture.convert("RGB").save(whole, "webp", lossless=True, method=2)  # 0 quick, 6 small
    return b64encode(whole.getvalue()).decode()


def as_jpeg(picture: Image.Image, quality: int) -> str:
    """A picture with some loss but all its colours, as text."""
    whole = BytesIO()
    picture.convert("RGB").save(whole, "jpeg", quality=quality, subsampling="4:4:4", optimize=True)
    return b64encode(whole.getvalue()).decode()
