"""Depth: at which place of the network the target takes over from the source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from facerot.latents import IN_FACE, LATENTS, PLACES, keep_label
from facerot.paper import BASELINE
from facerot.runs.study import Study

Array = npt.NDArray[np.float64]

# What reaches the decoder so far, beginning with the bottleneck: what it would draw of it.
SO_FAR = {"up5": (5,), "up4": (4, 5), "up3": (3, 4, 5), "up2": (2, 3, 4, 5), "output": LATENTS}


def read_at(study: Study, split: str, what: str, score: str = "explained") -> pd.DataFrame:
    """How well `source` or `target` is read of the Baseline's faces: a row a seed, PLACES across.

    Empty where no run has depth.csv.
    """
    table = study.further("depth")
    if table.empty:
        nothing: pd.DataFrame = pd.DataFrame(columns=list(PLACES))
        return nothing
    ours = table[
        (table["concats"] == BASELINE) & (table["split"] == split)
        & (table["what"] == what) & (table["score"] == score)
    ]  # fmt: skip
    wide = ours.pivot(index="seed", columns="place", values="value")
    in_order: pd.DataFrame = wide.reindex(columns=list(PLACES))
    return in_order


def shares(study: Study, split: str) -> pd.DataFrame:
    """The share of the source in what is read of source and target: a row a seed, PLACES across.

    source / (source + target), what is below chance counting as 0; 0.5 where neither is read.
    """
    source, target = (read_at(study, split, what).clip(lower=0) for what in ("source", "target"))
    share: pd.DataFrame = (source / (source + target)).fillna(0.5)
    return share


def crossing(share: Array) -> float:
    """Where the share of the source first falls to a half: a place of PLACES, from 0, between two.

    nan where it is no more than a half from the input on, or never falls to it.
    """
    below = np.flatnonzero(share <= 0.5)
    if not len(below) or below[0] == 0:
        return float("nan")
    after = below[0]
    before = after - 1
    return float(before + (share[before] - 0.5) / (share[before] - share[after]))


def crossings(study: Study, split: str) -> pd.Series:
    """The crossing of each seed that has one."""
    found = {seed: crossing(row.to_numpy(float)) for seed, row in shares(study, split).iterrows()}
    by_seed: pd.Series = pd.Series(found, dtype=float).rename_axis("seed").dropna()
    return by_seed


def drawn(study: Study, split: str, match: str) -> pd.DataFrame:
    """What the decoder would draw if nothing reached it after a stage: a row a seed, SO_FAR across.

    `front` or `side`: its match inside the face box; further latents are silenced with the study's
    fill.
    """
    columns = {
        stage: study.score(f"{IN_FACE}{match}_match", keep_label(keep), split)
        for stage, keep in SO_FAR.items()
    }
    table: pd.DataFrame = pd.DataFrame(columns)
    return table


def several_yaws(study: Study) -> bool:
    """Whether the Baselines turn more than one source yaw."""
    return any(len(run.settings.source_yaw) > 1 for run in study.of(BASELINE))
