"""Hair styles as numbers: how long, how thick, and which way the strands are combed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from facerot.data.heads.arrays import Array, ramp, unit
from facerot.data.heads.people import Hair

Family = Literal["loose", "close", "falling", "tied"]


@dataclass(frozen=True)
class Style:
    """Lengths and distances in dm; lift, gravity, comb and curl are weights of directions.

    family: `loose` strands stand off the head, `close` ones are held near it, `falling` ones
    hang beside the face, `tied` ones run to a knot.
    """

    family: Family
    strands: int
    front: float
    top: float
    side: float
    back: float
    lift: float
    volume: float
    gravity: float
    comb: float
    curl: float
    radius: float
    steps: int


STYLES = {
    "buzz": Style("loose", 5000, 0.06, 0.06, 0.05, 0.05, 0.8, 0.04, 0, 0.1, 0, 0.015, 3),
    "bald": Style("loose", 2500, 0.06, 0.05, 0.07, 0.07, 0.6, 0.05, 0.1, 0.1, 0, 0.014, 3),
    "short": Style("close", 4500, 0.30, 0.34, 0.14, 0.12, 0.35, 0.16, 0.05, 0.5, 0.15, 0.017, 5),
    "side_part": Style("close", 4500, 0.75, 0.75, 0.26, 0.2, 0.3, 0.24, 0.1, 0.8, 0.1, 0.018, 7),
    "undercut": Style("close", 4500, 0.75, 0.7, 0.06, 0.06, 0.35, 0.26, 0.1, 0.8, 0.1, 0.018, 7),
    "swept_back": Style("close", 4500, 0.95, 0.75, 0.32, 0.3, 0.4, 0.22, 0.06, 0.9, 0.08, 0.018, 7),
    "fringe": Style("close", 4500, 0.6, 0.85, 0.55, 0.45, 0.15, 0.2, 0.35, 0.6, 0.1, 0.018, 7),
    "curly": Style("loose", 3400, 0.56, 0.56, 0.46, 0.4, 0.45, 0.3, 0.1, 0, 2.2, 0.026, 9),
    "afro": Style("loose", 4500, 0.36, 0.36, 0.36, 0.36, 0.9, 0.34, 0, 0, 1.6, 0.026, 7),
    "bob": Style("falling", 4500, 1.9, 1.9, 1.5, 1.0, 0.06, 0.2, 0.5, 0.45, 0.1, 0.021, 10),
    "long": Style("falling", 4500, 3.0, 3.0, 2.8, 2.4, 0.05, 0.2, 0.5, 0.4, 0.18, 0.024, 11),
    "one_side": Style("falling", 4500, 3.0, 3.0, 2.6, 2.2, 0.05, 0.22, 0.5, 0.4, 0.2, 0.024, 11),
    "bun": Style("tied", 3500, 1.3, 1.1, 0.9, 0.8, 0.03, 0.1, 0, 1.0, 0.04, 0.018, 9),
    "ponytail": Style("tied", 3500, 1.3, 1.1, 0.9, 0.8, 0.03, 0.1, 0, 1.0, 0.04, 0.018, 9),
    "side_tail": Style("tied", 3500, 1.5, 1.4, 1.3, 1.1, 0.03, 0.1, 0, 1.0, 0.04, 0.018, 9),
}
# How much the person's own length (0 to 1) changes the style's: factor at 0, and at 1.
OWN_LENGTH = {"loose": (0.75, 1.15), "close": (0.75, 1.2), "falling": (0.7, 1.1), "tied": (1, 1)}
HIGH_BUN = 0.55


def lengths(style: Style, hair: Hair, base: Array) -> Array:
    """Strand lengths (n,) in dm at roots base (n, 3)."""
    y, z = base[:, 1], base[:, 2]
    top, back, front = ramp(y, 7.6, 8.1), ramp(-z, -0.35, 0.1), ramp(z, 0.9, 1.2)
    low = style.side * (1 - back) + style.back * back
    length = low * (1 - top) + style.top * top
    length = length * (1 - front * top) + style.front * front * top
    shortest, longest = OWN_LENGTH[style.family]
    return length * (shortest + (longest - shortest) * hair.length)


def parting_side(hair: Hair, base: Array, rng: np.random.Generator) -> Array:
    """+1 (the subject's left) or -1 (n,): the side of the parting on which a strand falls."""
    middle = {"side_part": 1.0, "undercut": 1.3, "one_side": 1.2, "bob": 0.8, "long": 0.15}
    parting = hair.parting * middle.get(hair.style, 0.0)
    return np.sign(base[:, 0] - parting + rng.normal(0, 0.02, len(base)))


def comb_direction(hair: Hair, base: Array, normals: Array, side: Array) -> Array:
    """The way strands are combed (n, 3), unit vectors; `tied` hair is steered as it grows."""
    x, y, z = base.T
    ones, low = np.ones(len(base)), (1 - ramp(y, 7.6, 8.1))[:, None]
    if hair.style in ("curly", "afro"):
        return normals
    if hair.style in ("side_part", "undercut"):
        way = np.stack([0.9 * side, -0.35 * ones, np.where(z > 0.9, 0.05, -0.25)], axis=1)
        way = way * (1 - low) + low * np.array([0, -1, -0.35])
    elif hair.style in ("long", "one_side", "bob"):
        way = np.stack([0.9 * side, -0.5 * ones, np.where(z > 0.8, -0.35, -0.3)], axis=1)
    elif hair.style == "swept_back":
        way = np.array([0, -0.1, -1]) * (1 - low) + low * np.array([0, -0.5, -0.8])
    elif hair.style == "fringe":
        way = np.stack(
            [0.45 * (x - 0.3 * hair.parting), -0.7 * ones, 1.2 * ramp(z, 0.1, 0.9) - 0.4], 1
        )
    else:
        whorl = np.array([0.4 * hair.parting, 8.35, 0.3])
        way = unit(base - whorl)
        way[:, 2] += 0.25 * ramp(z, 0.9, 1.2)
    return unit(way)


def knot(hair: Hair) -> Array:
    """Where tied hair meets (3,) on the undeformed head."""
    if hair.style == "bun":
        return np.array([0, 8.05, -0.20] if hair.length > HIGH_BUN else [0, 7.5, -0.38])
    if hair.style == "side_tail":
        return np.array([np.sign(hair.parting) * 0.66, 6.95, 0.08])
    return np.array([0, 7.75, -0.38])
