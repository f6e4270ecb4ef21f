"""Hair combed to a knot: buns and ponytails."""

from __future__ import annotations

import numpy as np

from facerot.data.heads import styles
from facerot.data.heads.arrays import Array, unit
from facerot.data.heads.mesh import Head
from facerot.data.heads.people import Hair
from facerot.data.heads.strands import Obstacle, Roots, Strands
from facerot.data.heads.styles import Style

BUN_STRANDS, TAIL_STRANDS = 900, 1100
# Radius of a bun of average volume, and of the strands beyond the knot (dm).
BUN_RADIUS, LOOSE_RADIUS = 0.29, 0.016
TAIL_PULL = np.array([0, -0.6, 0.16])


def grow_tied(
    rng: np.random.Generator, hair: Hair, style: Style, head: Head, roots: Roots, obstacle: Obstacle
) -> list[Strands]:
    """The hair on the head, and what is made of it behind the knot."""
    anchor = int(((head.base - styles.knot(hair)) ** 2).sum(axis=1).argmin())
    place, out = head.vertices[anchor], head.normals[anchor]
    combed = _comb_to(rng, hair, style, roots, obstacle, place)
    if hair.style == "bun":
        rest = _bun(rng, BUN_RADIUS * hair.volume, place, out)
    else:
        rest = _tail(rng, obstacle, place, out)
    return [Strands(combed, style.radius), Strands(rest, LOOSE_RADIUS)]


def _comb_to(
    rng: np.random.Generator,
    hair: Hair,
    style: Style,
    roots: Roots,
    obstacle: Obstacle,
    place: Array,
) -> Array:
    """Strands (n, steps + 1, 3) that lie on the head and end at the knot."""
    count = len(roots.points)
    layer = style.volume * hair.volume * rng.random(count) ** 0.8 + 0.012
    points, curves = roots.points.copy(), [roots.points - 0.01 * roots.normals]
    for turn in range(style.steps):
        left = style.steps - turn
        points = points + (place - points) / left + rng.normal(0, 0.006, points.shape)
        _, normal, height = obstacle.nearest(points)
        points = points + normal * (layer * min(1, (turn + 1) / 3) - height)[:, None]
        curves.append(points)
    return np.stack(curves, axis=1)


def _bun(rng: np.random.Generator, radius: float, place: Array, out: Array) -> Array:
    """Rings wound around the axis that points out of the head, as one ball."""
    count = BUN_STRANDS
    axis = unit(out + rng.normal(0, 0.25, (count, 3)))
    first = unit(np.cross(axis, rng.normal(size=(count, 3))))
    second = np.cross(first, axis)
    angle = np.linspace(0, 2.6, 10)[None, :, None]
    ring = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    rise = rng.uniform(-0.75, 0.75, (count, 1, 1))
    ball = np.sqrt(1 - rise**2) * ring + rise * out
    layer = rng.uniform(0.7, 1.02, (count, 1, 1))
    wound: Array = place + 0.7 * radius * out + radius * layer * ball
    return wound


def _tail(rng: np.random.Generator, obstacle: Obstacle, place: Array, out: Array) -> Array:
    """A tail that leaves the knot and hangs, a little forward so that it lies on the neck."""
    count, steps = TAIL_STRANDS, 10
    points = place + 0.06 * out + rng.normal(0, 0.08, (count, 3))
    heading = 0.25 * out + rng.normal(0, 0.08, (count, 3))
    step = rng.uniform(1.3, 1.8, (count, 1)) / steps
    curves = [points]
    for _ in range(steps):
        heading = unit(heading + TAIL_PULL)
        points = points + heading * step
        _, normal, height = obstacle.nearest(points)
        points = points + normal * np.clip(0.08 - height, 0, None)[:, None]
        curves.append(points)
    return np.stack(curves, axis=1)
