"""Geometry: where faces lie to each other in each latent, by which networks can be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from facerot.config import SPLITS
from facerot.measure.patching import some_faces
from facerot.measure.readers import Array, gram
from facerot.measure.scores import Regions
from facerot.measure.silencing import Faces
from facerot.measure.tables import Found, joined, tidy
from facerot.model import UNet

KEY = ["split", "latent", "axis"]
FACES = 64  # of a split that are placed, at most


@torch.inference_mode()
def geometry(network: UNet, faces: Faces, regions: Regions) -> pd.DataFrame:
    """The coordinates of the inputs on the principal axes of each latent, all axes there are.

    Columns KEY, FACE, `score` (`coordinate`) and `value`, a row a face, latent and axis (from 0,
    the longest first). Which way an axis points is arbitrary. `regions` are not looked at.
    """
    parts = []
    for split in SPLITS:
        some = some_faces(faces, split, FACES)
        found: Found = {}
        for k, latent in enumerate(network.encode(some.x), start=1):
            if k in network.latents:
                for axis, values in enumerate(coordinates(gram(latent.flatten(1).cpu())).T):
                    found[split, k, axis, "coordinate"] = [torch.from_numpy(values.copy())]
        parts.append(tidy(found, KEY, some.people))
    return joined(parts, KEY)


def coordinates(products: Array) -> Array:
    """Points (N, N - 1) that have the Gram matrix (N, N) of points around their mean."""
    values, vectors = np.linalg.eigh(products)
    points: Array = (vectors * np.sqrt(np.maximum(values, 0)))[:, :0:-1]
    return points
