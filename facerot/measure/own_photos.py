"""A trained network on photos of one's own, and how far these are from the faces it learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from facerot.config import FaceSet
from facerot.data.photo import crop_box, decode, opened
from facerot.errors import BadFile, reason
from facerot.latents import KeepSet, removals
from facerot.model import UNet
from facerot.panels import Pixels, to_pixels
from facerot.reading import MOST_PHOTO, read_bytes

RIM = 1 / 16  # of the picture's side: the strip along its upper rim, and along its sides above half
FAR = 0.1  # of [0, 1]: a mean colour so far outside of those of the training faces
TIMES = 2.0  # a spread of colours so many times above the largest, or below the smallest

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Photo:
    """A photo as the network sees the faces of its run.

    Attributes:
        x: (1, 3, size, size) in [0, 1].
        side: px of the part that is used, before it was resized.
    """

    x: Tensor
    side: int


def read_photo(path: Path, faces: FaceSet, size: int) -> Photo:
    """A photo cut as `faces` are; raises BadFile where it cannot be used."""
    try:
        data = read_bytes(path, MOST_PHOTO)
    except OSError as error:
        raise BadFile(reason(error)) from error
    pixels = decode(data, path.stem, faces, size)
    with opened(data) as photo:
        left, top, right, bottom = crop_box(photo.size, faces.crop)
    x = torch.from_numpy(np.ascontiguousarray(pixels))[None] / 255
    return Photo(x, round(min(right - left, bottom - top)))


@torch.inference_mode()
def turned(network: UNet, x: Tensor, keep: KeepSet) -> dict[str, Pixels]:
    """Input, output with the kept latents, and with each of those removed, named by what is kept.

    Args:
        network: in eval mode.
        x: (1, 3, S, S) in [0, 1].
        keep: the latents that reach the decoder.

    Returns columns (1, S, S, 3), the output second.
    """
    latents = network.encode(x)
    outputs = {
        f"{name.replace('all', 'output')}: {' '.join(map(str, kept)) or 'none'}": to_pixels(
            network.decode(latents, kept)
        )
        for name, kept in removals(keep).items()
    }
    return {"input": to_pixels(x), **outputs}


def rim_of(faces: Pixels) -> Numbers:
    """What lies behind faces (N, S, S, 3), (N, 4): mean red, green, blue and their spread.

    The spread is the standard deviation over the rim, averaged over the colours; all in [0, 1].
    """
    size = faces.shape[1]
    wide = max(1, round(RIM * size))
    upper = faces[:, wide : size // 2]
    parts = (faces[:, :wide], upper[:, :, :wide], upper[:, :, -wide:])
    rim = np.concatenate([part.reshape(len(faces), -1, 3) for part in parts], axis=1) / 255
    return np.column_stack([rim.mean(axis=1), rim.std(axis=1).mean(axis=1)])


def learned_rims(folder: Path, size: int) -> Numbers | None:
    """`rim_of` the training faces that a run shows; None where it shows none."""
    try:
        with Image.open(folder / "faces" / "train_rgb.png") as picture:
            inputs = np.asarray(picture.convert("RGB"))[:, :size]
    except OSError:
        return None
    return rim_of(inputs.reshape(-1, size, size, 3)) if inputs.size else None


def strangeness(photo: Photo, learned: Numbers | None) -> list[str]:
    """In which ways a photo is far from the training faces, in a few words each."""
    size = photo.x.shape[-1]
    found = [f"enlarged from {photo.side} px"] if photo.side < size else []
    if learned is None:
        return found
    low, high = learned.min(axis=0), learned.max(axis=0)
    (*colour, spread), *_ = rim_of(to_pixels(photo.x))
    if (colour < low[:3] - FAR).any() or (colour > high[:3] + FAR).any():
        found.append("another colour behind")
    if spread * TIMES < low[3]:
        found.append("a smoother background")
    if spread > high[3] * TIMES:
        found.append("a busier background")
    return found
