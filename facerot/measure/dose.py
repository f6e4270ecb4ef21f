"""Dose: a latent scaled instead of removed, and what that does, as curves."""

from __future__ import annotations

import pandas as pd
import torch

from facerot import progress
from facerot.config import SPLITS
from facerot.measure.scores import FaceScores, Regions
from facerot.measure.silencing import Faces, small_batches
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet

FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
KEY = ["split", "latent", "factor"]


@torch.inference_mode()
def dose(network: UNet, faces: Faces, regions: Regions) -> pd.DataFrame:
    """The scores of every face with one latent times each of FACTORS, the others as they are.

    A row a face, latent, factor and score: KEY, FACE, `score`, `value`. Factor 0 is removal with
    the fill `zero`, factor 1 the network as it is.
    """
    parts = []
    for split in SPLITS:
        found: Found = {}
        for x, y in progress.bar(small_batches(faces, split), f"dose on {split} faces", "batch"):
            latents, scores = network.encode(x), FaceScores(x, y, regions)
            full = network.decode(latents)
            for k in network.latents:
                for factor in FACTORS:
                    scaled = [one * factor if i == k else one for i, one in enumerate(latents, 1)]
                    output = full if factor == 1 else network.decode(scaled)
                    enter(found, (split, k, factor), scores.claimed(output, full))
        parts.append(tidy(found, KEY, faces.people(split)))
    return joined(parts, KEY)
