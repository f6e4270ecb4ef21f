"""Triangle meshes built from curves and shells: the pieces a scene is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facerot.data.heads.arrays import Array, Flags, Index, unit, vertex_normals
from facerot.data.heads.palette import Colour


@dataclass(frozen=True)
class Piece:
    """A mesh with one material: vertices, colours (linear albedo) and normals (n, 3)."""

    vertices: Array
    triangles: Index
    colours: Array
    normals: Array
    material: str


def tubes(curves: Array, radii: Array, colours: Array, material: str, sides: int = 3) -> Piece:
    """Curves (n, k, 3) with radii (n, k) and colours (n, k, 3) as open tubes."""
    count, steps, _ = curves.shape
    along = unit(np.gradient(curves, axis=1))
    across = unit(
        np.cross(along, np.where(np.abs(along[..., 1:2]) < 0.9, [0, 1.0, 0], [1.0, 0, 0]))
    )
    angle = np.arange(sides)[:, None] / sides * 2 * np.pi
    third = np.cross(along, across)
    normals = np.cos(angle) * across[:, :, None] + np.sin(angle) * third[:, :, None]
    vertices = curves[:, :, None] + radii[:, :, None, None] * normals
    index = np.arange(count * steps * sides).reshape(count, steps, sides)
    a, b = index[:, :-1], index[:, 1:]
    a_next, b_next = np.roll(a, -1, axis=2), np.roll(b, -1, axis=2)
    corners = [np.stack([a, a_next, b_next], -1), np.stack([a, b_next, b], -1)]
    triangles = np.concatenate([c.reshape(-1, 3) for c in corners])
    spread = np.broadcast_to(colours[:, :, None], vertices.shape)
    flat = [values.reshape(-1, 3) for values in (vertices, spread, normals)]
    return Piece(flat[0], triangles, flat[1], flat[2], material)


def wire(curve: Array, radius: float, colour: Colour, material: str) -> Piece:
    """One curve (k, 3) as a round wire."""
    one = np.ones((1, len(curve)))
    return tubes(curve[None], radius * one, one[..., None] * np.array(colour), material, sides=6)


def ball(centre: Array, radius: float, colour: Colour, material: str) -> Piece:
    """A sphere around centre (3,)."""
    polar = np.linspace(0, np.pi, 12)
    curve = np.array(centre) - radius * np.cos(polar)[:, None] * np.array([0, 1.0, 0])
    colours = np.ones((1, len(polar), 1)) * np.array(colour)
    piece = tubes(curve[None], radius * np.sin(polar)[None], colours, material, sides=12)
    return replace(piece, normals=unit(piece.vertices - centre))


def shell(vertices: Array, triangles: Index, field: Array, colours: Array, material: str) -> Piece:
    """The part of a mesh where field (n,) is positive, cut cleanly along its zero line."""
    inside = field > 0
    crossing = triangles[inside[triangles].any(1) & ~inside[triangles].all(1)]
    tables = [vertices, colours]
    kept, first_new = [triangles[inside[triangles].all(1)]], len(vertices)
    for lone in (True, False):
        turned = _lone_first(crossing[(inside[crossing].sum(1) == 1) == lone], inside, lone)
        a, b, c = turned.T
        cuts = [_cut(a, other, field, tables) for other in (b, c)]
        tables = [np.concatenate([t, cuts[0][k], cuts[1][k]]) for k, t in enumerate(tables)]
        ab = first_new + np.arange(len(a))
        ac = ab + len(a)
        first_new += 2 * len(a)
        new = [(a, ab, ac)] if lone else [(ab, b, c), (ab, c, ac)]
        kept += [np.stack(corners, axis=1) for corners in new]
    faces = np.concatenate(kept)
    used, index = np.unique(faces, return_inverse=True)
    faces, (vertices, colours) = index.reshape(faces.shape), (table[used] for table in tables)
    return Piece(vertices, faces, colours, vertex_normals(vertices, faces), material)


def _lone_first(triangles: Index, inside: Flags, value: bool) -> Index:
    """Rotate each triangle so that its only corner with inside == value comes first."""
    start = (inside[triangles] == value).argmax(axis=1)
    turned: Index = triangles[np.arange(len(start))[:, None], (start[:, None] + np.arange(3)) % 3]
    return turned


def _cut(a: Index, b: Index, field: Array, tables: list[Array]) -> list[Array]:
    """Each table's values where the edges a-b cross the zero of the field."""
    share = (field[a] / (field[a] - field[b]))[:, None]
    return [table[a] * (1 - share) + table[b] * share for table in tables]
