"""Spectrum: how coarse or fine is what each latent contributes to the output."""

from __future__ import annotations

import math
from functools import lru_cache

import pandas as pd
import torch
from torch import Tensor

from facerot import progress
from facerot.config import FILLS, SPLITS
from facerot.latents import remove
from facerot.measure.scores import Regions, chroma, luma
from facerot.measure.silencing import Faces, fill_value, small_batches
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet

KEY = ["split", "fill", "latent", "frequency"]


@torch.inference_mode()
def spectrum(network: UNet, faces: Faces, regions: Regions) -> pd.DataFrame:
    """The radial power of what each latent contributes, o(all) - o(-k), over the frame.

    A row a face, fill, latent, frequency (whole cycles a picture, 0 to S / 2) and score: KEY, FACE,
    `score` (`luma_power`, `chroma_power`), `value`. `regions` are not looked at.
    """
    parts = []
    fills = {fill: fill_value(fill, network, faces) for fill in FILLS}
    for split in SPLITS:
        found: Found = {}
        said = f"spectra of {split} faces"
        for x, _ in progress.bar(small_batches(faces, split), said, "batch"):
            latents = network.encode(x)
            full = network.decode(latents)
            for fill, value in fills.items():
                for k in network.latents:
                    change = full - network.decode(latents, remove(network.latents, k), value)
                    powers = {
                        "luma_power": radial_power(luma(change)[:, None]),
                        "chroma_power": radial_power(chroma(change)),
                    }
                    for frequency in range(x.shape[-1] // 2 + 1):
                        at = {name: power[:, frequency] for name, power in powers.items()}
                        enter(found, (split, fill, k, frequency), at)
        parts.append(tidy(found, KEY, faces.people(split)))
    return joined(parts, KEY)


def radial_power(image: Tensor) -> Tensor:
    """The power of planes (N, P, S, S), added, by frequency: (N, S / 2 + 1).

    It adds up to the mean square of a pixel. By the orthonormal DCT-II (Ahmed, Natarajan & Rao
    1974), the spectrum of the picture mirrored at its borders, so that these are no edges.
    Coefficient (u, v) has sqrt(u^2 + v^2) / 2 cycles a picture, rounded; what is finer than S / 2
    counts as S / 2.
    """
    size = image.shape[-1]
    cosines, band = _cosines(size).to(image), _bands(size).to(image.device)
    energy = (cosines @ image @ cosines.T).square().sum(dim=1).flatten(1) / size**2
    power: Tensor = energy.new_zeros(len(image), size // 2 + 1).index_add(1, band, energy)
    return power


@lru_cache
def _cosines(size: int) -> Tensor:
    """The orthonormal DCT-II of a side as a matrix (size, size), a row a frequency."""
    u, at = torch.arange(size)[:, None], torch.arange(size) + 0.5
    waves: Tensor = torch.cos(math.pi / size * u * at) * (2 / size) ** 0.5
    waves[0] /= 2**0.5
    return waves


@lru_cache
def _bands(size: int) -> Tensor:
    """The frequency of each coefficient, (size * size,)."""
    u = torch.arange(size)
    cycles = torch.hypot(u[:, None].float(), u[None].float()) / 2
    band: Tensor = cycles.round().long().clamp(max=size // 2).flatten()
    return band
