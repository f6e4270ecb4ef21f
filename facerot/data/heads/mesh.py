"""The head as a smooth mesh: parts, morph targets, feature masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.sparse as sp

from facerot.data.heads import assets
from facerot.data.heads.arrays import Array, Index, vertex_normals
from facerot.data.heads.subdivide import catmull_clark

# The bust: what lies above the chest and inside the arms is all that a frame can show (dm).
LOWEST, WIDEST = 4.3, 2.3
# Levels of subdivision: the iris is painted on the vertices of the eye, which needs the finest.
LEVELS = {
    "helper-l-eye": 3,
    "helper-r-eye": 3,
    "helper-upper-teeth": 1,
    "helper-lower-teeth": 1,
    "helper-tongue": 1,
    "helper-l-eyelashes-2": 0,
    "helper-r-eyelashes-2": 0,
}
SKIN_LEVELS = 2


@dataclass(frozen=True)
class Part:
    """A connected piece of the head.

    smooth: matrix (fine, coarse); coarse: indices into the base mesh; triangles (F, 3);
    base: the fine vertices (fine, 3) on the undeformed head.
    """

    smooth: sp.csr_matrix
    coarse: Index
    triangles: Index
    base: Array

    def fine(self, vertices: Array) -> Array:
        """The subdivided part (fine, 3) of a deformed base mesh (V, 3)."""
        smooth: Array = self.smooth @ vertices[self.coarse]
        return smooth


def make_part(vertices: Array, quads: Index, levels: int) -> Part:
    """Cut the quads out of the base mesh and subdivide them."""
    coarse, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(quads.shape)
    smooth = sp.identity(len(coarse), format="csr")
    for _ in range(levels):
        step, quads = catmull_clark(quads, smooth.shape[0])
        smooth = (step @ smooth).tocsr()
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return Part(smooth, coarse, triangles, smooth @ vertices[coarse])


class HeadModel:
    """The parametric head: `skin` and the small `parts`, `masks` on the skin, morph targets."""

    def __init__(self) -> None:
        base = assets.load_base()
        self.vertices = base.vertices
        self.files = assets.target_files()
        corners = base.vertices[base.quads["body"]]
        bust = (corners[..., 1].min(1) > LOWEST) & (np.abs(corners[..., 0]).max(1) < WIDEST)
        quads, uv_quads = base.quads["body"][bust], base.uv_quads["body"][bust]
        self.skin = make_part(base.vertices, quads, SKIN_LEVELS)
        self.parts = {
            name: make_part(base.vertices, base.quads[name], levels)
            for name, levels in LEVELS.items()
        }
        uv = np.zeros((len(base.vertices), 2))
        uv[quads.ravel()] = base.uv[uv_quads.ravel()]
        self.masks: dict[str, Array] = {
            name: self.skin.smooth @ assets.load_mask(name, uv[self.skin.coarse])
            for name in assets.MASKS
        }
        self._target = cache(lambda name: assets.load_target(self.files[name]))

    def deform(self, weights: Mapping[str, float]) -> Array:
        """The base mesh (V, 3) moved by the weighted targets."""
        vertices: Array = self.vertices.copy()
        for name, weight in weights.items():
            if weight:
                rows, moves = self._target(name)
                vertices[rows] += weight * moves
        return vertices


@dataclass(frozen=True)
class Head:
    """A person's skin: vertices and normals (n, 3), triangles (F, 3), base (n, 3) undeformed."""

    base: Array
    vertices: Array
    normals: Array
    triangles: Index
    masks: Mapping[str, Array]


def pose_skin(model: HeadModel, vertices: Array) -> Head:
    """The fine skin of a deformed base mesh (V, 3)."""
    skin = model.skin.fine(vertices)
    normals = vertex_normals(skin, model.skin.triangles)
    return Head(model.skin.base, skin, normals, model.skin.triangles, model.masks)
