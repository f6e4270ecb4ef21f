"""Tidy tables of what is measured face by face: a row a face and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_numeric_dtype
from torch import Tensor

FACE = ["person", "session", "yaw", "mirrored"]  # yaw: of the input as the network sees it

Found = dict[tuple[str | float, ...], list[Tensor]]  # what a value belongs to -> its batches (N,)


def enter(found: Found, key: tuple[str | float, ...], scores: Mapping[str, Tensor]) -> None:
    """Add the scores (N,) of one batch to what is found; the score's name ends the key."""
    for score, per_face in scores.items():
        found.setdefault((*key, score), []).append(per_face)


def tidy(found: Found, key: Sequence[str], people: pd.DataFrame) -> pd.DataFrame:
    """A row for each key and face of one split: `key`, FACE, `score`, `value`.

    Args:
        found: in the order of the rows; its keys are those of `key`, then the score.
        key: the names of what a value belongs to.
        people: who is shown, in the order of the batches.
    """
    keys = pd.DataFrame(list(found), columns=[*key, "score"])
    table = keys.loc[keys.index.repeat(len(people))].reset_index(drop=True)
    for column in FACE:
        table[column] = np.tile(people[column].to_numpy(), len(keys))
    values = torch.stack([torch.cat(batches) for batches in found.values()])
    table["value"] = values.flatten().cpu().numpy()
    ordered: pd.DataFrame = table[[*key, *FACE, "score", "value"]]
    return ordered


def joined(parts: Sequence[pd.DataFrame], key: Sequence[str]) -> pd.DataFrame:
    """Tidy tables as one, its words as categories: many rows, few words; of none an empty one."""
    nothing = pd.DataFrame(columns=[*key, *FACE, "score", "value"]).astype({"value": float})
    table = pd.concat(parts, ignore_index=True) if parts else nothing
    words = [name for name in table if not is_numeric_dtype(table[name])]
    typed: pd.DataFrame = table.astype(dict.fromkeys(words, "category"))
    return typed


def means(table: pd.DataFrame) -> pd.DataFrame:
    """The means over faces of a tidy table: a row for each of its keys, in their order."""
    key = [name for name in table if name not in (*FACE, "value")]
    by_key = table.groupby(key, observed=True, sort=False, dropna=False)["value"]
    averaged: pd.DataFrame = by_key.mean().reset_index()
    return averaged
