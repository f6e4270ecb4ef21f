"""One photo -> pixels: of any usual format and mode, upright, cropped, resized."""

from __future__ import annotations

import hashlib
import io
import logging
import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from facerot.config import FaceSet
from facerot.data.matte import without_wall
from facerot.data.views import Place
from facerot.errors import BadFile, reason
from facerot.panels import Pixels

Box = tuple[float, float, float, float]  # left, top, right, bottom in px

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM")  # PPM is also PGM and PBM
MAX_PIXELS = 2**26  # more is taken for a decompression bomb; these take up to 1.5 GB of memory
LARGE_PIXELS = 2**24  # above this one photo is decoded at a time, whatever the number of cores
GREY = 0.8  # sRGB of the plain background, that of a light studio wall
BLEND = 0.5  # how far each colour of a varied background reaches, in units of their distance

_one_large_photo = threading.Lock()
# What Pillow only warns of is read as it can be, or refused below; what it logs it also raises.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def decode(
    data: bytes, person: str, faces: FaceSet, size: int, place: Place | None = None
) -> Pixels:
    """One photo as uint8 (3, size, size): cropped, resized, over its background where transparent.

    With `place` it is cut there; what lies outside of the photo is then background.
    With `faces.matte` the wall behind the person becomes transparent first.
    Raises BadFile where the bytes are no picture that can be used.
    """
    with opened(data) as photo:
        picture = upright_rgb(photo)
        if faces.matte is not None:
            picture = without_wall(picture)
        box = crop_box(picture.size, faces.crop)
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise BadFile(f"crop={faces.crop} leaves less than a pixel of it")
        if place is not None:
            picture, box = aligned(picture, box, faces.eye_row, place)
        if picture.size != (size, size) or box != (0, 0, size, size):
            picture = picture.resize((size, size), Image.Resampling.LANCZOS, box=box)
    pixels = np.asarray(picture, np.float64) / 255
    if picture.mode == "RGBA":
        alpha = pixels[:, :, 3:]
        behind = background(faces.background, person, size, faces.clutter)
        pixels = alpha * pixels[:, :, :3] + (1 - alpha) * behind
    return np.asarray(np.rint(pixels * 255).transpose(2, 0, 1), np.uint8)


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """A photo of which the head has been read; whatever goes wrong with it raises BadFile.

    A large one is had by one thread at a time.
    """
    with _open(data) as photo:
        large = photo.width * photo.height > LARGE_PIXELS
        with _one_large_photo if large else nullcontext():
            try:
                yield photo
            except BadFile:
                raise
            except Exception as error:  # damaged bytes provoke errors of every kind in the decoders
                raise BadFile(reason(error)) from error


def _open(data: bytes) -> Image.Image:
    if not data:
        raise BadFile("empty file")
    try:
        photo = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BadFile("not a picture") from error
    except Exception as error:
        raise BadFile(reason(error)) from error
    width, height = photo.size
    if width * height > MAX_PIXELS:
        raise BadFile(f"{width}x{height} pixels: more than {MAX_PIXELS}, a decompression bomb")
    return photo


def upright_rgb(photo: Image.Image) -> Image.Image:
    """A photo turned as its EXIF orientation says, in RGB, or RGBA where it has transparency.

    16-bit greys are taken to use all 16 bits. Raises BadFile where the range of the pixels is not
    known, and whatever Pillow raises where they are damaged.
    """
    photo.load()
    ImageOps.exif_transpose(photo, in_place=True)
    if photo.mode.startswith(("I", "F")):
        photo = _eight_bits(photo)
    mode = "RGBA" if photo.has_transparency_data else "RGB"
    return photo if photo.mode == mode else photo.convert(mode)


def _eight_bits(photo: Image.Image) -> Image.Image:
    greys = np.asarray(photo)
    if photo.mode == "F" or greys.min() < 0 or greys.max() > 65535:
        raise BadFile(f"pixels of mode {photo.mode}, whose range is not known")
    wide = greys.astype(np.uint32)
    wide += 128  # in place, as large photos fill the memory
    wide //= 257
    return Image.fromarray(wide.astype(np.uint8))


def crop_box(photo_size: tuple[int, int], crop: Sequence[float] | None) -> Box:
    """The part of a photo that is used, in its pixels: a relative box, or the centre square."""
    width, height = photo_size
    if crop is not None:
        left, top, right, bottom = crop
        return left * width, top * height, right * width, bottom * height
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def aligned(
    picture: Image.Image, box: Box, eye_row: float, place: Place
) -> tuple[Image.Image, Box]:
    """An upright photo turned, where need be widened by transparency, and the box to cut."""
    angle, x, y, side = place
    x = (box[0] + box[2]) / 2 if x is None else x
    picture = picture.convert("RGBA")
    if angle:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, center=(x, y))
    left, top = x - side / 2, y - eye_row * side
    outer = math.floor(left), math.floor(top), math.ceil(left + side), math.ceil(top + side)
    left, top = left - outer[0], top - outer[1]
    return picture.crop(outer), (left, top, left + side, top + side)


def background(kind: str, person: str, size: int, clutter: int) -> npt.NDArray[np.float64]:
    """What lies behind a person, sRGB in [0, 1], (size, size, 3); the same in all their views.

    `varied` blends clutter x clutter colours, drawn uniformly by a hash of the person, each around
    its own place with a Gaussian weight of sigma BLEND.
    """
    if kind == "plain":
        return np.full((size, size, 3), GREY)
    digest = hashlib.sha256(f"background:{person}".encode(errors="surrogateescape")).digest()
    colours = np.random.default_rng(list(digest)).random((clutter, clutter, 3))
    places, pixels = np.arange(clutter), np.linspace(0, clutter - 1, size)
    weights = np.exp(-((pixels[:, None] - places) ** 2) / (2 * BLEND**2))
    weights /= weights.sum(axis=1, keepdims=True)
    blended = np.einsum("ya,xb,abc->yxc", weights, weights, colours, optimize=True)
    return np.asarray(blended)
