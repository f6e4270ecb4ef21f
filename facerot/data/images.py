"""Photos -> one uint8 tensor: decoded, cropped and resized once, kept in a cache on disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from facerot.config import Faces, SettingsError
from facerot.data.faces import Root, Stamp, View

Pixels = npt.NDArray[np.uint8]

GREY = 0.8  # sRGB of the plain background, that of a light studio wall
FIELD = 12  # a varied background blends FIELD x FIELD random colours: out-of-focus clutter
BLEND = 0.5  # how far each of them reaches, in units of their distance
CACHE_FORMAT = 1  # counts up when the same photos would decode to other pixels


def load_images(
    root: Root, stamps: Mapping[str, Stamp], views: Sequence[View], faces: Faces, size: int
) -> Pixels:
    """The views as uint8 (N, 3, size, size), from the cache where it has them.

    Raises SettingsError naming every file that cannot be decoded.
    """
    cached = cache_folder() / f"{_key(root, stamps, views, faces, size)}.npy"
    shape = (len(views), 3, size, size)
    images = _read_cache(cached, shape)
    if images is None:
        images = _decode_all(root, views, faces, size)
        _write_cache(cached, images)
    return images


def cache_folder() -> Path:
    """Where decoded photos are kept: $XDG_CACHE_HOME/facerot, by default ~/.cache/facerot."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "facerot"


def _key(
    root: Root, stamps: Mapping[str, Stamp], views: Sequence[View], faces: Faces, size: int
) -> str:
    listing = [[view.file, stamps[view.file].size, stamps[view.file].mtime] for view in views]
    behind = [faces.background, GREY, FIELD, BLEND]
    settings = [CACHE_FORMAT, str(root.path), faces.crop, behind, size]
    return hashlib.sha256(json.dumps([settings, listing]).encode()).hexdigest()[:32]


def _read_cache(path: Path, shape: tuple[int, ...]) -> Pixels | None:
    try:
        images: Pixels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent or truncated: decode again
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _write_cache(path: Path, images: Pixels) -> None:
    """Write beside the final name, then rename: another process sees all of it or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            np.save(file, images)
        os.replace(file.name, path)
    except OSError as error:  # a full or read-only disk costs time, not the run
        print(f"decoded photos could not be kept in {path.parent}: {error}")


def _decode_all(root: Root, views: Sequence[View], faces: Faces, size: int) -> Pixels:
    images = np.empty((len(views), 3, size, size), np.uint8)
    faults: list[str] = []

    def decode_into(index: int) -> None:
        view = views[index]
        try:
            images[index] = decode(root.read(view.file), view.person, faces, size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
            faults.append(f"{view.file} ({reason})")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pool.map(decode_into, range(len(views)))
        list(tqdm(work, f"decoding {faces.name}", len(views), unit="photo", leave=False))
    if faults:
        raise SettingsError(
            f"{len(faults)} of {len(views)} photos in {root.path} cannot be decoded: "
            + "; ".join(sorted(faults))
        )
    return images


def decode(data: bytes, person: str, faces: Faces, size: int) -> Pixels:
    """One photo as uint8 (3, size, size): cropped, resized, over its background where transparent.

    Raises OSError or ValueError where the bytes are no picture that Pillow reads.
    """
    with Image.open(io.BytesIO(data)) as photo:
        box = crop_box(photo.size, faces.crop)
        has_alpha = photo.has_transparency_data
        picture = photo.convert("RGBA" if has_alpha else "RGB")
    if picture.size != (size, size) or box != (0, 0, size, size):
        picture = picture.resize((size, size), Image.Resampling.LANCZOS, box=box)
    pixels = np.asarray(picture, np.float64) / 255
    if has_alpha:
        alpha = pixels[:, :, 3:]
        pixels = alpha * pixels[:, :, :3] + (1 - alpha) * background(faces.background, person, size)
    return np.asarray(np.rint(pixels * 255).transpose(2, 0, 1), np.uint8)


def crop_box(
    photo_size: tuple[int, int], crop: Sequence[float] | None
) -> tuple[float, float, float, float]:
    """The part of a photo that is used, in its pixels: a relative box, or the centre square."""
    width, height = photo_size
    if crop is not None:
        left, top, right, bottom = crop
        return left * width, top * height, right * width, bottom * height
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def background(kind: str, person: str, size: int) -> npt.NDArray[np.float64]:
    """What lies behind a person, sRGB in [0, 1], (size, size, 3); the same in all their views.

    `varied` blends FIELD x FIELD colours, drawn uniformly by a hash of the person, each around its
    own place with a Gaussian weight of sigma BLEND.
    """
    if kind == "plain":
        return np.full((size, size, 3), GREY)
    digest = hashlib.sha256(f"background:{person}".encode()).digest()
    colours = np.random.default_rng(list(digest)).random((FIELD, FIELD, 3))
    places, pixels = np.arange(FIELD), np.linspace(0, FIELD - 1, size)
    weights = np.exp(-((pixels[:, None] - places) ** 2) / (2 * BLEND**2))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("ya,xb,abc->yxc", weights, weights, colours))
