"""Ablation: latents removed, and kept alone, with fills that disturb the decoder less than zeros.

Removing shows what is necessary, keeping alone what suffices. What the silenced latents become
decides how much of a loss is their information and how much the decoder's surprise: `silencing`
has zeros and means, here they are those of another person, and the constants that cost the least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from facerot import progress
from facerot.config import SPLITS
from facerot.latents import KeepSet, keep_label, keep_ones, keep_sets, removals
from facerot.measure.optimal import Fitting
from facerot.measure.scores import FaceScores, Regions
from facerot.measure.silencing import KEY, Faces, small_batches
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet

DONORS = 3  # other persons whose latents fill those of a face, one after the other
NOBODY = -1

Rows = npt.NDArray[np.intp]
Scores = dict[str, Tensor]


def ablation(network: UNet, faces: Faces, regions: Regions) -> pd.DataFrame:
    """The scores of every face under the masks of `ablated`, with the fills `other` and `optimal`.

    Columns as in latents.parquet, a row a face, mask, fill and score; `probe` is rgb. A score under
    `other` is its mean over DONORS donors, nan where there is nobody else.
    """
    keeps, fitting = ablated(network.latents), Fitting(network, faces)
    fills = {keep: fitting.optimal(keep) for keep in progress.bar(keeps, "fitting", "mask")}
    parts = []
    for split in SPLITS:
        found: Found = {}
        said = f"ablating latents of {split} faces"
        for x, y, donors in progress.bar(_with_donors(faces, split), said, "batch"):
            with torch.inference_mode():
                latents, scores = network.encode(x), FaceScores(x, y, regions)
                full = network.decode(latents)
                for keep in keeps:
                    output = network.decode(latents, keep, fills[keep])
                    key = (split, "rgb", keep_label(keep), "optimal")
                    enter(found, key, scores.claimed(output, full))
                for keep, named in zip(keeps, _by_others(network, latents, donors, scores, keeps)):
                    enter(found, (split, "rgb", keep_label(keep), "other"), named)
        parts.append(tidy(found, KEY, faces.people(split)))
    return joined(parts, KEY)


def ablated(latents: Sequence[int]) -> list[KeepSet]:
    """All latents of a model, all but one, one alone, none."""
    named = (*removals(latents).values(), *keep_ones(latents).values(), ())
    return list(dict.fromkeys(named))


def _by_others(
    network: UNet,
    latents: Sequence[Tensor],
    donors: Tensor,
    scores: FaceScores,
    keeps: Sequence[KeepSet],
) -> Iterator[Scores]:
    """The mean scores of each keep set over donors (D, N, 3, S, S); nan images are no donors."""
    full = network.decode(latents)
    places = [keep_sets(network.latents).index(keep) for keep in keeps]
    by_donor = []
    for donor in donors:
        outputs = network.decode_all(latents, network.encode(donor))
        by_donor.append([scores.claimed(outputs[place], full) for place in places])
    for named in zip(*by_donor):
        yield {name: torch.stack([one[name] for one in named]).nanmean(dim=0) for name in named[0]}


def _with_donors(faces: Faces, split: str) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Inputs, targets, and the inputs (D, N, 3, S, S) of the donors of each face."""
    inputs = torch.cat([x for x, _ in faces.batches(split)])
    rows, begin = torch.from_numpy(donors_of(faces.people(split))).to(inputs.device), 0
    for x, y in small_batches(faces, split):
        chosen = rows[:, begin : begin + len(x)]
        given = inputs[chosen.clamp(min=0)]
        given[chosen == NOBODY] = torch.nan
        yield x, y, given
        begin += len(x)


def donors_of(people: pd.DataFrame) -> Rows:
    """Rows of other persons for each face, (DONORS, N), NOBODY where there are not so many.

    The next persons in the order of the split, at the same yaw, as if the first followed the last.
    """
    rows = np.full((DONORS, len(people)), NOBODY)
    for _, alike in people.reset_index().groupby(["yaw", "mirrored"]):
        first = alike.groupby("person", sort=False)["index"].first()
        place = alike["person"].map({person: i for i, person in enumerate(first.index)})
        for donor in range(min(DONORS, len(first) - 1)):
            rows[donor, alike["index"]] = first.to_numpy()[(place + donor + 1) % len(first)]
    return rows
