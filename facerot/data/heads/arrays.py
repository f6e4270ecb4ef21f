"""The few array functions that every step of the generator shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def ramp(values: npt.ArrayLike, start: float | Array, end: float | Array) -> Array:
    """The smooth step from 0 at `start` to 1 at `end`."""
    t = np.clip((np.asarray(values, float) - start) / (end - start), 0, 1)
    step: Array = t * t * (3 - 2 * t)
    return step


def bump(values: Array, centre: float | Array, width: float) -> Array:
    """A Gaussian hill of height 1."""
    hill: Array = np.exp(-(((values - centre) / width) ** 2))
    return hill


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) of length 1; a vector of length 0 stays 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = vectors / np.maximum(length, 1e-9)
    return scaled


def noise(rng: np.random.Generator, points: Array, frequency: float, waves: int = 12) -> Array:
    """A smooth random field at points (n, 3), about N(0, 0.35^2): a sum of plane waves."""
    direction = (rng.normal(size=(waves, 3)) * frequency).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, waves).astype(np.float32)
    waving = np.sin(points.astype(np.float32) @ direction.T + phase)
    field: Array = waving.mean(axis=1, dtype=float) * np.sqrt(waves) * 0.5
    return field


def vertex_normals(vertices: Array, triangles: Index) -> Array:
    """Area-weighted unit normals (V, 3)."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    facing = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(
                triangles[:, corner], facing[:, axis], minlength=len(vertices)
            )
    return unit(total)
