"""A trained network on photos of one's own: what the columns are, and what is far from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facerot.latents import LATENTS, keep_sets
from facerot.measure.own_photos import Photo, rim_of, strangeness, turned
from facerot.model import UNet
from facerot.panels import to_pixels

faces = np.random.default_rng(0).integers(80, 176, (8, 64, 64, 3), dtype=np.uint8)


def photo(pixels: np.ndarray, side: int = 64) -> Photo:
    return Photo(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None] / 255, side)


@pytest.mark.parametrize("keep", keep_sets(LATENTS))
def test_each_column_is_named_by_the_latents_that_are_kept(keep: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network, x = UNet((1, 2, 3, 4), (2, 2, 2, 2, 2)).eval(), torch.rand(1, 3, 64, 64)
    first, *columns = turned(network, x, keep).items()
    assert first[0] == "input"
    assert [name.partition(":")[0] for name, _ in columns] == ["output", *(f"-{k}" for k in keep)]
    for name, pixels in columns:
        kept = [int(k) for k in name.partition(": ")[2].replace("none", "").split()]
        assert np.array_equal(pixels, to_pixels(network(x, kept).detach()))


@given(st.integers(0, 7))
def test_no_training_face_is_strange(face: int) -> None:
    a_little_smoother = (0.7 * faces[face] + 0.3 * 128).astype(np.uint8)
    for pixels in (faces[face], a_little_smoother):
        assert strangeness(photo(pixels), rim_of(faces)) == []


@pytest.mark.parametrize(
    ("strange", "why"),
    [
        (np.full_like(faces[0], 128), "a smoother background"),
        (faces[0] - 70, "another colour behind"),
        (np.where(faces[0] > 128, 255, 0).astype(np.uint8), "a busier background"),
    ],
    ids=["smooth", "dark", "busy"],
)
def test_a_background_far_from_theirs_is_strange_and_the_face_before_it_plays_no_part(
    strange: np.ndarray, why: str
) -> None:
    learned = rim_of(faces)
    assert strangeness(photo(strange), learned) == [why]
    strange = strange.copy()
    strange[20:, 20:44] = faces[0, 20:, 20:44]
    assert strangeness(photo(strange), learned) == [why]
    strange = faces[0].copy()
    strange[10:, 10:54] = 0
    assert strangeness(photo(strange, side=63), learned) == ["enlarged from 63 px"]
