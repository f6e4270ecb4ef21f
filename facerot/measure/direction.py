"""Yaw direction: what a latent changes as the input turns, added to it: does the output turn too?

The yaw of an output is read from its luma by a kernel ridge regression, learnt from the photos of
the training persons at every yaw of the face set.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

import numpy as np
import pandas as pd
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from torch import Tensor

from facerot import progress
from facerot.data.datamodule import Batch
from facerot.data.gallery import Gallery
from facerot.latents import IN_FACE, IN_FRAME, keep_label
from facerot.measure.decodability import persons_of
from facerot.measure.patching import some_faces
from facerot.measure.readers import Array, Names
from facerot.measure.scores import Regions, luma, standardised, within
from facerot.measure.silencing import Faces, Views
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet

log = logging.getLogger(__name__)

KEY = ["split", "start", "added", "steps"]
STEPS = (-1.0, -0.5, 0.5, 1.0)
PHOTO, SOURCE, TARGET = "photo", "source", "target"  # what is read: a view itself, or its output
FACES = 32  # of a split that are turned, at most
FOLDS = FEWEST_PERSONS = 3  # of training persons
PENALTIES = 10.0 ** np.arange(-6, 1)

Latents = list[Tensor]  # what is added to each, (1, C, H, W)


@torch.inference_mode()
def direction(network: UNet, faces: Views, regions: Regions) -> pd.DataFrame:
    """The yaw that is read of outputs while steps along its yaw direction are added to a latent.

    Args:
        network: in eval mode, on the device of the faces.
        faces: with their other views, from which yaw is learnt; at most FACES of a split are
            turned, with their source and with their target as the input.
        regions: the face box, in which yaw is read.

    Returns:
        Columns KEY, FACE, `score` and `value`; none where fewer than FEWEST_PERSONS training
        persons or a single yaw leave nothing to learn yaw from, which is said.
    """
    galleries = faces.galleries()
    people = galleries["train"].people
    if people["person"].nunique() < FEWEST_PERSONS or people["yaw"].nunique() < 2:
        log.warning("yaw is not read: too few training persons or yaws to learn it from")
        return joined([], KEY)
    read, ways = YawReader(galleries["train"], regions), directions(network, faces)
    parts = []
    for split, gallery in galleries.items():
        found: Found = {}
        enter(found, (split, PHOTO, "none", 0.0), read.photos(gallery))
        parts.append(tidy(found, KEY, gallery.people))
        some = some_faces(faces, split, FACES)
        at_target = some.people.assign(yaw=gallery.target_yaw)
        for start, x, people in ((SOURCE, some.x, some.people), (TARGET, some.y, at_target)):
            found, said = {}, f"turning {split} faces from their {start}"
            for way, added, steps, output in progress.bar(moves(network, x, ways), said, "step"):
                scores = {name + way: one for name, one in read(output, some.persons).items()}
                enter(found, (split, start, added, steps), scores)
            parts.append(tidy(found, KEY, people))
    return joined(parts, KEY)


def directions(network: UNet, faces: Faces) -> dict[str, Latents]:
    """The yaw direction of each latent, and `_shuffled` one by chance that is as long.

    The mean over the training pairs of latentK of the target less that of the source: one unit is
    what the latent changes as the input is turned from source to target. By chance: the same with
    source and target exchanged in half of the pairs, drawn by a fixed seed.
    """
    real = mean_change(network, faces.batches("train"))
    chance = mean_change(network, half_exchanged(faces.batches("train")))
    return {"": real, "_shuffled": list(map(as_long, chance, real))}


def half_exchanged(pairs: Iterable[Batch]) -> Iterator[Batch]:
    """The pairs, with source and target exchanged in half of them."""
    rng = np.random.default_rng(0)
    for x, y in pairs:
        chosen = torch.from_numpy(rng.permutation(np.arange(len(x)) % 2 == 0))
        exchanged = chosen.to(x.device)[:, None, None, None]
        yield torch.where(exchanged, y, x), torch.where(exchanged, x, y)


def mean_change(network: UNet, pairs: Iterable[Batch]) -> Latents:
    """Of each latent (1, C, H, W), from the first to the second of a pair."""
    total: Latents = []
    count = 0
    for x, y in pairs:
        changes = [front - side for side, front in zip(network.encode(x), network.encode(y))]
        sums = [change.sum(dim=0, keepdim=True) for change in changes]
        total = [one + other for one, other in zip(total, sums)] if total else sums
        count += len(x)
    return [one / count for one in total]


def as_long(one: Tensor, other: Tensor) -> Tensor:
    """One tensor with the norm of another; 0 where it has none."""
    scaled: Tensor = one * (other.norm() / one.norm().clamp(min=torch.finfo(one.dtype).tiny))
    return scaled


def moves(
    network: UNet, x: Tensor, ways: Mapping[str, Latents]
) -> Iterator[tuple[str, str, float, Tensor]]:
    """(which direction, to which latents it is added, steps, outputs); none and 0 steps first."""
    latents = network.encode(x)
    yield "", "none", 0.0, network.decode(latents)
    steps = torch.tensor(STEPS, device=x.device)[:, None, None, None, None]
    subsets = dict.fromkeys([*((k,) for k in network.latents), tuple(network.latents)])
    for (way, unit), subset in product(ways.items(), subsets):
        moved = [
            (one + steps * unit[k - 1] * (k in subset)).flatten(0, 1)
            for k, one in enumerate(latents, 1)
        ]
        for step, output in zip(STEPS, torch.split(network.decode(moved), len(x))):
            yield way, keep_label(subset), step, output


class YawReader:
    """Reads the yaw of pictures from their luma, learnt from views of training persons.

    Kernel ridge regression of the luma inside the face box (else the frame) with the kernel
    exp(2 (r - 1)), r the correlation of two pictures; every view is learnt mirrored too. The
    penalty is that which reads best among the persons learnt from.

    Args:
        gallery: of the training persons, at least FEWEST_PERSONS.
        regions: where to look.
    """

    def __init__(self, gallery: Gallery, regions: Regions) -> None:
        self.gallery, self.regions = gallery, regions
        yaw = gallery.people["yaw"].to_numpy(dtype=float)
        self.known = np.concatenate([self.rows(gallery), self.rows(gallery, mirrored=True)])
        self.persons = np.tile(persons_of(gallery.people), 2)
        self.learnt = kernel(self.known @ self.known.T), np.append(yaw, -yaw)
        search = GridSearchCV(
            KernelRidge(kernel="precomputed"), {"alpha": PENALTIES}, cv=GroupKFold(FOLDS)
        )
        self.reader = search.fit(*self.learnt, groups=self.persons).best_estimator_

    def __call__(self, pictures: Tensor, persons: Names) -> dict[str, Tensor]:
        """`yaw` in degrees, and `match`: how far pictures (N, 3, S, S) look like a view at all.

        The largest correlation with a view that was learnt, of somebody else than they show.
        """
        return self._scores(self._look(pictures), persons)

    def photos(self, gallery: Gallery) -> dict[str, Tensor]:
        """The same of views whose yaw is known, and `error`: by how many degrees it is amiss.

        Those that were learnt are read by readers that have not seen their persons.
        """
        people = gallery.people
        scores = self._scores(self.rows(gallery), persons_of(people))
        if gallery is self.gallery:
            folds = GroupKFold(FOLDS)
            read = cross_val_predict(self.reader, *self.learnt, groups=self.persons, cv=folds)
            scores["yaw"] = torch.tensor(read[: len(people)])
        true = torch.tensor(people["yaw"].to_numpy(dtype=float))
        return {**scores, "error": (scores["yaw"] - true).abs()}

    def rows(self, gallery: Gallery, mirrored: bool = False) -> Array:
        """What is looked at of each view, (N, D), mean 0 and norm 1."""
        return np.concatenate(
            [self._look(x.flip(-1) if mirrored else x) for x in gallery.batches()]
        )

    def _look(self, pictures: Tensor) -> Array:
        windows = self.regions.windows(pictures.shape[-1])
        seen = standardised(within(luma(pictures), windows.get(IN_FACE, windows[IN_FRAME])))
        rows: Array = seen.double().cpu().numpy()
        return rows

    def _scores(self, rows: Array, persons: Names) -> dict[str, Tensor]:
        alike = rows @ self.known.T
        others = np.where(persons[:, None] == self.persons, -1, alike)
        found = {"yaw": self.reader.predict(kernel(alike)), "match": others.max(axis=1)}
        return {score: torch.from_numpy(values) for score, values in found.items()}


def kernel(alike: Array) -> Array:
    """How much a reader takes of one picture for another, from their correlations."""
    found: Array = np.exp(2 * (alike - 1))
    return found
