"""Where scalp, beard, brows and clothes lie: smooth functions of the undeformed head.

Positions are base-mesh positions (n, 3) in dm, so every region follows the deformation.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facerot.data.heads.arrays import Array, bump, ramp
from facerot.data.heads.people import Features, Hair

# Height of the hairline (dm) at azimuths from the face's middle (degrees), and how far each
# point moves up when the hair recedes by 1.
AZIMUTH = (0, 22, 40, 52, 60, 68, 76, 80, 86, 100, 108, 118, 130, 150, 180)
HAIRLINE = (
    *(7.96, 7.98, 7.93, 7.72, 7.50, 7.25, 7.12, 7.20, 7.42, 7.42, 7.30, 7.00),
    *(6.82, 6.72, 6.70),
)
RECESSION = (0.55, 0.60, 0.90, 0.50, 0.20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SKULL_AXIS_Z = 0.55
# Inner and outer end of a brow, from the middle (dm).
BROW_ENDS = (0.11, 0.55)


def above_hairline(base: Array, recede: float) -> Array:
    """Height above the hairline (n,) in dm, negative below it."""
    azimuth = np.degrees(np.arctan2(np.abs(base[:, 0]), base[:, 2] - SKULL_AXIS_Z))
    line = np.array(HAIRLINE) + recede * np.array(RECESSION)
    height: Array = base[:, 1] - np.interp(azimuth, AZIMUTH, line)
    return height


def scalp(base: Array, masks: Mapping[str, Array], hair: Hair, frizz: Array) -> Array:
    """Where head hair grows (n,) in [0, 1]; frizz (n,) makes the hairline irregular."""
    grows = ramp(above_hairline(base, hair.recede) + 0.05 * frizz, -0.04, 0.08)
    grows *= 1 - ramp(masks["ears"], 0.02, 0.1)
    if hair.style == "bald":
        # A wreath around the back: it thins out towards the crown and ends before the temples.
        y, z = base[:, 1], base[:, 2]
        grows *= 1 - ramp(y + 0.8 * ramp(z, 0.3, 0.8) + 0.2 * frizz, 7.3, 7.9)
    return grows


def beard(base: Array, masks: Mapping[str, Array], kind: str) -> Array:
    """Where facial hair of this kind grows (n,) in [0, 1]; stubble covers the whole region."""
    x, y, z = np.abs(base[:, 0]), base[:, 1], base[:, 2]
    cheek_line = 0.55 * np.clip(x - 0.3, 0, 1)
    jaw = (1 - ramp(y, 6.72 + cheek_line, 6.86 + cheek_line)) * ramp(y, 5.98, 6.15)
    upper_lip = bump(y, 6.78, 0.058) * (1 - ramp(x, 0.24, 0.34)) * ramp(z, 0.9, 1.2)
    chin = (1 - ramp(np.hypot(x, (y - 6.35) * 0.9), 0.2, 0.27)) * ramp(z, 0.9, 1.2)
    corner = bump(x, 0.27, 0.04) * ramp(y, 6.3, 6.4) * (1 - ramp(y, 6.75, 6.8)) * ramp(z, 0.9, 1.2)
    whole = np.maximum(jaw, upper_lip) * ramp(z, 0.55, 0.75)
    region = {
        "none": np.zeros(len(base)),
        "moustache": upper_lip,
        "goatee": np.maximum(upper_lip, np.maximum(chin, corner)),
    }.get(kind, whole)
    bare: Array = (1 - masks["lips"]) * (1 - masks["ears"])
    return region * bare


def brows(base: Array, features: Features) -> Array:
    """Where the brows are drawn (n,) in [0, 1]."""
    along = (np.abs(base[:, 0]) - BROW_ENDS[0]) / (BROW_ENDS[1] - BROW_ENDS[0])
    inside = np.clip(along, 0, 1)
    middle = 7.475 + features.brow_height + features.brow_tilt * (2 * along - 1)
    middle += features.brow_arch * np.sin(inside * np.pi * 0.95) - 0.035 * along
    width = features.brow_width * (0.4 + 0.45 * np.sin((0.85 * inside + 0.15) * np.pi))
    across = np.abs(base[:, 1] - middle)
    drawn = 1 - np.clip((across / width - 0.45) / 0.55, 0, 1)
    face: Array = ramp(base[:, 2], 0.9, 1.2)
    return drawn * ramp(along, -0.06, 0.1) * (1 - ramp(along, 0.88, 1.06)) * face


def clothes(base: Array, neckline: str) -> Array:
    """Signed depth below the neckline (n,), about in dm: positive where cloth covers the skin."""
    x, y, z = np.abs(base[:, 0]), base[:, 1], base[:, 2]
    crew: Array = 5.80 - y + 0.5 * np.clip(x - 0.4, 0, 1) + 0.25 * np.clip(0.2 - z, 0, 0.6)
    opening = {
        "v": 0.7 * x - 0.65 * (y - 5.42),
        "scoop": 0.45 * (np.hypot(x / 0.72, (y - 6.0) / 0.45) - 1),
        "high": crew + 0.28,
    }.get(neckline, crew)
    if neckline == "high":
        return opening
    front = ramp(z, 0.1, 0.4)
    return np.minimum(crew, opening) * front + crew * (1 - front)
