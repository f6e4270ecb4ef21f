"""Readers: what can be told from latents by ridge regression or nearest neighbours.

Both need only the Gram matrix of the views, so that a latent of 8,192 numbers costs no more than
one of 32. No person is in both what a reader learns from and what it reads (`GroupKFold`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from torch import Tensor

from facerot.latents import PLACES
from facerot.model import UNet

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Names = npt.NDArray[np.str_]

FEWEST_PERSONS = 3  # one is read, of the others one chooses the penalty
FOLDS, INNER_FOLDS = 5, 3
PENALTIES = 10.0 ** np.arange(-4, 4)  # in units of the mean eigenvalue
NEIGHBOURS = 5
SAME = 1e-5  # of their size: views that differ by less do not differ but by rounding


@torch.inference_mode()
def grams(net: UNet, parts: Iterator[Tensor]) -> dict[str, Array]:
    """The Gram matrix (N, N) of N views at each of PLACES: products of what differs from the mean.

    Args:
        net: in eval mode.
        parts: the views (n, 3, S, S), N in all.
    """
    found: dict[str, list[Tensor]] = {place: [] for place in PLACES}
    for x in parts:
        latents = net.encode(x)
        for place, features in zip(PLACES, (x, *latents, *net.drawn(latents))):
            found[place].append(features.flatten(1).cpu())
    return {place: gram(torch.cat(found.pop(place))) for place in PLACES}


def gram(features: Tensor) -> Array:
    """Products (N, N) of features (N, D) less their mean; 0 where all views have the same."""
    centred = features - features.mean(dim=0)
    if centred.norm() <= SAME * features.norm():
        return np.zeros((len(features),) * 2)
    products: Array = (centred @ centred.T).double().numpy()
    return products


def ridge(products: Array, labels: Array, persons: Names) -> Array:
    """Labels (N, t) read by ridge regression from other persons, each column with its own penalty.

    The penalty is that which reads best among the persons learnt from (cross-validated again).

    Args:
        products: the Gram matrix (N, N) of what is read from.
        labels: what is to be read.
        persons: whose view each row is, at least FEWEST_PERSONS.
    """
    read = np.empty_like(labels)
    for train, test in folds(persons, FOLDS):
        errors = sum(
            np.square(under_penalties(products, labels, train[rest], train[held])
                      - labels[train[held]]).sum(axis=1)
            for rest, held in folds(persons[train], INNER_FOLDS)
        )  # fmt: skip
        best = np.argmin(errors, axis=0)
        read[test] = under_penalties(products, labels, train, test)[best, :, range(len(best))].T
    return read


def under_penalties(products: Array, labels: Array, train: Rows, test: Rows) -> Array:
    """The labels (p, n, t) of n test rows under each of PENALTIES, by ridge regression.

    In the dual (Saunders et al. 1998), with an offset that is not penalised; all penalties from one
    eigendecomposition.
    """
    within, across = products[np.ix_(train, train)], products[np.ix_(test, train)]
    mean = within.mean(axis=0)
    across = across - mean - across.mean(axis=1, keepdims=True) + mean.mean()
    values, vectors = np.linalg.eigh(within - mean - mean[:, None] + mean.mean())
    offset = labels[train].mean(axis=0)
    seen, wanted = across @ vectors, vectors.T @ (labels[train] - offset)
    unit = values.mean() if values.mean() > 0 else 1.0
    return np.stack([offset + (seen / (values + unit * one)) @ wanted for one in PENALTIES])


def nearest(products: Array, labels: Array, persons: Names) -> Array:
    """Labels (N, t) read as the mean of those of the NEIGHBOURS nearest views of other persons."""
    apart, read = distances(products), np.empty_like(labels)
    for train, test in folds(persons, FOLDS):
        reader = KNeighborsRegressor(min(NEIGHBOURS, len(train)), metric="precomputed")
        reader.fit(apart[np.ix_(train, train)], labels[train])
        read[test] = reader.predict(apart[np.ix_(test, train)])
    return read


def mean_label(labels: Array, persons: Names) -> Array:
    """Labels (N, t) read as the mean of those of other persons: what needs no latent."""
    read = np.empty_like(labels)
    for train, test in folds(persons, FOLDS):
        read[test] = labels[train].mean(axis=0)
    return read


def distances(products: Array) -> Array:
    """Euclidean distances (N, N) from a Gram matrix."""
    square = np.diag(products)
    apart: Array = np.sqrt(np.maximum(square[:, None] + square - 2 * products, 0))
    return apart


def folds(persons: Names, count: int) -> Iterator[tuple[Rows, Rows]]:
    """(rows to learn from, rows to read), no person in both; of few persons each by itself."""
    split = GroupKFold(min(count, len(set(persons)))).split(persons, groups=persons)
    yield from split
