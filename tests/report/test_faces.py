"""The picture of all faces of a page: exact where it is small, fine JPEG where it is large."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from facerot.report.faces import MOST_EXACT, Atlas, Block


def grainy(count: int) -> list[np.ndarray]:
    """Smooth faces with some grain (64, 64, 3), which no format without loss makes much smaller."""
    rng = np.random.default_rng(0)
    smooth = np.linspace(40, 210, 64)[:, None, None]
    return [
        (smooth + rng.normal(0, 8, (64, 64, 3))).clip(0, 255).astype(np.uint8) for _ in range(count)
    ]


@pytest.mark.parametrize(("count", "kind", "most"), [(20, "webp", 0), (400, "jpeg", 5)])
def test_faces_are_exact_unless_they_would_fill_the_page(count: int, kind: str, most: int) -> None:
    faces = grainy(count)
    atlas = Atlas([Block("made up", ["face"], [""] * count, [[face] for face in faces])])
    assert len(atlas.url) < MOST_EXACT + 100
    head, data = atlas.url.split(";base64,")
    assert head == f"data:image/{kind}"
    with Image.open(BytesIO(base64.b64decode(data))) as picture:
        shown = np.asarray(picture.convert("RGB"), dtype=int)
    for at in (0, 17, count - 1):
        row, column = divmod(at, 16)
        found = shown[row * 64 :, column * 64 :][:64, :64]
        assert np.abs(found - faces[at]).mean() <= most, "another face, or a worse picture of it"
        assert atlas.at(faces[at]) == f"--row:{row};--column:{column}"
