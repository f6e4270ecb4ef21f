"""A trained network as text for the page: see packed.js, which unpacks it."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facerot.panels import Pixels

Array = npt.NDArray[np.float32]

LARGEST_HALF = 300_000  # numbers of a network from which on a number gets 8 bits instead of 16
STAGES = [*(f"down{k}" for k in range(1, 6)), *(f"up{k}" for k in range(1, 6))]
BATCH_EPSILON = 1e-5  # of torch.nn.BatchNorm2d


@dataclass(frozen=True)
class Layer:
    """A convolution as the page computes it: (4, 4, inputs, outputs), batch norm folded in."""

    weights: Array
    bias: Array
    gain: Array | None = None
    offset: Array | None = None


def pack(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, Array],
    size: int,
    means: Sequence[Array] = (),
    known: Sequence[Pixels] = (),
) -> dict[str, Any]:
    """A network, ready to be written as JSON.

    Args:
        architecture: as weights.safetensors has it.
        tensors: as weights.safetensors has them.
        size: of its images, in px.
        means: of each latent over the training faces, (C, S / 2**K, S / 2**K); none where unknown.
        known: images (S, S, 3) that the page measures its own against: an input, and what PyTorch
            makes of it with all latents and with none.
    """
    layers = {name: _layer(name, architecture, tensors) for name in STAGES}
    few = sum(layer.weights.size for layer in layers.values()) <= LARGEST_HALF
    data, told = bytearray(), []
    for name, layer in layers.items():
        inputs, outputs = layer.weights.shape[2:]
        extra = {key: getattr(layer, key) for key in ("gain", "offset")}
        learnt = {key: value for key, value in extra.items() if value is not None}
        told.append([name, inputs, outputs, *learnt])
        data += _halves(layer.weights) if few else _bytes_and_factors(layer.weights)
        for numbers in (layer.bias, *learnt.values()):
            data += numbers.astype("<f4").tobytes()
    groups = 3 if architecture["colour"] == "separate" else 1
    parts = [[_channels_last(mean[i::groups]) for i in range(groups)] for mean in means]
    for part in (part for latent in parts for part in latent):
        data += _halves(part)
    for image in known:
        data += image.tobytes()
    return {
        "architecture": dict(architecture),
        "size": size,
        "numbers": "float16" if few else "int8",
        "layers": told,
        "means": [[part.size for part in latent] for latent in parts],
        "known": len(known),
        "data": b64encode(zlib.compress(bytes(data), 9)).decode(),
    }


def _layer(name: str, architecture: Mapping[str, Any], tensors: Mapping[str, Array]) -> Layer:
    weights = tensors[f"{name}.0.weight"]
    axes = (2, 3, 1, 0) if name.startswith("down") else (2, 3, 0, 1)
    weights = np.ascontiguousarray(weights.transpose(axes), dtype=np.float32)
    bias = tensors.get(f"{name}.0.bias", np.zeros(weights.shape[3], np.float32))
    gain, offset = tensors.get(f"{name}.1.weight"), tensors.get(f"{name}.1.bias")
    if gain is None or offset is None:
        return Layer(weights, bias)
    if architecture["norm"] == "instance":
        return Layer(weights, bias, gain, offset)
    mean, variance = tensors[f"{name}.1.running_mean"], tensors[f"{name}.1.running_var"]
    scale = gain / np.sqrt(variance + BATCH_EPSILON)
    return Layer(weights * scale, (bias - mean) * scale + offset)


def _channels_last(image: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(image, 0, -1))


def _halves(numbers: Array) -> bytes:
    halves: bytes = numbers.astype("<f2").tobytes()
    return halves


def _bytes_and_factors(weights: Array) -> bytes:
    """Each output's weights as whole numbers up to 127, and the factor that they are to get."""
    factors = np.abs(weights).max(axis=(0, 1, 2)) / 127
    factors[factors == 0] = 1
    whole = np.round(weights / factors).astype(np.int8)
    scaled: bytes = whole.tobytes() + factors.astype("<f4").tobytes()
    return scaled
