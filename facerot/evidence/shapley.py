"""Who contributes how much to a score, and who needs whom: exact, over all sets of kept latents.

Removing a latent asks what is lost while all others are there, keeping it alone what it gives while
none is. A Shapley value averages what a latent adds over every order in which they could come, so
that what two latents carry alike is shared and not missed by both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import TypeVar

import pandas as pd

from facerot.config import SPLITS
from facerot.latents import IN_FACE, KeepSet, keep_label, keep_sets
from facerot.runs.study import Study

Worth = TypeVar(
    "Worth", float, pd.Series
)  # of a set of kept latents: a number, or one a seed or face

GAME = ["concats", "split", "probe", "score"]  # of an index of `Study.latents`

# What is shared out, by the name of its score: an error counts downwards.
GAMES = {"mse": -1, "colour_kept": 1, f"{IN_FACE}front_match": 1, f"{IN_FACE}rotation": 1}


def shapley(worth: Mapping[KeepSet, Worth], latents: Sequence[int]) -> dict[int, Worth]:
    """The Shapley value of each latent; they add up to worth(all) - worth(none).

    phi_k = sum over S without k of |S|! (n - |S| - 1)! / n! (worth(S + k) - worth(S)), Shapley
    (1953). `worth` has all 2^n sets of the n latents, each in ascending order.
    """
    return {
        k: _sum(
            (_weight(len(kept), 1, len(latents)), worth[_with(kept, k)] - worth[kept])
            for kept in _without(latents, k)
        )
        for k in latents
    }


def interaction(
    worth: Mapping[KeepSet, Worth], latents: Sequence[int]
) -> dict[tuple[int, int], Worth]:
    """The Shapley interaction index of each pair of latents, the lower first.

    Above 0 they are worth more together than apart: one needs the other. Below 0 they can stand in
    for each other. I_ij = sum over S without i, j of |S|! (n - |S| - 2)! / (n - 1)! times
    (worth(S + i + j) - worth(S + i) - worth(S + j) + worth(S)), Grabisch & Roubens (1999).
    """
    return {
        (i, j): _sum(
            (
                _weight(len(kept), 2, len(latents)),
                worth[_with(kept, i, j)] - worth[_with(kept, i)] - worth[_with(kept, j)]
                + worth[kept],
            )
            for kept in _without(latents, i, j)
        )
        for i, j in combinations(latents, 2)
    }  # fmt: skip


def worth_by_seed(
    study: Study, score: str, split: str, concats: str, latents: Sequence[int]
) -> dict[KeepSet, pd.Series]:
    """The mean of a score over faces for each keep set, by seed; a score of GAMES with its sign.

    `score` bears its region, such as face_rotation. Empty where a set has not been measured; seeds
    that lack one are left out.
    """
    sets = {keep_label(keep): keep for keep in keep_sets(latents)}
    of_model = study.latents.xs((concats, split, "rgb", score), level=GAME)  # type: ignore[arg-type]
    table = of_model.unstack("keep").reindex(columns=list(sets)).dropna()
    return {keep: GAMES.get(score, 1) * table[label] for label, keep in sets.items()}


def games(study: Study) -> list[str]:
    """The scores of GAMES that the study's runs have: faces without a face box lack its scores."""
    known = study.latents.index.unique("score")
    return [score for score in GAMES if score in known]


def shapley_table(study: Study, concats: str, latents: Sequence[int]) -> pd.DataFrame:
    """Every Shapley value of a model: columns `split`, `score`, `latent`, `seed`, `value`."""
    rows = []
    for split in SPLITS:
        for score in games(study):
            worth = worth_by_seed(study, score, split, concats, latents)
            for k, values in shapley(worth, latents).items():
                rows += [(split, score, k, seed, value) for seed, value in values.items()]
    table: pd.DataFrame = pd.DataFrame(rows, columns=["split", "score", "latent", "seed", "value"])
    return table


def interaction_table(study: Study, concats: str, latents: Sequence[int]) -> pd.DataFrame:
    """Every interaction of a model: columns `split`, `score`, `one`, `other`, `seed`, `value`."""
    rows = []
    for split in SPLITS:
        for score in games(study):
            worth = worth_by_seed(study, score, split, concats, latents)
            for (i, j), values in interaction(worth, latents).items():
                rows += [(split, score, i, j, seed, value) for seed, value in values.items()]
    columns = ["split", "score", "one", "other", "seed", "value"]
    table: pd.DataFrame = pd.DataFrame(rows, columns=columns)
    return table


def _weight(kept: int, joining: int, latents: int) -> float:
    """The share of the orders in which just `kept` latents come before those that join as one."""
    after = latents - kept - joining
    return factorial(kept) * factorial(after) / factorial(latents - joining + 1)


def _without(latents: Sequence[int], *left_out: int) -> list[KeepSet]:
    return keep_sets([k for k in latents if k not in left_out])


def _with(kept: KeepSet, *joining: int) -> KeepSet:
    return tuple(sorted((*kept, *joining)))


def _sum(parts: Iterable[tuple[float, Worth]]) -> Worth:
    first, *others = (weight * gain for weight, gain in parts)
    total = first
    for one in others:
        total = total + one
    return total
