"""Silencing latents of one network: every mask on every face, scored.

The plain input meets all 2**n keep sets (of which Fig 5 and 6 are views), the probe inputs every
removal (Fig 8, 9). Images are encoded once, all masks decoded from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import pandas as pd
import torch
from torch import Tensor

from facerot import progress
from facerot.config import SPLITS
from facerot.data.datamodule import Batch
from facerot.data.gallery import Gallery
from facerot.latents import (
    IN_FACE,
    IN_FRAME,
    PROBES,
    KeepSet,
    keep_label,
    keep_sets,
    masks,
    removals,
)
from facerot.measure import scores
from facerot.measure.probes import probe
from facerot.measure.scores import LOWPASS_SIGMAS
from facerot.measure.tables import Found, enter, joined, tidy
from facerot.model import UNet

KEY = ["split", "probe", "keep", "fill"]  # what a mean of latents.csv is taken within

MASKED_AT_64_PX = 16  # faces

Fill = list[Tensor] | None


class Faces(Protocol):
    """What a network is measured on: see FacePairs."""

    def batches(self, split: str) -> Iterator[Batch]:
        """Inputs and targets (N, 3, S, S) in [0, 1]."""

    def people(self, split: str) -> pd.DataFrame:
        """Who is shown: the columns `tables.FACE`, a row a face in the order of the batches."""


class Views(Faces, Protocol):
    """The same, with the other views of their persons: see FacePairs."""

    def galleries(self, background: str | None = None) -> Mapping[str, Gallery]:
        """The persons of each split at every yaw; before that background where one is named."""


class Masked(NamedTuple):
    """What a network answers under one mask, and what it had to go by."""

    probe: str
    keep: KeepSet
    fill: str
    output: Tensor
    full: Tensor  # the output of all latents for the same input
    floor: Tensor  # (1, 3, S, S), the output for a black input under the same mask and fill
    seen: Tensor  # the probed input


@torch.inference_mode()
def silence(net: UNet, faces: Faces, fills: Sequence[str], regions: scores.Regions) -> pd.DataFrame:
    """Every score of every face under every mask, a row each: KEY, FACE, `score`, `value`.

    Args:
        net: in eval mode, on the device of the faces.
        faces: train and test.
        fills: what silenced latents become, of FILLS.
        regions: where scores look besides the frame.
    """
    values = {fill: fill_value(fill, net, faces) for fill in fills}
    parts = []
    for split in SPLITS:
        found: Found = {}
        said = f"silencing latents on {split} faces"
        for x, y in progress.bar(small_batches(faces, split), said, "batch"):
            face_scores = scores.FaceScores(x, y, regions)
            for answer in masked_outputs(net, x, values):
                key = (split, answer.probe, keep_label(answer.keep), answer.fill)
                enter(found, key, _scores(answer, face_scores))
        found = dict(sorted(found.items(), key=lambda entry: PROBES.index(str(entry[0][1]))))
        parts.append(tidy(found, KEY, faces.people(split)))
    return joined(parts, KEY)


def small_batches(faces: Faces, split: str) -> Iterator[Batch]:
    """All faces of a split, no more of them at once than can be decoded under all masks."""
    for x, y in faces.batches(split):
        at_once = masked_at_once(x.shape[-1])
        yield from zip(torch.split(x, at_once), torch.split(y, at_once))


def masked_at_once(size: int) -> int:
    """How many faces of `size` px are decoded under all masks at once: what 1 GB is enough for."""
    return max(1, MASKED_AT_64_PX * 64**2 // size**2)


def masked_outputs(net: UNet, x: Tensor, fills: dict[str, Fill]) -> Iterator[Masked]:
    """The outputs (N, 3, S, S) for the faces x (N, 3, S, S), by probe, fill and keep set.

    The probes other than `rgb` meet the same masks, so all of them are decoded in one batch, and a
    black image with them.
    """
    black = torch.zeros_like(x[:1])
    latents = net.encode(torch.cat([x, black]))
    for fill, value in fills.items():
        outputs = dict(zip(keep_sets(net.latents), net.decode_all(latents, value)))
        full = outputs[net.latents][:-1]
        for keep, output in outputs.items():
            yield Masked("rgb", keep, fill, output[:-1], full, output[-1:], x)
    others = [name for name in PROBES if name != "rgb"]
    seen = torch.stack([probe(x, name) for name in others])
    latents = net.encode(torch.cat([seen.flatten(0, 1), black]))
    for fill, value in fills.items():
        fulls = net.decode(latents)[:-1].reshape(seen.shape)
        for keep in removals(net.latents).values():
            decoded = net.decode(latents, keep, value)
            for name, output, full, shown in zip(
                others, decoded[:-1].reshape(seen.shape), fulls, seen
            ):
                yield Masked(name, keep, fill, output, full, decoded[-1:], shown)


def decode_masks(
    net: UNet, latents: Sequence[Tensor], name: str, fill: Fill = None
) -> Iterable[Tensor]:
    """The outputs (N, 3, S, S) under each of `masks`, in their order."""
    if name == "rgb":
        return net.decode_all(latents, fill)
    return (net.decode(latents, keep, fill) for keep in masks(net.latents, name))


@torch.inference_mode()
def fill_value(name: str, net: UNet, faces: Faces) -> Fill:
    """What silenced latents become: None for `zero`, their means over training faces for `mean`."""
    if name == "zero":
        return None
    return mean_latents(net, (x for x, _ in faces.batches("train")))


def mean_latents(net: UNet, batches: Iterable[Tensor]) -> list[Tensor]:
    """Each latent averaged over faces, shape (1, C, H, W)."""
    total: list[Tensor] = []
    count = 0
    for x in batches:
        sums = [latent.sum(dim=0, keepdim=True) for latent in net.encode(x)]
        total = [one + other for one, other in zip(total, sums)] if total else sums
        count += len(x)
    return [latent / count for latent in total]


def _scores(answer: Masked, face_scores: scores.FaceScores) -> dict[str, Tensor]:
    if answer.probe == "rgb":
        return face_scores(answer.output, answer.full)
    return scores.probe_scores(answer.output, answer.floor, answer.seen, answer.probe)


def averages(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of latents.csv: means over the faces that define a score.

    `lowpass` is the largest of the means over LOWPASS_SIGMAS, `lowpass_sigma` where it lies.
    """
    means = table.groupby([*KEY, "score"], observed=True, sort=False)["value"].mean()
    of_key: dict[tuple[str, ...], dict[str, float]] = {}
    for (*key, score), value in zip(means.index.tolist(), means.tolist()):
        of_key.setdefault(tuple(key), {})[score] = value
    rows = [
        (*key, score, value)
        for key, named in of_key.items()
        for score, value in _with_lowpass(named).items()
    ]
    averaged: pd.DataFrame = pd.DataFrame(rows, columns=[*KEY, "score", "value"])
    return averaged


def _with_lowpass(named: dict[str, float]) -> dict[str, float]:
    """The scores with the five `lowpass_<sigma>` as the largest of them and its sigma."""
    rest = {score: value for score, value in named.items() if "lowpass_" not in score}
    for prefix in (IN_FRAME, IN_FACE):
        matches = {sigma: named.get(f"{prefix}lowpass_{sigma:g}") for sigma in LOWPASS_SIGMAS}
        found = {sigma: match for sigma, match in matches.items() if match is not None}
        if found:
            sigma = max(found, key=lambda sigma: found[sigma])
            rest |= {f"{prefix}lowpass": found[sigma], f"{prefix}lowpass_sigma": sigma}
    return rest
