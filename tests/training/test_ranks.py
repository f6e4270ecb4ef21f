"""One run on two devices: the batches, steps and weights of one device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from facerot import interrupt
from facerot.config import Settings
from facerot.data.datamodule import EpochOrder, FacePairs
from facerot.errors import SettingsError
from facerot.interrupt import Interrupted
from facerot.runs.run import Run
from facerot.training.fit import learn
from facerot.training.ranks import WholeBatches, WholeBatchNorm
from facerot.training.record import Record
from tests.test_interrupt import Signalled


@given(st.integers(8, 200), st.integers(4, 32), st.integers(1, 4), st.integers(0, 3))
def test_every_face_of_a_batch_goes_to_one_process(
    count: int, batch_size: int, processes: int, epoch: int
) -> None:
    whole = EpochOrder(count, batch_size, seed=5)
    if count // len(whole) < processes:
        with pytest.raises(SettingsError, match=f"too few for {processes} processes"):
            EpochOrder(count, batch_size, 5, 0, processes)
        return
    shares = [EpochOrder(count, batch_size, 5, rank, processes) for rank in range(processes)]
    for order in (whole, *shares):
        order.set_epoch(epoch)
    for number, (batch, *parts) in enumerate(zip(whole, *shares)):
        assert torch.cat(parts).tolist() == batch.tolist()
        assert whole.size_of(number) == len(batch)
        assert np.ptp([len(part) for part in parts]) <= 1


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: weight.double() for name, weight in load_file(run.weights).items()}


def test_two_devices_learn_what_one_does(tiny_settings: Settings, tmp_path: Path) -> None:
    few = replace(tiny_settings.trainer, batch_size=4, epochs=4)  # batches of 4, 3 and 3 faces
    sgd = replace(few, optimizer="sgd", learning_rate=0.1)  # Adam makes much of the rounding
    one = replace(tiny_settings, trainer=sgd)
    two = replace(one, trainer=replace(one.trainer, devices=2))
    runs = {name: Run(tmp_path / name) for name in ("one", "two")}
    runs["one"].open(one)
    learn(one, runs["one"], FacePairs(one), Record())
    runs["two"].open(two)
    with pytest.raises(Interrupted), interrupt.listening(), interrupt.at_once():
        learn(two, runs["two"], Signalled(two, batch=5), Record())
    saved = torch.load(runs["two"].checkpoint, weights_only=True)
    assert saved["global_step"] == 5
    learn(one, runs["two"], FacePairs(one), Record())  # goes on there
    there, wanted = weights(runs["two"]), weights(runs["one"])
    for name, weight in wanted.items():
        torch.testing.assert_close(there[name], weight, atol=1e-5, rtol=0, msg=name)


def test_two_devices_learn_in_bfloat16_what_one_does(
    tiny_settings: Settings, tmp_path: Path
) -> None:
    asked = replace(
        tiny_settings.trainer, epochs=2, optimizer="sgd", learning_rate=0.1, precision="bfloat16"
    )
    found = []
    for devices in (1, 2):
        settings = replace(tiny_settings, trainer=replace(asked, devices=devices))
        run = Run(tmp_path / str(devices))
        run.open(settings)
        learn(settings, run, FacePairs(settings), Record())
        found.append(weights(run))
    for name, weight in found[0].items():
        torch.testing.assert_close(found[1][name], weight, atol=2e-3, rtol=0, msg=name)


def test_batch_norms_are_as_before_once_the_training_is_over() -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3))
    WholeBatches().apply(network)
    assert {type(layer) for layer in network} == {WholeBatchNorm}
    WholeBatches().revert(network)
    assert {type(layer) for layer in network} == {torch.nn.BatchNorm2d}
