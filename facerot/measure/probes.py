"""Probe inputs: images that show the network only part of what it knows, to see where it goes."""

from __future__ import annotations

import torch
from torch import Tensor

from facerot.latents import CHANNELS

TILES = 3  # the paper cuts the input of Fig 9 into 3x3 tiles


def probe(x: Tensor, name: str) -> Tensor:
    """The input images (N, 3, S, S) as one of PROBES shows them; what is left out is 0.

    `r`, `g`, `b` keep one channel (Fig 8); `mosaic` keeps one channel in each of 3x3 tiles,
    neighbours differing (Fig 9).
    """
    if name == "rgb":
        return x
    if name == "mosaic":
        return x * tile_mask(x.shape[-1]).to(x)
    mask = torch.tensor([float(name == channel) for channel in CHANNELS])
    return x * mask.to(x)[:, None, None]


def tile_mask(size: int) -> Tensor:
    """Which channel each pixel of the mosaic keeps: (3, size, size) of 0 and 1."""
    tile = torch.arange(size) * TILES // size
    own = (tile[:, None] + tile[None, :]) % len(CHANNELS)
    return torch.stack([own == channel for channel in range(len(CHANNELS))]).float()
