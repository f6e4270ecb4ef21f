"""What each score says, in a line: on hover and below whatever on the page names it.

The formulas are in docs/definitions.md.
"""

from __future__ import annotations

import re

from facerot.evidence.claims import CLAIMS
from facerot.latents import IN_EYES, IN_FACE

SCORES = {
    "mse": "mean squared error between the output and the frontal photo; 0: the same",
    "psnr": "the same error in decibels; the higher, the nearer",
    "ssim": "how alike output and frontal photo are part by part; 1: the same",
    "colour_kept": "how much is left of the colour that the output has with all latents; "
    "1: all, 0: as wrong as grey",
    "luma_front_match": "correlation of the output's brightness with the frontal photo's",
    "front_match": "correlation of the output's fine structure with the frontal photo's; 1: alike",
    "side_match": "correlation of the output's fine structure with the side view's; 1: alike",
    "rotation": "front_match less side_match; above 0 the output is nearer to the frontal photo, "
    "below 0 to the side view",
    "lowpass_sigma": "the blur of the side view, in px, at which lowpass is found",
    "lowpass": "correlation of the output's brightness with the side view's, blurred as fits best",
    "mixing": "share of each colour channel in what an input of one channel brings about",
    "leakage": "share of each colour channel in the output for an input of one channel",
    "tile_purity": "share of a mosaic tile's response that keeps to the tile's own channel",
    "boundary_shift": "how far the colour edges of the mosaic have moved, in px",
    "edges_found": "share of faces whose output shows the colour edges of the mosaic",
}
WHERE = {IN_EYES: "in the eye band", IN_FACE: "in the face box"}
_CHANNELS = r"(?:_[rgb]{2})?"  # of mixing and leakage: of the input, of the output
_NAMES = "|".join(name.replace("_", "[_ ]") for name in SCORES)
_SCORE = re.compile(rf"\b({'|'.join(WHERE)})?({_NAMES}){_CHANNELS}\b", re.IGNORECASE)


def scores_in(text: str) -> dict[str, str]:
    """The scores that a text names, each with what it says."""
    found = {}
    for prefix, name in _SCORE.findall(text):
        score, where = name.replace(" ", "_").lower(), WHERE.get(prefix.lower())
        found[f"{prefix.lower()}{score}"] = SCORES[score] + (f"; {where}" if where else "")
    return found


def hint(name: str) -> str:
    """What a score or a claim of that name says; nothing for other names."""
    claims = {claim.name: claim.sentence for claim in CLAIMS}
    return claims.get(name) or next(iter(scores_in(name).values()), "")
