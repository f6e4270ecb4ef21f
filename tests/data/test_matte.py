"""The wall of a studio photo: cut off where there is one, refused where there is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from facerot.config import FaceSet
from facerot.data.matte import without_wall
from facerot.data.photo import background, decode
from facerot.errors import BadFile
from tests.conftest import draw_head, png

Colours = npt.NDArray[np.float64]

greys = st.integers(60, 250)


def wall(corners: tuple[int, int, int, int], size: int, noise: float = 0.0) -> Colours:
    """A wall of greys that blend from corner to corner, with some noise, (size, size, 3)."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    a, b, c, d = corners
    grey = (1 - y) * ((1 - x) * a + x * b) + y * ((1 - x) * c + x * d)
    speckle = np.random.default_rng(0).normal(0, noise, (size, size, 3))
    return np.asarray(grey[:, :, None] + speckle)


def before(behind: Colours, yaw: int = 0, person: int = 0) -> tuple[Image.Image, Image.Image]:
    """A head before what is behind it, opaque, and the head alone."""
    head = draw_head(person, yaw).resize(behind.shape[1::-1], Image.Resampling.NEAREST)
    photo = Image.fromarray(np.clip(np.rint(behind), 0, 255).astype(np.uint8))
    photo.paste(head, mask=head)
    return photo, head


def alpha_of(photo: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(photo.getchannel("A"))


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(greys, greys, greys, greys),
    st.sampled_from([-90, -45, 0, 45]),
    st.sampled_from([64, 256, 700]),
    st.floats(0, 3),
)
def test_the_wall_becomes_transparent_and_the_head_stays(
    corners: tuple[int, int, int, int], yaw: int, size: int, noise: float
) -> None:
    behind = wall(corners, size, noise)
    photo, head = before(behind, yaw)
    cut = without_wall(photo)
    alpha, inside = alpha_of(cut), alpha_of(head) == 255
    edge = size // 32  # px, to both sides
    assert np.array_equal(np.asarray(cut)[:, :, :3], np.asarray(photo))
    assert not alpha[~ndimage.binary_dilation(inside, iterations=edge)].any()
    colours = np.unique(np.asarray(head)[inside][:, :3], axis=0)
    distances = [np.abs(behind - colour).max(axis=-1).min() for colour in colours]
    if min(distances) > 40:  # what has the wall's own colour may be taken for it
        assert (alpha[ndimage.binary_erosion(inside, iterations=edge)] == 255).all()


@pytest.mark.parametrize("clutter", [4, 6, 12])
def test_a_busy_background_is_refused(clutter: int) -> None:
    for person in "abcde":
        photo, _ = before(255 * background("varied", person, 256, clutter))
        with pytest.raises(BadFile, match=r"no smooth wall .*%") as refused:
            without_wall(photo)
        assert "\n" not in str(refused.value)


def test_two_walls_noise_and_a_wall_alone_are_refused() -> None:
    corner = wall((200, 200, 200, 200), 256)
    corner[:, 128:] -= 90
    chequered = 255.0 * (np.indices((256, 256)).sum(axis=0) // 32 % 2)[:, :, None].repeat(3, axis=2)
    for behind in (corner, chequered, wall((128, 128, 128, 128), 256, noise=40)):
        with pytest.raises(BadFile, match="no smooth wall"):
            without_wall(before(behind)[0])
    for size in (1, 2, 64):
        with pytest.raises(BadFile, match="nothing but a wall"):
            without_wall(Image.new("RGB", (size, size), (200, 200, 200)))


def test_what_was_cut_before_is_left_as_it_is_and_an_opaque_alpha_counts_as_none() -> None:
    head = draw_head(0, 0)
    assert without_wall(head) is head
    photo, _ = before(wall((200, 200, 180, 180), 64))
    assert np.array_equal(
        np.asarray(without_wall(photo.convert("RGBA"))), np.asarray(without_wall(photo))
    )


def test_a_matted_photo_is_decoded_over_its_background() -> None:
    photo, head = before(wall((210, 200, 190, 180), 256))
    faces = FaceSet(
        name="test",
        root="",
        pattern="(?P<person>)(?P<view>)",
        yaw={"": 0},
        source_yaw=[0.0],
        target_yaw=0,
        background="varied",
        matte="wall",
    )
    decoded = decode(png(photo), "0000", faces, 64).transpose(1, 2, 0)
    behind = np.rint(background("varied", "0000", 64, faces.clutter) * 255)
    assert np.array_equal(decoded[:2], behind[:2])
    middle = np.asarray(head.convert("RGB").resize((64, 64)))[34:40, 30:34]
    assert np.abs(decoded[34:40, 30:34].astype(int) - middle).max() <= 2
