"""Catmull-Clark subdivision as sparse matrices: one product refines any deformed mesh."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from facerot.data.heads.arrays import Index


def catmull_clark(quads: Index, count: int) -> tuple[sp.csr_matrix, Index]:
    """One step of subdivision as a matrix (new, count) and the new quads.

    Borders follow the cubic B-spline rule. Catmull & Clark (1978).
    """
    faces = len(quads)
    sides = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), axis=1)
    edges, edge_of, used = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(-1)
    in_face = np.repeat(np.arange(faces), 4)
    face_vertex = _ones(in_face, quads, (faces, count))
    edge_vertex = _ones(np.repeat(np.arange(len(edges)), 2), edges, (len(edges), count))
    edge_face = _ones(edge_of, in_face, (len(edges), faces))
    border = sp.diags((used == 1).astype(float))
    face_point, middle = face_vertex / 4, edge_vertex / 2
    edge_point = middle / 2 + edge_face @ face_point / 4
    edge_point = edge_point - border @ edge_point + border @ middle
    vertex_point = _moved_vertices(face_vertex, edge_vertex, face_point, middle, border)
    return (
        sp.vstack([vertex_point, edge_point, face_point]).tocsr(),
        _split_quads(quads, edge_of.reshape(faces, 4) + count, count + len(edges)),
    )


def _ones(rows: Index, columns: Index, shape: tuple[int, int]) -> sp.csr_matrix:
    """The 0/1 matrix with ones at (rows, columns)."""
    return sp.csr_matrix((np.ones(columns.size), (rows, columns.ravel())), shape=shape)


def _moved_vertices(
    face_vertex: sp.csr_matrix,
    edge_vertex: sp.csr_matrix,
    face_point: sp.csr_matrix,
    middle: sp.csr_matrix,
    border: sp.dia_matrix,
) -> sp.csr_matrix:
    """Where the old vertices go: (F + 2 E + (n - 3) V) / n inside, (E + V) / 2 on a border."""
    border_vertex = edge_vertex.T @ border
    at_border = np.asarray(border_vertex.sum(1)).ravel() > 0
    around_face, around_edge = _averaging(face_vertex.T), _averaging(edge_vertex.T)
    degree = np.maximum(np.asarray(edge_vertex.sum(0)).ravel(), 1)
    keep = sp.diags((degree - 3) / degree)
    spread = sp.diags(1 / degree)
    inside = spread @ around_face @ face_point + 2 * spread @ around_edge @ middle + keep
    outside = (sp.identity(len(degree)) + _averaging(border_vertex) @ middle) / 2
    on = sp.diags(at_border.astype(float))
    return inside - on @ inside + on @ outside


def _averaging(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The same matrix with rows that add up to 1 (or 0)."""
    return sp.diags(1 / np.maximum(np.asarray(matrix.sum(1)).ravel(), 1)) @ matrix


def _split_quads(quads: Index, edge_point: Index, first_face_point: int) -> Index:
    """Four quads from each: corner, edge, centre, edge."""
    centre = np.arange(len(quads)) + first_face_point
    parts = [
        np.stack([quads[:, k], edge_point[:, k], centre, edge_point[:, k - 1]], axis=1)
        for k in range(4)
    ]
    return np.concatenate(parts)
