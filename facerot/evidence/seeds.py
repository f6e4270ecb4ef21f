"""Seeds: how alike networks are that differ in their initial values alone, and whether in two ways.

Runs can be compared that saw the same persons: the Baselines of one study and one split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import helmert
from scipy.spatial.distance import pdist, squareform
from scipy.stats import ortho_group

from facerot.evidence.bootstrap import Estimate
from facerot.evidence.claims import ALL, WITHOUT
from facerot.latents import LATENTS
from facerot.paper import BASELINE
from facerot.runs.pictures import faces_of
from facerot.runs.study import Finished, Study, read_by_face

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int_]

FEWEST = 10  # seeds, to tell two behaviours from one
FEWEST_COMPARED = 3  # seeds, each with its mean distance to the others
FEWEST_FACES = 4  # of which the unbiased HSIC is defined
ROTATIONS = 499
LEVEL = 0.05
MASKS = {"all": ALL, **{f"-{k}": WITHOUT[k] for k in LATENTS}}
WHO = ["person", "session", "yaw", "mirrored"]


def comparable(study: Study) -> list[Finished]:
    """The Baselines of the split that most of them have, by seed: they saw the same persons."""
    runs = study.of(BASELINE)
    splits = Counter(run.settings.split_seed for run in runs).most_common(1)
    return [run for run in runs if run.settings.split_seed == splits[0][0]] if runs else []


def outputs_of(runs: Sequence[Finished], split: str) -> dict[str, Array]:
    """The outputs under each of MASKS as points (seeds, D), whose distances are RMS of pixels.

    Of the faces that every run leaves as pictures (silenced latents at zero), in [0, 1].
    Raises OSError or ValueError where they cannot be read.
    """
    sheets = [faces_of(run, split, "rgb") for run in runs]
    points = {
        mask: np.stack([sheet[keep].reshape(-1) / 255 for sheet in sheets])
        for mask, keep in MASKS.items()
    }
    return {mask: one / np.sqrt(one.shape[1]) for mask, one in points.items()}


def distances(points: Array) -> Array:
    """Euclidean distances (n, n) of points (n, D)."""
    found: Array = squareform(pdist(points))
    return found


def mean_distances(points: Array) -> Array:
    """The mean distance (n,) of each of the points (n, D) to the others."""
    found: Array = distances(points).sum(axis=1) / (len(points) - 1)
    return found


@dataclass(frozen=True)
class Clusters:
    """Seeds in two clusters, and whether there are two.

    Attributes:
        labels: 1 or 2, (n,).
        silhouette: how much nearer seeds lie to their own cluster, in [-1, 1].
        chance: the same of each of ROTATIONS in which there is one cloud.
    """

    labels: Labels
    silhouette: float
    chance: Array

    @property
    def p(self) -> float:
        """How often one cloud looks as much like two clusters."""
        return (1 + int((self.chance >= self.silhouette).sum())) / (1 + len(self.chance))

    @property
    def found(self) -> Estimate:
        """The silhouette above its mean by chance; above 0 for sure where p is at most LEVEL."""
        low, high = (self.silhouette - np.quantile(self.chance, q) for q in (1 - LEVEL, LEVEL))
        value = self.silhouette - float(self.chance.mean())
        return Estimate(value, float(low), float(high), len(self.labels))


def two_clusters(points: Array, rotations: int = ROTATIONS) -> Clusters:
    """The points (n, D) as two clusters (Ward), and whether one cloud would look like it.

    One cloud: the points turned at random in the space of seeds, which keeps their mean and their
    covariance. Of normal points, whatever their covariance, that is an exact test (Langsrud 2005,
    Rotation tests). Permuting seeds would change no distance; permuting each pixel would take a
    long cloud for two.
    """
    mean = points.mean(axis=0)
    u, s, _ = np.linalg.svd(points - mean, full_matrices=False)
    reduced = u * s
    contrasts = helmert(len(points))
    turns = ortho_group.rvs(len(points) - 1, size=rotations, random_state=np.random.default_rng(0))
    chance = [_split(contrasts.T @ (turn @ (contrasts @ reduced)))[1] for turn in turns]
    return Clusters(*_split(reduced), np.array(chance))


def _split(points: Array) -> tuple[Labels, float]:
    """Two clusters by Ward's linkage, and their silhouette: 0 where one of them is a single seed.

    One that is apart from all others is no behaviour.
    """
    apart = pdist(points)
    labels: Labels = fcluster(linkage(apart, "ward"), 2, "maxclust")
    return labels, silhouette(squareform(apart), labels)


def silhouette(apart: Array, labels: Labels) -> float:
    """The mean silhouette (Rousseeuw 1987) of two clusters; 0 where one of them is single.

    Args:
        apart: distances (n, n).
        labels: 1 or 2, (n,).
    """
    same = labels[:, None] == labels
    sizes = same.sum(axis=1)
    if sizes.min() < 2 or sizes.max() == len(labels):
        return 0.0
    own = (apart * same).sum(axis=1) / (sizes - 1)
    other = (apart * ~same).sum(axis=1) / (len(labels) - sizes)
    return float(np.mean((other - own) / np.maximum(np.maximum(other, own), 1e-12)))


def cka_table(runs: Sequence[Finished], split: str) -> pd.DataFrame:
    """How alike each latent is in two runs: `latent`, `seed`, `other`, `cka`, `cka_shuffled`.

    A row for each pair and either order. Runs without geometry.parquet are left out, and pairs
    that have too few faces in common.
    """
    known = {run.seed: read_by_face(run, "geometry") for run in runs}
    placed = {seed: _products(table, split) for seed, table in known.items() if table is not None}
    rng, rows = np.random.default_rng(0), []
    for (seed, one), (other, two) in combinations(placed.items(), 2):
        for k in sorted(set(one) & set(two)):
            a, b = one[k].align(two[k], join="inner")
            a, b = (gram.reindex(columns=gram.index).to_numpy() for gram in (a, b))
            if len(a) < FEWEST_FACES:
                continue
            order = rng.permutation(len(b))
            both = cka(a, b), cka(a, b[np.ix_(order, order)])
            rows += [(k, *pair, *both) for pair in ((seed, other), (other, seed))]
    columns = ["latent", "seed", "other", "cka", "cka_shuffled"]
    table: pd.DataFrame = pd.DataFrame(rows, columns=columns)
    return table


def cka_by_seed(runs: Sequence[Finished], split: str) -> pd.DataFrame:
    """The mean CKA of a run with the others: a row a seed, a column a latent."""
    by_seed = cka_table(runs, split).groupby(["seed", "latent"])["cka"].mean()
    table: pd.DataFrame = by_seed.unstack("latent")
    return table


def _products(table: pd.DataFrame, split: str) -> dict[int, pd.DataFrame]:
    """The Gram matrix of the faces of a split by latent, rows and columns named by face."""
    of_split = table[table["split"] == split]
    found = {}
    for k, rows in of_split.groupby("latent"):
        points = rows.pivot(index=WHO, columns="axis", values="value")
        found[int(k)] = points @ points.T
    return found


def cka(one: Array, other: Array) -> float:
    """Linear CKA of two Gram matrices (n, n) of the same faces: 1 alike but for turns and scale.

    Kornblith et al. (2019), with the unbiased HSIC (Song et al. 2012; Nguyen et al. 2021): of
    independent latents it is 0 on average however many numbers they have, where the usual one
    nears 1. nan where faces do not differ.
    """
    own = hsic(one, one) * hsic(other, other)
    return float(hsic(one, other) / np.sqrt(own)) if own > 0 else float("nan")


def hsic(one: Array, other: Array) -> float:
    """The unbiased estimate of HSIC by Song et al. (2012), equation 5, of Gram matrices (n, n)."""
    n = len(one)
    a, b = (gram - np.diag(np.diag(gram)) for gram in (one, other))
    crossed = a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * (a @ b).sum() / (n - 2)
    return float(((a * b).sum() + crossed) / (n * (n - 3)))
