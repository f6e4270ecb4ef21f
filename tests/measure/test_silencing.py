"""Every mask on every face, and how much of it at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from facerot.config import SPLITS
from facerot.data.datamodule import Batch
from facerot.latents import PROBES, keep_label, masks
from facerot.measure.probes import probe
from facerot.measure.scores import LOWPASS_SIGMAS, FaceScores, Regions, probe_scores
from facerot.measure.silencing import KEY, averages, decode_masks, masked_at_once, silence
from facerot.measure.tables import FACE
from facerot.model import UNet

REGIONS = Regions((0.4, 0.55), (0.2, 0.2, 0.8, 0.8))


@dataclass
class Noise:
    """Faces that are none, in batches of a size."""

    count: int
    batch: int

    def batches(self, split: str) -> Iterator[Batch]:
        noise = torch.rand(2, self.count, 3, 64, 64, generator=torch.manual_seed(len(split)))
        yield from zip(*(torch.split(images, self.batch) for images in noise))

    def people(self, split: str) -> pd.DataFrame:
        rows = [(str(person), f"s{person}", float(person), False) for person in range(self.count)]
        people: pd.DataFrame = pd.DataFrame(rows, columns=["person", "session", "yaw", "mirrored"])
        return people


class Recording(UNet):
    """A network that remembers how many faces it was given at once."""

    def __init__(self, concats: tuple[int, ...]) -> None:
        super().__init__(concats, channels=(2, 4, 4, 4, 4))
        self.at_once: list[int] = []

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        self.at_once.append(len(x))
        return super().encode(x)


def network() -> Recording:
    """A network whose outputs follow its input: it has seen noise."""
    torch.manual_seed(0)
    net = Recording((2,))
    for _ in range(3):
        net(torch.rand(8, 3, 64, 64))
    return net.eval()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return silence(network(), Noise(4, 3), ["zero", "mean"], REGIONS)


@torch.inference_mode()
def one_by_one(net: UNet, faces: Noise) -> dict[tuple[str, ...], float]:
    """Every score of every face under every mask, computed for one mask and face at a time."""
    found: dict[tuple[str, ...], float] = {}
    train = torch.cat([x for x, _ in faces.batches("train")])
    means = [latent.mean(dim=0, keepdim=True) for latent in net.encode(train)]
    for split in SPLITS:
        x, y = (torch.cat(images) for images in zip(*faces.batches(split)))
        for name in PROBES:
            for keep in masks(net.latents, name):
                for fill, value in (("zero", None), ("mean", means)):
                    for i in range(faces.count):
                        own, target = x[i : i + 1], y[i : i + 1]
                        seen = probe(own, name)
                        output = net.decode(net.encode(seen), keep, value)
                        floor = net.decode(net.encode(torch.zeros_like(own)), keep, value)
                        if name == "rgb":
                            scores = FaceScores(own, target, REGIONS)(output, net(own))
                        else:
                            scores = probe_scores(output, floor, seen, name)
                        key = (split, name, keep_label(keep), fill, str(i))
                        found |= {(*key, score): float(one) for score, one in scores.items()}
    return found


def test_every_row_is_a_face_under_a_mask(table: pd.DataFrame) -> None:
    wanted = one_by_one(network(), Noise(4, 3))
    keys = [*KEY, "person", "score"]
    assert set(map(tuple, table[keys].to_numpy())) == set(wanted)
    assert len(table) == len(wanted)
    values = [wanted[tuple(key)] for key in table[keys].to_numpy()]
    # Tight: with these weights a fill changes what a probe shows by 5e-5 at most.
    np.testing.assert_allclose(table["value"], values, rtol=1e-5, atol=5e-6)
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    people = table[FACE].drop_duplicates()
    whole = Noise(4, 3).people("train").astype(people.dtypes.to_dict())
    pd.testing.assert_frame_equal(people.reset_index(drop=True), whole)


@torch.inference_mode()
@pytest.mark.parametrize("name", PROBES)
def test_masks_are_decoded_in_their_order(name: str) -> None:
    net, x = network(), torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    latents = net.encode(x)
    fill = [latent.mean(dim=0, keepdim=True) for latent in latents]
    for value in (None, fill):
        decoded = list(decode_masks(net, latents, name, value))
        for output, keep in zip(decoded, masks(net.latents, name), strict=True):
            torch.testing.assert_close(output, net.decode(latents, keep, value))


def test_a_row_of_means_is_over_the_faces_that_define_a_score(table: pd.DataFrame) -> None:
    means = averages(table)
    assert list(means.columns) == [*KEY, "score", "value"]
    found = means.set_index([*KEY, "score"])["value"]
    assert found.index.is_unique
    order = list(dict.fromkeys(map(tuple, table[KEY].to_numpy())))
    assert list(dict.fromkeys(map(tuple, means[KEY].to_numpy()))) == order
    values = table.groupby([*KEY, "score"], observed=True)["value"].mean()
    of_all = dict(zip(map(tuple, values.index), values))
    for row, value in of_all.items():
        if "lowpass_" not in row[-1]:
            assert found[row] == pytest.approx(value, nan_ok=True)
    for key in order:
        for prefix in ("", "face_") if key[1] == "rgb" else ():
            by_sigma = {
                s: of_all.get((*key, f"{prefix}lowpass_{s:g}"), math.nan) for s in LOWPASS_SIGMAS
            }
            largest = max(by_sigma, key=lambda sigma: by_sigma[sigma])
            for score, wanted in (("lowpass", by_sigma[largest]), ("lowpass_sigma", largest)):
                row = (*key, prefix + score)
                assert found[row] == pytest.approx(wanted)
    assert not means["score"].str.contains("lowpass_[0-9]").any()


def test_the_numbers_do_not_depend_on_how_many_faces_are_decoded_at_once() -> None:
    assert masked_at_once(64) < 20
    net = network()
    whole, parts = (silence(net, Noise(20, batch), ["zero"], REGIONS) for batch in (20, 3))
    assert max(net.at_once) <= 4 * masked_at_once(64) + 1, "four probes and a black image"
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-4, atol=1e-5)


def test_large_faces_are_decoded_one_by_one_not_all_at_once() -> None:
    pixels = [masked_at_once(size) * size**2 for size in range(32, 257, 32)]
    assert max(pixels) <= 256**2
    assert min(pixels) > 256**2 / 2, "as many as fit"
