"""Patching: some latents of one face in the pass of another, to see what they bring along.

Silencing says what is lost without a latent, but shows the decoder something that no face gives.
A patch gives it the true latent of another face: what then follows that face was carried there.
A is the face whose pass it is, B the donor; o(A), o(B) and p are the outputs of A, of B and of A's
pass with the patched latents of B. docs/definitions.md has every formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from PIL import Image
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
from facerot.measure.silencing import Faces, masked_at_once
from facerot.measure.tables import FACE
from facerot.model import UNet
from facerot.panels import Pixels, captioned, to_pixels

FACES = 24  # of a split that are patched, at most
DONORS = 2  # other persons that give to each of them
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

    @property
    def persons(self) -> Names:
        """Whose faces these are, (N,)."""
        names: Names = self.people["person"].to_numpy(dtype=str)
        return names


@torch.inference_mode()
def patching(
    net: UNet, faces: Faces, regions: Regions, galleries: Mapping[str, Gallery], seed: int = 0
) -> pd.DataFrame:
    """Every subset of latents from other persons, and from the same person at other yaws.

    Args:
        net: in eval mode, on the device of the faces.
        faces: train and test; at most FACES of a split are patched.
        regions: where scores look besides the frame.
        galleries: of each split, the other views of its persons; of none where it names none.
        seed: of who gives to whom.

    Returns:
        Columns KEY, FACE of A, `donor_person`, `score` and `value`, a row a pair, subset and score.
    """
    tables = []
    for split in SPLITS:
        some = some_faces(faces, split, FACES)
        pairs = donors(some, galleries.get(split), np.random.default_rng(seed))
        for donor, (a, b) in progress.bar(pairs, f"patching latents of {split} faces", "donor"):
            table = _of_pairs(net, a, b, some, regions)
            tables.append(table.assign(split=split, donor=donor))
    columns = [*KEY, *FACE, "donor_person", "score", "value"]
    whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    words = [*KEY, "person", "session", "donor_person", "score"]
    typed: pd.DataFrame = whole[columns].astype(dict.fromkeys(words, "category"))
    return typed


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
    faces: Sample, gallery: Gallery | None, rng: np.random.Generator
) -> Iterator[tuple[str, tuple[Sample, Sample]]]:
    """(kind of donor, (A, B)): DONORS other persons a face, then each other yaw of themselves."""
    a, b = _other_persons(faces.people, rng)
    if len(a):
        yield OTHER, (faces.rows(a), faces.rows(b))
    if gallery is None:
        return
    for yaw in sorted(set(gallery.people["yaw"]), key=lambda yaw: (abs(yaw), yaw)):
        row = gallery.at(faces.people, yaw)
        a = np.flatnonzero((row >= 0) & (faces.people["yaw"] != yaw).to_numpy())
        if len(a):
            own = faces.rows(a)
            views = gallery.people.iloc[row[a]].reset_index(drop=True)
            yield f"{yaw:g}", (own, Sample(gallery.pictures(row[a]), own.y, views))


def _other_persons(people: pd.DataFrame, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows of faces and of their donors: of other persons, at the same yaw where there are any."""
    person, yaw = people["person"].to_numpy(), people["yaw"].to_numpy()
    a, b = [], []
    for row in range(len(people)):
        others = np.flatnonzero(person != person[row])
        alike = others[yaw[others] == yaw[row]]
        among = alike if len(alike) else others
        chosen = rng.permutation(among)[:DONORS]
        a += [row] * len(chosen)
        b += chosen.tolist()
    return np.array(a, dtype=int), np.array(b, dtype=int)


def _of_pairs(net: UNet, a: Sample, b: Sample, known: Sample, regions: Regions) -> pd.DataFrame:
    """The table of pairs of faces, without split and donor."""
    found: dict[tuple[str, str], list[Tensor]] = {}
    for rows in np.array_split(np.arange(len(a.x)), -(-len(a.x) // masked_at_once(a.x.shape[-1]))):
        one, other = a.rows(rows), b.rows(rows)
        outputs = patched_each(net, net.encode(one.x), net.encode(other.x))
        score = Following(one, other, outputs[()], outputs[net.latents], known, regions)
        for subset, output in outputs.items():
            for name, values in score(output).items():
                found.setdefault((keep_label(subset), name), []).append(values)
    keys = pd.DataFrame(list(found), columns=["patched", "score"])
    table: pd.DataFrame = keys.loc[keys.index.repeat(len(a.x))].reset_index(drop=True)
    for column in FACE:
        table[column] = np.tile(a.people[column].to_numpy(), len(keys))
    table["donor_person"] = np.tile(b.people["person"].to_numpy(), len(keys))
    values = torch.stack([torch.cat(parts) for parts in found.values()])
    table["value"] = values.flatten().cpu().numpy()
    return table


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


def averages(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of patching.csv: means over the pairs that define a score."""
    keys = [*KEY, "score"]
    means = table.groupby(keys, observed=True, sort=False)["value"].mean()
    averaged: pd.DataFrame = means.reset_index()
    return averaged


@torch.inference_mode()
def write_patched(folder: Path, net: UNet, faces: Faces) -> dict[str, Pixels]:
    """A grid of a few persons for each latent, as pictures in `folder`; returns them by name.

    `patching_latentK_<split>.png`: a row an A, its input and target, then a column a B: the output
    of A's pass with latentK of B. On the diagonal nothing is patched.
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
            grids[f"patching_latent{k}_{split}"] = captioned(columns)
    for name, picture in grids.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    return grids
