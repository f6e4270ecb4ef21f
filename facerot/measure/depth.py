"""Depth: how far down the network the source view is still told of, and where the target is.

Both are read at each place on the way of a face, of persons not learnt from. The network sees its
inputs as it was trained on them; what is to be read are the same views before a plain background,
so that a background, which source and target have in common, tells of neither.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import torch

from facerot import progress
from facerot.measure.decodability import PLAIN, codes_of, explained, persons_of
from facerot.measure.readers import FEWEST_PERSONS, grams, ridge
from facerot.measure.scores import Regions
from facerot.measure.silencing import Views
from facerot.measure.tables import Found, joined, tidy
from facerot.model import UNet

log = logging.getLogger(__name__)

KEY = ["split", "place", "what"]
SOURCE, TARGET = "source", "target"
SCORES = ("explained", "explained_shuffled")


def depth(net: UNet, faces: Views, regions: Regions) -> pd.DataFrame:
    """How well source and target are read at each of PLACES from the views of the source yaws.

    Args:
        net: in eval mode, on the device of the faces.
        faces: with their other views.
        regions: the face box, by which views are told apart.

    Returns:
        Columns KEY, FACE, `score` and `value`, a row a view, place and what is read. A split of
        fewer than FEWEST_PERSONS persons is left out, which is said.
    """
    parts, plain = [], faces.galleries(PLAIN)
    for split, gallery in progress.bar(faces.galleries().items(), "reading by depth", "split"):
        front = gallery.at(gallery.people, gallery.target_yaw)
        sources = gallery.people["yaw"].isin(gallery.source_yaw) & (front >= 0)
        seen, shown = gallery.where(sources), plain[split].where(sources)
        persons = persons_of(seen.people)
        if len(set(persons)) < FEWEST_PERSONS:
            log.warning(f"{split}: too few persons to read source and target of some by others")
            continue
        fronts, whose = np.unique(front[sources], return_inverse=True)
        targets = codes_of(plain[split].pictures(fronts), np.zeros(len(fronts)), regions)[whose]
        yaw = shown.people["yaw"].to_numpy()
        labels = {SOURCE: codes_of(torch.cat(list(shown.batches())), yaw, regions), TARGET: targets}
        found: Found = {}
        for place, products in grams(net, seen.batches()).items():
            _, scores = explained(ridge, products, labels, persons)
            for (what, score), values in scores.items():
                if score in SCORES:
                    found[split, place, what, score] = [values]
        parts.append(tidy(found, KEY, seen.people))
    return joined(parts, KEY)
