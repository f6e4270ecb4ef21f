"""Strands of hair, where they begin, and the head that they must not enter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from facerot.data.heads.arrays import Array, unit
from facerot.data.heads.mesh import Head

# Every third vertex is close enough together to keep strands off the skin.
COLLISION_STRIDE = 3


@dataclass(frozen=True)
class Strands:
    """Curves (n, k, 3) of one radius, in dm."""

    curves: Array
    radius: float


@dataclass(frozen=True)
class Roots:
    """Where strands begin: on the head, on the undeformed head, and the normal there (n, 3)."""

    points: Array
    base: Array
    normals: Array


class Obstacle:
    """The head and shoulders as something that strands must not enter."""

    def __init__(self, head: Head) -> None:
        self.vertices = head.vertices[::COLLISION_STRIDE]
        self.normals = head.normals[::COLLISION_STRIDE]
        self.undo = head.base[::COLLISION_STRIDE] - self.vertices
        self.tree = cKDTree(self.vertices)

    def nearest(self, points: Array) -> tuple[Array, Array, Array]:
        """Distance (n,), outward normal (n, 3) and signed height above the skin (n,)."""
        distance, index = self.tree.query(points)
        normal = self.normals[index]
        height = ((points - self.vertices[index]) * normal).sum(axis=1)
        return distance, normal, height

    def undeformed(self, points: Array) -> Array:
        """Where points (n, 3) would be beside the undeformed head."""
        base: Array = points + self.undo[self.tree.query(points)[1]]
        return base


def grow_roots(rng: np.random.Generator, head: Head, cover: Array, count: int) -> Roots:
    """Points spread evenly over the skin where cover (n,) is high; none where it is nowhere."""
    corners = head.vertices[head.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    share = cover[head.triangles].mean(axis=1)
    area = np.linalg.norm(across, axis=1) * share * (share > 0.35)
    if not area.any():
        return Roots(*(np.zeros((0, 3)) for _ in range(3)))
    faces = head.triangles[rng.choice(len(area), count, p=area / area.sum())]
    weights = _barycentric(rng, count)

    def at(values: Array) -> Array:
        spread: Array = (values[faces] * weights).sum(axis=1)
        return spread

    return Roots(at(head.vertices), at(head.base), unit(at(head.normals)))


def _barycentric(rng: np.random.Generator, count: int) -> Array:
    """Uniform weights (count, 3, 1) within a triangle."""
    u, v = rng.random((2, count))
    folded = u + v > 1
    u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
    return np.stack([1 - u - v, u, v], axis=1)[..., None]
