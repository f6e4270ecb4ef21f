"""What the paper does not name of the network: every combination trains, resumes and is used."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from facerot.config import COLOURS, MERGES, NORMS, Settings
from facerot.data.datamodule import Batch, FacePairs
from facerot.latents import LATENTS, PROBES, removals
from facerot.measure.silencing import fill_value, masked_outputs
from facerot.model import UNet
from facerot.panels import to_pixels
from facerot.rotate import AS_THE_RUN, Rotate, rotate
from facerot.runs.run import Run
from facerot.runs.trained import load_checkpoint, load_weights
from facerot.switched import Switched, switches
from facerot.training.fit import learn
from facerot.training.record import Record
from tests.conftest import Command, as_user, draw_head

EVERY = list(product(NORMS, MERGES, COLOURS, ([], [2], [1, 2, 3, 4])))


class Stopped(Exception):
    """What ends a run early."""


class StopsInTheSecondEpoch(FacePairs):
    """Faces that are gone once the first epoch and its checkpoint are done."""

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        assert self.trainer is not None
        if self.trainer.current_epoch == 1:
            raise Stopped
        return super().on_after_batch_transfer(batch, dataloader_idx)


class Tiny(NamedTuple):
    """The settings of a tiny network, and its faces."""

    settings: Settings
    faces: FacePairs
    stopping: FacePairs


@pytest.fixture(scope="module")
def tiny(
    tiny_settings: Settings, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Tiny:
    with as_user([], tmp_path_factory.mktemp("home"), environment["XDG_CACHE_HOME"]):
        return Tiny(tiny_settings, FacePairs(tiny_settings), StopsInTheSecondEpoch(tiny_settings))


def trained(folder: Path, settings: Settings, faces: FacePairs) -> Run:
    """A run that has learned in this folder, from where it was."""
    run = Run(folder)
    run.open(settings)
    learn(settings, run, faces, Record())
    return run


@pytest.mark.parametrize(("norm", "merge", "colour", "concats"), EVERY)
def test_every_network_trains_resumes_to_the_same_bits_and_is_used(
    tiny: Tiny, tmp_path: Path, norm: str, merge: str, colour: str, concats: list[int]
) -> None:
    model = replace(tiny.settings.model, norm=norm, merge=merge, colour=colour)
    settings = replace(tiny.settings, model=model, concats=concats)
    whole = trained(tmp_path / "whole", settings, tiny.faces)
    with pytest.raises(Stopped):
        trained(tmp_path / "stopped", settings, tiny.stopping)
    first = torch.load(Run(tmp_path / "stopped").checkpoint, weights_only=True)
    assert first["epoch"] == 0
    resumed = trained(tmp_path / "stopped", settings, tiny.faces)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()

    network = load_weights(whole.weights)
    assert network.architecture == load_checkpoint(resumed.checkpoint).architecture
    x, _ = next(tiny.faces.batches("test"))
    assert torch.equal(load_checkpoint(resumed.checkpoint)(x), network(x))
    assert_switched_is_masked(network, x)
    assert_measured(network, tiny.faces, x)
    assert_turned(network, whole, tmp_path)


@torch.inference_mode()
def assert_switched_is_masked(network: UNet, x: Tensor) -> None:
    """What is exported answers as the network does, whichever latents are on."""
    switched = Switched(network)
    for kept in removals(LATENTS).values():
        own = [k for k in kept if k in network.latents]
        assert torch.equal(switched(x, switches(kept)), network(x, own))


@torch.inference_mode()
def assert_measured(network: UNet, faces: FacePairs, x: Tensor) -> None:
    """Every probe meets every mask, what is silenced being filled with its mean over faces."""
    answers = list(masked_outputs(network, x, {"mean": fill_value("mean", network, faces)}))
    n = len(network.latents)
    assert len(answers) == 2**n + (len(PROBES) - 1) * (n + 1)
    assert all(answer.output.shape == x.shape for answer in answers)


@torch.inference_mode()
def assert_turned(network: UNet, run: Run, folder: Path) -> None:
    """A photo of one's own comes out as the network turns it."""
    photo = draw_head(3, -45).convert("RGB")
    photo.save(folder / "a.png")
    asked = Rotate(
        run=None,
        checkpoint=None,
        weights=str(run.weights),
        input=[str(folder / "a.png")],
        keep=None,
        probe="rgb",
        crop=AS_THE_RUN,
        out=str(folder / "turned"),
        force=False,
    )
    rotate(asked)
    x = torch.from_numpy(np.asarray(photo).transpose(2, 0, 1).copy())[None] / 255
    with Image.open(folder / "turned" / "a.png") as turned:
        assert np.array_equal(np.asarray(turned)[::4, ::4], to_pixels(network(x))[0])


@pytest.mark.parametrize(
    "asked",
    [
        ("model.norm=instance", "model.merge=add", "model.colour=separate"),
        ("model.norm=none", "model.colour=separate", "concats=[2]", "size=32"),
    ],
    ids=" ".join,
)
def test_a_run_is_measured_and_found_again(
    command: Command, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    line = (*asked, "model.channels=2", "latents.fills=[zero,mean]", "trainer.evaluate_every=2")
    done = command(*line, cwd=tmp_path)
    assert "trained;" in done.stdout, done.stderr
    assert "skipped;" in command(*line, cwd=tmp_path).stdout
