"""Decodability: what can be read from each latent and decoder stage, of persons not learnt from.

What is read is there, whether the network uses it or not; what is not read is not there for such a
reader. The input stands among the places: what can be read without any network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from facerot import progress
from facerot.data.gallery import Gallery
from facerot.latents import IN_FACE, IN_FRAME
from facerot.measure.readers import (
    FEWEST_PERSONS,
    Array,
    Names,
    distances,
    grams,
    mean_label,
    nearest,
    ridge,
)
from facerot.measure.scores import Regions, fine, luma, within
from facerot.measure.silencing import Views
from facerot.measure.tables import Found, joined, tidy
from facerot.model import UNet

log = logging.getLogger(__name__)

KEY = ["split", "place", "what", "reader"]  # what a mean of decodability.csv is taken within
Reader = Callable[[Array, Array, Names], Array]
READERS: dict[str, Reader] = {"ridge": ridge, "nearest": nearest}
COMPONENTS = 32  # principal ones, by which faces are told apart
PLAIN = "plain"  # the background before which nobody is known by it

Scalar = TypeVar("Scalar", bound=np.generic)
Read = dict[tuple[str, ...], Tensor]  # place, what, reader, score -> (N,)


def decodability(net: UNet, faces: Views, regions: Regions) -> pd.DataFrame:
    """What of each view is read at each of PLACES, and beside it what of labels dealt anew.

    Args:
        net: in eval mode, on the device of the faces.
        faces: with their other views, those on the side of the sources.
        regions: the face box, for colours and for whose front it is.

    Returns:
        Columns KEY, FACE, `score` and `value`, a row a view, what is read of it, how, and score. A
        split of fewer than FEWEST_PERSONS persons is left out, which is said.
    """
    parts, plain = [], faces.galleries(PLAIN)
    for split, gallery in progress.bar(faces.galleries().items(), "reading latents", "split"):
        count = gallery.people["person"].nunique()
        if count < FEWEST_PERSONS:
            log.warning(f"{split}: too few persons to read latents of some by others: {count}")
            continue
        for found, people in (
            labels_read(net, gallery.on_side(), regions),
            persons_read(net, gallery.on_side(), plain[split].on_side(), regions),
        ):
            if found:
                in_split: Found = {(split, *key): [one] for key, one in found.items()}
                parts.append(tidy(in_split, KEY, people))
    return joined(parts, KEY)


def persons_of(people: pd.DataFrame) -> Names:
    """Whose view each row is."""
    names: Names = people["person"].to_numpy(dtype=str)
    return names


def labels_read(net: UNet, gallery: Gallery, regions: Regions) -> tuple[Read, pd.DataFrame]:
    """How well yaw, colours and landmarks of each view are read, and whose views these are."""
    labels, persons = labels_of(gallery, regions), persons_of(gallery.people)
    found: Read = {}
    if not labels:
        return found, gallery.people
    for place, products in grams(net, gallery.batches()).items():
        for reader, read in READERS.items():
            _, scores = explained(read, products, labels, persons)
            found |= {(place, what, reader, score): one for (what, score), one in scores.items()}
    return found, gallery.people


def explained(
    read: Reader, products: Array, labels: Mapping[str, Array], persons: Names
) -> tuple[dict[str, Array], dict[tuple[str, str], Tensor]]:
    """What is read of each label (N, t), and how well: scores (N,) by label and name.

    `explained` is 1 - e / E: e the squared error of the view, E its mean over the views where the
    mean label of other persons is read. `error` is by how much, in the label's unit, and
    `explained_shuffled` the first of labels dealt anew.
    """
    true = np.concatenate(list(labels.values()), axis=1)
    both = np.concatenate([true, shuffled(true)], axis=1)
    widths = [one.shape[1] for one in labels.values()]
    begins = np.cumsum([0, *widths, *widths])[:-1]
    found = read(products, both, persons)
    amiss, by_mean = (np.add.reduceat(np.square(one - both), begins, axis=1)
                      for one in (found, mean_label(both, persons)))  # fmt: skip
    shares = torch.from_numpy(1 - amiss / by_mean.mean(axis=0))
    scores = {}
    for row, what in enumerate(labels):
        scores[what, "explained"] = shares[:, row]
        scores[what, "explained_shuffled"] = shares[:, row + len(labels)]
        scores[what, "error"] = torch.from_numpy(np.sqrt(amiss[:, row]))
    return dict(zip(labels, np.split(found, begins[1 : len(labels) + 1], axis=1))), scores


def shuffled(rows: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """The same rows dealt anew: what a reader finds in them it finds by chance."""
    return rows[np.random.default_rng(0).permutation(len(rows))]


def labels_of(gallery: Gallery, regions: Regions) -> dict[str, Array]:
    """What a view shows by itself, each (N, t), where the views differ in it.

    `yaw` in degrees; `face_colour` and `background_colour`, r, g and b in [0, 1], the means inside
    the face box and above it; `landmarks` in px of the photo.
    """
    labels = {"yaw": gallery.people[["yaw"]].to_numpy(dtype=float)}
    window = regions.windows(gallery.images.shape[-1]).get(IN_FACE)
    if window is not None:
        rows, columns = window
        above = slice(0, rows.start), slice(None)
        for what, where in (("face_colour", (rows, columns)), ("background_colour", above)):
            means = [within(x, where).mean(dim=(2, 3)) for x in gallery.batches()]
            labels[what] = torch.cat(means).double().cpu().numpy()
    if gallery.landmarks is not None:
        labels["landmarks"] = gallery.landmarks.to_numpy(dtype=float)
    return {what: one for what, one in labels.items() if np.all(np.ptp(one, axis=0) > 0)}


def persons_read(
    net: UNet, gallery: Gallery, plain: Gallery, regions: Regions
) -> tuple[Read, pd.DataFrame]:
    """Which front, which side and whose face each turned view is read to show, and whose it is.

    Front and side are read of the views as the network knows them, and are those before a plain
    background; the person is read before it too, which would tell who it is. A person is named by
    the front whose code is nearest in direction to what `ridge` reads, and as whose own latent is
    `nearest`.
    """
    front = gallery.at(gallery.people, gallery.target_yaw)
    turned = np.flatnonzero((front >= 0) & (gallery.people["yaw"] != gallery.target_yaw))
    if not len(turned):
        return {}, gallery.people
    fronts, whose = np.unique(front[turned], return_inverse=True)
    persons, people = persons_of(gallery.people), gallery.people.iloc[turned]
    names, wanted = persons[fronts], persons[turned]
    codes = codes_of(plain.pictures(fronts), np.zeros(len(fronts)), regions)
    sides = codes_of(plain.pictures(turned), people["yaw"].to_numpy(), regions)
    labels, dealt = {"front": codes[whose], "side": sides}, shuffled(whose)
    found: Read = {}
    before_plain, both = grams(net, plain.batches()), np.ix_(turned, turned)
    for place, products in grams(net, gallery.batches()).items():
        _, scores = explained(ridge, products[both], labels, wanted)
        found |= {(place, what, "ridge", score): one for (what, score), one in scores.items()}
        read, _ = explained(ridge, before_plain[place][both], {"front": codes[whose]}, wanted)
        named = {
            "ridge": directions(read["front"]) @ directions(codes).T,
            "nearest": -distances(before_plain[place])[np.ix_(turned, fronts)],
        }
        for reader, nearness in named.items():
            name = names[nearness.argmax(axis=1)]
            for score, right in (("", wanted), ("_shuffled", names[dealt])):
                correct = torch.from_numpy(name == right).double()
                found[place, "person", reader, f"accuracy{score}"] = correct
    return found, people


def codes_of(pictures: Tensor, yaw: Array, regions: Regions) -> Array:
    """What tells pictures (N, 3, S, S) of one yaw apart: (N, c), by which they are told.

    The first COMPONENTS principal components of their structure inside the face box, or the frame,
    less its mean at that yaw.
    """
    windows = regions.windows(pictures.shape[-1])
    shown = within(fine(luma(pictures)), windows.get(IN_FACE, windows[IN_FRAME])).flatten(1)
    rows = shown.double().cpu().numpy()
    for one in set(yaw):
        rows[yaw == one] -= rows[yaw == one].mean(axis=0)
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    codes: Array = (u * s)[:, :COMPONENTS]
    return codes


def directions(codes: Array) -> Array:
    """The rows (N, c) with norm 1, 0 where they are 0."""
    norms = np.linalg.norm(codes, axis=1, keepdims=True)
    unit: Array = codes / np.where(norms > 0, norms, 1)
    return unit
