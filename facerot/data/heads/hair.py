"""Hair grown step by step: each strand turns with comb, gravity and curl, and stays outside."""

from __future__ import annotations

import numpy as np

from facerot.data.heads import regions, styles
from facerot.data.heads.arrays import Array, noise, ramp, unit
from facerot.data.heads.mesh import Head
from facerot.data.heads.people import Person, Stream
from facerot.data.heads.strands import Obstacle, Roots, Strands, grow_roots
from facerot.data.heads.styles import Style
from facerot.data.heads.tied import grow_tied

BEARD_STRANDS = {"beard": 2000, "full": 2600, "goatee": 700, "moustache": 350}
BEARD_LENGTH = {"beard": 0.10, "full": 0.26, "goatee": 0.15, "moustache": 0.12}
BEARD_RADIUS = 0.013
# How far forward hair may come beside the face (dm): tucked behind the ear, loose, covering.
TUCKED, LOOSE, COVERING = 0.36, 0.56, 0.86


def grow_hair(person: Person, head: Head, cover: Array) -> list[Strands]:
    """Head hair and beard of a person; cover (n,) is where the scalp is."""
    rng, style = person.random(Stream.GROOM), styles.STYLES[person.hair.style]
    obstacle = Obstacle(head)
    roots = grow_roots(rng, head, cover, style.strands)
    if style.family == "tied":
        groups = grow_tied(rng, person.hair, style, head, roots, obstacle)
    else:
        groups = [Strands(_grow(rng, person, style, roots, obstacle), style.radius)]
    if person.features.beard in BEARD_STRANDS:
        groups.append(_grow_beard(rng, person, head))
    return groups


def _grow(
    rng: np.random.Generator, person: Person, style: Style, roots: Roots, obstacle: Obstacle
) -> Array:
    """Strands (n, steps + 1, 3): each step turns with comb, gravity and curl, then settles."""
    hair, count = person.hair, len(roots.points)
    side = styles.parting_side(hair, roots.base, rng)
    way = styles.comb_direction(hair, roots.base, roots.normals, side)
    way = unit(way + rng.normal(0, 0.12, (count, 3)))
    heading = unit(
        style.lift * roots.normals + (1 - style.lift) * way + rng.normal(0, 0.1, way.shape)
    )
    length = styles.lengths(style, hair, roots.base) * rng.uniform(0.82, 1.05, count)
    step = (length / style.steps)[:, None]
    layer = style.volume * hair.volume * rng.random(count) ** 0.8 + 0.012
    curl = _curl(rng, person, style, roots)
    clear = 0.70 + 0.1 * np.sin(3 * noise(rng, roots.base, 5, waves=16))
    points, curves = roots.points.copy(), [roots.points - 0.01 * roots.normals]
    for turn in range(1, style.steps + 1):
        done = turn / style.steps
        distance, normal, _ = obstacle.nearest(points)
        heading = _steer(heading, way, style, done) + curl[:, turn - 1]
        into = np.minimum((heading * normal).sum(axis=1), 0) * (distance < style.volume + 0.15)
        heading = unit(heading - 0.8 * into[:, None] * normal)
        points = _settle(points + heading * step, style, hair.volume, layer, done, obstacle)
        if style.family == "falling":
            points = _clear_face(points, side, clear, person, obstacle)
        curves.append(points)
    return np.stack(curves, axis=1)


def _steer(heading: Array, way: Array, style: Style, done: float) -> Array:
    """Combing fades along hair that hangs; gravity does not."""
    hangs = style.family == "falling" or style.gravity > 0.3
    comb = style.comb * (1 - 0.8 * done if hangs else 1)
    inertia = 0.8 if style.family == "falling" else 1.0
    steered: Array = heading * inertia + 0.6 * comb * way + np.array([0, -style.gravity, 0])
    return steered


def _curl(rng: np.random.Generator, person: Person, style: Style, roots: Roots) -> Array:
    """Sideways pushes (n, steps, 3) that wind a strand into a helix."""
    count = len(roots.points)
    tight = style.family == "loose" and style.curl > 1
    turns = rng.uniform(0.7, 1.4, count) * (2.2 if tight else 2.2 + 2 * person.hair.wave)
    along = np.arange(1, style.steps + 1) / style.steps
    angle = rng.uniform(0, 2 * np.pi, count)[:, None] + 2 * np.pi * turns[:, None] * along
    first = unit(np.cross(roots.normals, [0, 0, 1.0]) + 1e-6)
    second = np.cross(roots.normals, first)
    helix: Array = (
        np.cos(angle)[..., None] * first[:, None] + np.sin(angle)[..., None] * second[:, None]
    )
    return 0.8 * style.curl * helix


def _settle(
    points: Array, style: Style, volume: float, layer: Array, done: float, obstacle: Obstacle
) -> Array:
    """Push strands out to their layer above the skin, and hold back what stands off too far."""
    distance, normal, height = obstacle.nearest(points)
    floor = layer * min(1, 2.5 * done) * (1 - 0.25 * done if style.gravity < 0.3 else 1)
    push = np.clip(floor - height, 0, None) * (distance < 1)
    ceiling = style.volume * volume
    if style.family == "close":
        push -= np.clip(height - 1.15 * ceiling - 0.04, 0, None) * 0.8 * (distance < 0.8)
    elif style.family == "falling":
        push -= np.clip(height - ceiling - 0.08, 0, None) * 0.6 * (distance < 0.8)
    return points + normal * push[:, None]


def _clear_face(
    points: Array, side: Array, clear: Array, person: Person, obstacle: Obstacle
) -> Array:
    """Keep hanging hair beside the face: behind a limit on each side, off the brow in front."""
    x, y, z = obstacle.undeformed(points).T
    limit = np.where(np.sign(x) == person.hair.covers, COVERING, TUCKED)
    if person.hair.covers == 0:
        limit = np.full(len(x), LOOSE if person.hair.style == "bob" else TUCKED)
    beside = (y < 7.62) & (z > limit)
    brow = (z > 0.85) & (y < 7.92) & ~beside
    aside = np.where(side > 0, clear, -clear) - x
    move_x = np.where(brow & (np.abs(x) < clear), 0.55 * aside, 0.02 * np.sign(x) * beside)
    move_z = np.where(beside, -0.6 * (z - limit), -0.05 * brow)
    cleared: Array = points + np.stack([move_x, np.zeros(len(x)), move_z], axis=1)
    return cleared


def _grow_beard(rng: np.random.Generator, person: Person, head: Head) -> Strands:
    """Short strands that point down and, under the nose, to the sides."""
    kind = person.features.beard
    region = regions.beard(head.base, head.masks, kind)
    roots = grow_roots(rng, head, region, BEARD_STRANDS[kind])
    count, (x, y, _) = len(roots.points), roots.base.T
    length = BEARD_LENGTH[kind] * rng.uniform(0.6, 1.1, count) * (1 - 0.5 * ramp(y, 6.6, 6.9))
    heading = 0.6 * roots.normals + [0, -0.7, 0.1] + rng.normal(0, 0.2, (count, 3))
    heading[:, 0] += 0.5 * np.sign(x) * ((y > 6.7) & (np.abs(x) < 0.35))
    along = np.linspace(-0.05, 1, 4)[None, :, None] * length[:, None, None]
    curves = roots.points[:, None] + unit(heading)[:, None] * along
    curves[..., 1] -= 0.15 * along[..., 0] ** 2 / length[:, None]
    return Strands(curves, BEARD_RADIUS)
