"""The smooth wall of a studio photo, made transparent, so that the background is a setting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from facerot.errors import BadFile

LOOK = 512  # px of the longer side at which the wall is looked for; faces are smaller than that
RIM = 0.05  # of the longer side: the width of the rim in which the wall is fitted
RIM_END = 0.55  # of the height: below it shoulders touch the sides
FITS = 4  # the first on the whole rim, each other on what the one before took for wall
TOLERANCE = 24  # of 255: a wall's shadows and JPEG's noise stay below, hair and skin are above
SMOOTH = TOLERANCE / 2
# Share of the rim that must be SMOOTH. Of the 1020 photos of the London Set, where hair reaches the
# rim in some, the least is 0.78; half a wall of another grey has 0.72, 4 x 4 blended colours 0.65.
ENOUGH = 0.75
SPECK = 0.0075  # of the longer side: what is thinner than about twice that is no person
SOFT = 0.0045  # of the longer side: sigma of the Gaussian that softens the edge

Colours = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def without_wall(photo: Image.Image) -> Image.Image:
    """An upright RGB photo as RGBA, the wall behind the person transparent.

    The wall is what lies within TOLERANCE of a colour field that is bilinear in x and y, and is
    connected to the upper rim; wall that hair or an arm encloses stays. A photo that has
    transparent pixels was cut by somebody else and is returned as it is.

    Raises BadFile where there is no smooth wall, or nothing before it.
    """
    if photo.mode == "RGBA" and np.asarray(photo.getchannel("A")).min() < 255:
        return photo
    small = photo.convert("RGB")
    small.thumbnail((LOOK, LOOK), Image.Resampling.BOX)
    colours = np.asarray(small, np.float64)
    person = _softened(_person(np.abs(colours - _wall(colours)).max(axis=-1) < TOLERANCE))
    cut = photo.convert("RGBA")
    cut.putalpha(Image.fromarray(person).resize(photo.size, Image.Resampling.BILINEAR))
    return cut


def _wall(colours: Colours) -> Colours:
    """The colour of the wall at every pixel, (H, W, 3), also behind the person; raises BadFile."""
    height, width = colours.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y], axis=-1)
    rim = _rim(height, width)
    is_wall = np.ones(rim.sum(), bool)
    for _ in range(FITS):
        weights = np.linalg.lstsq(terms[rim][is_wall], colours[rim][is_wall], rcond=None)[0]
        distance = np.abs(colours[rim] - terms[rim] @ weights).max(axis=-1)
        is_wall = distance < TOLERANCE
        if not is_wall.any():
            break
    smooth = (distance < SMOOTH).mean()
    if smooth < ENOUGH:
        raise BadFile(f"no smooth wall for data.matte=wall, only {smooth:.0%} of the upper rim")
    return np.asarray(terms @ weights)


def _rim(height: int, width: int) -> Mask:
    """Where a person seldom is: along the top, and along the upper part of both sides."""
    wide = max(1, round(RIM * max(height, width)))
    rim = np.zeros((height, width), bool)
    rim[:wide] = True
    rim[: round(RIM_END * height), :wide] = True
    rim[: round(RIM_END * height), -wide:] = True
    return rim


def _person(like_wall: Mask) -> Mask:
    """What the wall does not reach from the rim, without specks; raises BadFile for nothing."""
    regions, _ = ndimage.label(like_wall)
    reached = np.unique(regions[_rim(*like_wall.shape) & like_wall])
    rest = ~np.isin(regions, reached[reached > 0])
    # Beyond the frame the person goes on, so that the cut at the bottom is no edge.
    thickness = max(1, round(SPECK * max(like_wall.shape)))
    padded = np.pad(rest, thickness, mode="edge")
    person: Mask = ndimage.binary_opening(padded, iterations=thickness)
    person = person[thickness:-thickness, thickness:-thickness]
    if not person.any():
        raise BadFile("nothing but a wall for data.matte=wall")
    return person


def _softened(person: Mask) -> npt.NDArray[np.uint8]:
    alpha = ndimage.gaussian_filter(person.astype(np.float64), SOFT * max(person.shape))
    return np.asarray(np.rint(alpha * 255), np.uint8)
