"""One photo -> pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facerot.config import FaceSet
from facerot.data.photo import FORMATS, background, decode
from facerot.errors import BadFile
from facerot.panels import Pixels
from tests.conftest import draw_head, png

KINDS = [
    *((kind, mode) for kind in ("PNG", "TIFF") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
    *((kind, mode) for kind in ("BMP", "WEBP") for mode in ("L", "RGB")),
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
    *(("PPM", mode) for mode in ("1", "L", "RGB", "I;16")),
    *(("TIFF", "CMYK"), ("PNG", "I;16"), ("TIFF", "I;16"), ("WEBP", "RGBA"), ("PNG", "PA")),
]


def face_set(background: str = "varied", crop: Sequence[float] | None = None) -> FaceSet:
    return FaceSet(
        name="test",
        root="",
        pattern="(?P<person>)(?P<view>)",
        yaw={"": 0},
        source_yaw=[0.0],
        target_yaw=0,
        crop=None if crop is None else list(crop),
        background=background,
    )


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels_of(
    data: bytes, background: str = "plain", crop: Sequence[float] | None = None, size: int = 64
) -> Pixels:
    decoded = decode(data, "0000", face_set(background, crop), size)
    assert decoded.shape == (3, size, size)
    assert decoded.dtype == np.uint8
    return np.ascontiguousarray(decoded.transpose(1, 2, 0))


def grey_ramp(mode: str) -> Image.Image:
    """A black-to-white ramp (for mode `1` a step) in any mode."""
    ramp = np.linspace(0, 255, 64).round().astype(np.uint8)[None].repeat(64, axis=0)
    if mode == "I;16":
        return Image.fromarray(ramp.astype(np.uint16) * 257)
    grey = Image.fromarray(ramp)
    if mode == "1":
        return grey.point(lambda value: 255 * (value > 127)).convert("1")
    return grey.convert("P") if mode in ("P", "PA") else grey.convert("RGB").convert(mode)


def test_an_opaque_picture_of_the_right_size_is_taken_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.array_equal(pixels_of(png(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize(("kind", "mode"), KINDS)
def test_the_same_greys_come_out_of_every_format_and_mode(kind: str, mode: str) -> None:
    decoded = pixels_of(saved(grey_ramp(mode), kind)).astype(int)
    wanted = np.asarray(grey_ramp("1" if mode == "1" else "L").convert("L")).astype(int)
    tolerance = 6 if kind in ("JPEG", "WEBP") else 1
    assert np.abs(decoded - wanted[:, :, None]).max() <= tolerance
    assert kind in FORMATS


def test_an_exif_orientation_is_followed_before_the_crop() -> None:
    upright = draw_head(0, 45).convert("RGB").resize((96, 128))
    for orientation, undo in enumerate(
        (None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180,
         Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90,
         Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270), start=1,
    ):  # fmt: skip
        held = upright if undo is None else upright.transpose(undo)
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind in ("PNG", "TIFF"):
            found = pixels_of(saved(held, kind, exif=exif), crop=(0.0, 0.25, 1.0, 1.0))
            wanted = pixels_of(png(upright), crop=(0.0, 0.25, 1.0, 1.0))
            assert np.array_equal(found, wanted), (orientation, kind)


def test_crop_takes_the_relative_box_and_by_default_the_centre_square() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 200
    wide = png(Image.fromarray(pixels))
    assert np.all(pixels_of(wide)[:, 8:56] == 200)
    right = pixels_of(wide, crop=(0.5, 0.0, 1.0, 1.0))
    assert np.all(right[:, :24] == 200)
    assert np.all(right[:, 40:] == 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (6000, 5000)])
def test_any_shape_is_brought_to_size(shape: tuple[int, int]) -> None:
    assert np.all(pixels_of(png(Image.new("RGB", shape, (9, 99, 199)))) == (9, 99, 199))


def test_the_background_shows_only_where_the_person_is_not() -> None:
    head = draw_head(0, 0)
    opaque = np.asarray(head)[:, :, 3] == 255
    palette = head.quantize(colors=8)
    for kind in ("plain", "varied"):
        behind = np.rint(background(kind, "0000", 64, 12) * 255)
        decoded = pixels_of(png(head), kind)
        assert np.array_equal(decoded[opaque], np.asarray(head)[opaque][:, :3])
        assert np.array_equal(decoded[~opaque], behind[~opaque])
        assert np.array_equal(pixels_of(png(palette), kind)[0, 0], behind[0, 0])


def test_a_varied_background_is_one_per_person_smooth_and_in_range() -> None:
    one, other = (background("varied", person, 64, 12) for person in ("0000", "0001"))
    assert np.array_equal(one, background("varied", "0000", 64, 12))
    assert np.abs(one - other).mean() > 0.1
    assert one.min() >= 0
    assert one.max() <= 1
    assert np.abs(np.diff(one, axis=0)).max() < 0.2


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a picture"),
        (png(Image.new("1", (10_000, 10_000))), "decompression bomb"),
        (saved(Image.new("F", (9, 9)), "TIFF"), "range"),
        (saved(Image.new("I", (9, 9), -5), "TIFF"), "range"),
        (png(draw_head(0, 0))[:300], "truncated"),
        (b"P3 1 1 255\nred green blue\n", "invalid literal"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadFile, match=why) as refused:
        pixels_of(data)
    assert "\n" not in str(refused.value)


SAMPLES = [saved(grey_ramp(mode), kind) for kind, mode in KINDS]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(deadline=10_000, max_examples=150)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 200),
)
def test_damaged_bytes_become_pixels_or_are_refused(
    data: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(data)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    with suppress(BadFile):  # any other error fails the test
        pixels_of(bytes(damaged[: len(damaged) - cut]))
