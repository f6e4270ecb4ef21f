"""Patching: some latents of one face in the pass of another, to see what they bring along.

Silencing says what is lost without a latent, but shows the decoder something that no face gives.
A patch gives it the true latent of another face: what then follows that face was carried there.
A is the face whose pass it is, B the donor; o(A), o(B) and p are the outputs of A, of B and of A's
pass with the patched latents of B. docs/definitions.md has every formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from facerot import progress
from facerot.config import SPLITS
from facerot.data.gallery import Gallery
from facerot.latents import IN_EYES, KeepSet, keep_label, keep_sets, remove
from facerot.measure.scores import (
    FLAT,
    Regions,
    chroma,
    fine,
    luma,
    standardised,
    within,
)
from facerot.measure.silencing import Faces, Views, masked_at_once
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet
from facerot.panels import Pixels, captioned, to_pixels

FACES = 32  # of a split that are patched, at most
KEY = ["split", "donor", "patched"]  # what a mean of patching.csv is taken within
OTHER = "other"  # another person at the same yaw; else the same person at another yaw, its number
SHOWN = 4  # persons of a picture

Rows = npt.NDArray[np.intp]
Names = npt.NDArray[np.str_]


def patched(net: UNet, a: Sequence[Tensor], b: Sequence[Tensor], subset: Sequence[int]) -> Tensor:
    """The outputs (N, 3, S, S) of passes of A in which the latents of a subset are those of B.

    Args:
        net: in eval mode.
        a: what `encode` returns of N faces.
        b: the same of their donors.
        subset: latents that the model has; raises ValueError for another.
    """
    if not set(subset) <= set(net.latents):
        has = keep_label(net.latents)
        raise ValueError(f"latents {keep_label(subset)} cannot be patched: this model has {has}")
    return net.decode(a, [k for k in net.latents if k not in subset], b)


def patched_alone(net: UNet, a: Sequence[Tensor], b: Sequence[Tensor]) -> dict[int, Tensor]:
    """Each latent alone from B."""
    return {k: patched(net, a, b, (k,)) for k in net.latents}


def patched_but_one(net: UNet, a: Sequence[Tensor], b: Sequence[Tensor]) -> dict[int, Tensor]:
    """All latents from B but one, which stays A's."""
    return {k: patched(net, a, b, remove(net.latents, k)) for k in net.latents}


def patched_each(net: UNet, a: Sequence[Tensor], b: Sequence[Tensor]) -> dict[KeepSet, Tensor]:
    """Every subset from B, for about as much as ten of them: none of them last, see `keep_sets`."""
    subsets = keep_sets(net.latents)
    return dict(zip(subsets, net.decode_all(b, a)))  # what is not kept of B is filled with A's


@dataclass(frozen=True)
class Sample:
    """N faces of one split: inputs x and targets y (N, 3, S, S), and who is shown."""

    x: Tensor
    y: Tensor
    people: pd.DataFrame

    def rows(self, rows: Rows) -> Sample:
        """Some of the faces, by their numbers."""
        index = torch.tensor(rows, device=self.x.device)
        people = self.people.iloc[rows].reset_index(drop=True)
        return Sample(self.x[index], self.y[index], people)

    def parts(self) -> Iterator[Sample]:
        """The faces, so many at once as are decoded under all masks."""
        count = masked_at_once(self.x.shape[-1])
        for rows in np.split(np.arange(len(self.x)), range(count, len(self.x), count)):
            yield self.rows(rows)

    @property
    def persons(self) -> Names:
        """Whose faces these are, (N,)."""
        names: Names = self.people["person"].to_numpy(dtype=str)
        return names


@torch.inference_mode()
def patching(net: UNet, faces: Views, regions: Regions, seed: int = 0) -> pd.DataFrame:
    """Every subset of latents from another person, and from the same person at other yaws.

    Args:
        net: in eval mode, on the device of the faces.
        faces: train and test; at most FACES of a split are patched.
        regions: where scores look besides the frame.
        seed: of who gives to whom.

    Returns:
        Columns KEY, FACE of A, `score` and `value`, a row a pair, subset and score.
    """
    parts = []
    for split, gallery in faces.galleries().items():
        some = some_faces(faces, split, FACES)
        pairs = donors(some, gallery.on_side(), np.random.default_rng(seed))
        for donor, (a, b) in progress.bar(pairs, f"patching latents of {split} faces", "donor"):
            found: Found = {}
            for one, other in zip(a.parts(), b.parts()):
                for patch, scores in _scored(net, one, other, some, regions):
                    enter(found, (split, donor, patch), scores)
            parts.append(tidy(found, KEY, a.people))
    return joined(parts, KEY)


def some_faces(faces: Faces, split: str, count: int) -> Sample:
    """So many faces of a split, or all, spread evenly."""
    people = faces.people(split)
    rows = np.linspace(0, len(people) - 1, min(count, len(people))).round().astype(int)
    wanted, begin, parts = torch.from_numpy(rows), 0, []
    for x, y in faces.batches(split):
        here = (wanted[(begin <= wanted) & (wanted < begin + len(x))] - begin).to(x.device)
        parts.append((x[here], y[here]))
        begin += len(x)
    x, y = (torch.cat(images) for images in zip(*parts))
    return Sample(x, y, people.iloc[rows].reset_index(drop=True))


def donors(
    faces: Sample, gallery: Gallery, rng: np.random.Generator
) -> Iterator[tuple[str, tuple[Sample, Sample]]]:
    """(kind of donor, (A, B)): another person each, then the person itself at each other yaw."""
    a, b = _other_persons(faces.people, rng)
    if len(a):
        yield OTHER, (faces.rows(a), faces.rows(b))
    for yaw in sorted(set(gallery.people["yaw"]), key=lambda yaw: (abs(yaw), yaw)):
        row = gallery.at(faces.people, yaw)
        a = np.flatnonzero((row >= 0) & (faces.people["yaw"] != yaw).to_numpy())
        if len(a):
            own = faces.rows(a)
            people = gallery.people.iloc[row[a]].reset_index(drop=True)
            yield f"{yaw:g}", (own, Sample(gallery.pictures(row[a]), own.y, people))


def _other_persons(people: pd.DataFrame, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows of faces and of their donors: of another person, at the same yaw where there is one."""
    person, yaw = people["person"].to_numpy(), people["yaw"].to_numpy()
    found = {}
    for row in range(len(people)):
        others = np.flatnonzero(person != person[row])
        alike = others[yaw[others] == yaw[row]]
        if len(others):
            found[row] = rng.choice(alike if len(alike) else others)
    return np.array(list(found), dtype=int), np.array(list(found.values()), dtype=int)


def _scored(
    net: UNet, a: Sample, b: Sample, known: Sample, regions: Regions
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Each subset from B, by its label, and every score of its outputs."""
    outputs = patched_each(net, net.encode(a.x), net.encode(b.x))
    score = Following(a, b, outputs[()], outputs[net.latents], known, regions)
    for subset, output in outputs.items():
        yield keep_label(subset), score(output)


class Following:
    """Every score of patched outputs: which of the two faces they follow, A or B.

    Args:
        a: faces whose passes these are.
        b: their donors, a row each.
        of_a: outputs (N, 3, S, S) of A.
        of_b: outputs of B.
        known: faces among whose targets the nearest is looked for.
        regions: where scores look besides the frame; the eye band is left out.
    """

    def __init__(
        self, a: Sample, b: Sample, of_a: Tensor, of_b: Tensor, known: Sample, regions: Regions
    ) -> None:
        windows = regions.windows(of_a.shape[-1])
        self.windows = {name: window for name, window in windows.items() if name != IN_EYES}
        self.colours = chroma(of_a), chroma(of_b)
        views = Structures(
            *(fine(luma(images)) for images in (of_a, of_b, a.y, b.y, a.x, b.x, known.y))
        )
        persons = a.persons, b.persons, known.persons
        self.structures = {
            prefix: FollowingStructure(
                Structures(*(within(view, window) for view in views)), persons
            )
            for prefix, window in self.windows.items()
        }

    def __call__(self, p: Tensor) -> dict[str, Tensor]:
        """Of patched outputs (N, 3, S, S)."""
        scores, colour, structure = {}, chroma(p), fine(luma(p))
        for prefix, window in self.windows.items():
            colours = (within(one, window) for one in self.colours)
            scores[f"{prefix}colour"] = follows(within(colour, window), *colours)
            found = self.structures[prefix](within(structure, window))
            scores |= {prefix + name: values for name, values in found.items()}
        return scores


class Structures(NamedTuple):
    """The structure (N, H, W) of what patched outputs are compared with; `known` (M, H, W)."""

    of_a: Tensor
    of_b: Tensor
    front_a: Tensor
    front_b: Tensor
    side_a: Tensor
    side_b: Tensor
    known: Tensor


class FollowingStructure:
    """The scores of structure inside one window; `persons` are those of A, B and the known."""

    def __init__(self, views: Structures, persons: tuple[Names, Names, Names]) -> None:
        self.of_a, self.of_b = views.of_a, views.of_b
        self.front, self.side = views.front_b - views.front_a, views.side_b - views.side_a
        self.turned = {
            "a": standardised(views.front_a) - standardised(views.side_a),
            "b": standardised(views.front_b) - standardised(views.side_b),
        }
        self.known, self.persons = standardised(views.known), persons[2]
        self.person = {"a": persons[0], "b": persons[1]}

    def __call__(self, p: Tensor) -> dict[str, Tensor]:
        """Of the structure (N, H, W) of patched outputs."""
        front, side = swapped_in(p - self.of_a, self.front, self.side)
        scores = {"structure": follows(p, self.of_a, self.of_b), "front": front, "side": side}
        rows = standardised(p)
        nearest = self.persons[(rows @ self.known.T).argmax(dim=1).cpu()]
        for face in "ab":
            scores[f"rotation_{face}"] = (rows * self.turned[face]).sum(dim=1)
            scores[f"identity_{face}"] = torch.from_numpy(nearest == self.person[face]).to(p)
        return scores


def follows(p: Tensor, of_a: Tensor, of_b: Tensor) -> Tensor:
    """The share (N,) of the change from o(A) to o(B) that p has made: 0 stays A, 1 becomes B.

    <p - o(A), o(B) - o(A)> / |o(B) - o(A)|^2 of images (N, ...); nan where A and B come out equal.
    """
    change, whole = (one.flatten(1) for one in (p - of_a, of_b - of_a))
    energy = whole.square().sum(dim=1)
    return (change * whole).sum(dim=1) / torch.where(energy > FLAT**2, energy, torch.nan)


def swapped_in(change: Tensor, front: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """How much of a change (N, H, W) is B's front in place of A's, and how much B's side view.

    The two factors, each (N,), by which the differences of the targets and of the inputs add up to
    the change best (least squares). nan for a difference that there is not: one person has one
    front.
    """
    d, f, s = (one.flatten(1) for one in (change, front, side))
    ff, fs, ss = ((one * other).sum(dim=1) for one, other in ((f, f), (f, s), (s, s)))
    df, ds = ((d * one).sum(dim=1) for one in (f, s))
    there = ff > FLAT**2
    alone = torch.where(ss > FLAT**2, ds / ss, torch.nan)
    both = ff * ss - fs.square()
    return (
        torch.where(there, (df * ss - ds * fs) / both, torch.nan),
        torch.where(there, (ds * ff - df * fs) / both, alone),
    )


@torch.inference_mode()
def pictures(net: UNet, faces: Faces) -> dict[str, Pixels]:
    """A grid of a few persons for each latent and split: `latentK_<split>`.

    A row an A: its input and target, then a column a B: the output of A's pass with latentK of B.
    On the diagonal nothing is patched.
    """
    grids = {}
    for split in SPLITS:
        some = some_faces(faces, split, SHOWN)
        latents = net.encode(some.x)
        for k in net.latents:
            columns = {"input": to_pixels(some.x), "target": to_pixels(some.y)}
            for b, person in enumerate(some.persons):
                donor = [latent[b : b + 1].expand_as(latent) for latent in latents]
                columns[f"{k} of {person}"] = to_pixels(patched(net, latents, donor, (k,)))
            grids[f"latent{k}_{split}"] = captioned(columns)
    return grids
