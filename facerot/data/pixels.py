"""Pixels on the device: bytes until they are used, and so many at once."""

from __future__ import annotations

import torch
from torch import Tensor

EVALUATION_BATCH = 64  # faces of at most EVALUATION_SIZE px; of larger ones fewer
EVALUATION_SIZE = 64


def evaluation_batch(size: int) -> int:
    """How many faces of `size` px are evaluated at once."""
    return max(1, min(EVALUATION_BATCH, EVALUATION_BATCH * EVALUATION_SIZE**2 // size**2))


def to_unit(images: Tensor) -> Tensor:
    """uint8 (N, 3, S, S) -> float in [0, 1], channels last (the faster layout of convolutions)."""
    return images.to(torch.float32, memory_format=torch.channels_last).div(255)
