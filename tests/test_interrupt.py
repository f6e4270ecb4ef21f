"""Signals: what a terminal and a cluster send, sent to the command and to a training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch

from facerot import interrupt
from facerot.config import Settings
from facerot.data.datamodule import Batch, FacePairs
from facerot.interrupt import Interrupted
from facerot.runs.run import Run
from facerot.training.checkpoints import before
from facerot.training.fit import learn
from facerot.training.record import Record
from tests.conftest import Done, training_line

LONG = ("trainer.epochs=5000", "trainer.checkpoint_every=1", "trainer.evaluate_every=5000")


class Signalled(FacePairs):
    """Faces that send a signal to this process when a batch is fetched: counted from 1."""

    def __init__(self, settings: Settings, batch: int) -> None:
        super().__init__(settings)
        self.left = count(-batch)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if next(self.left) == -1:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().on_after_batch_transfer(batch, dataloader_idx)


def trained(folder: Path, settings: Settings, faces: FacePairs) -> Run:
    """A run that has learned in this folder, from where it was, heeding signals as a command."""
    run = Run(folder)
    run.open(settings)
    with interrupt.listening(), interrupt.at_once():
        learn(settings, run, faces, Record())
    return run


def test_a_run_goes_on_from_every_step_to_the_same_bits(
    tiny_settings: Settings, tmp_path: Path
) -> None:
    trainer = replace(tiny_settings.trainer, batch_size=4, epochs=2, evaluate_every=9)
    settings = replace(tiny_settings, trainer=trainer)  # 3 steps an epoch
    faces = FacePairs(settings)
    whole = trained(tmp_path / "whole", settings, faces)
    for step in range(1, 7):
        folder = tmp_path / str(step)
        with pytest.raises(Interrupted):
            trained(folder, settings, Signalled(settings, step))
        run = Run(folder)
        saved = torch.load(run.checkpoint, weights_only=True)
        assert saved["global_step"] == step
        record, before_it = Record(), saved["callbacks"]["Record"]
        learn(settings, run, faces, record)
        assert sum(record.seconds.values()) > sum(before_it["seconds"].values()) > 0
        assert len(record.curve) == 2
        assert record.curve[: step // 3] == before_it["curve"][: step // 3]
        assert run.weights.read_bytes() == whole.weights.read_bytes()
        assert os.listdir(run.checkpoint.parent) == ["last.ckpt"]


def test_an_unreadable_checkpoint_gives_way_to_the_one_before_it(
    tiny_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = replace(tiny_settings.trainer, epochs=3, evaluate_every=9)
    settings = replace(tiny_settings, trainer=trainer)  # one step an epoch
    faces = FacePairs(settings)
    whole = trained(tmp_path / "whole", settings, faces)
    for spoilt in (1, 2):
        folder = tmp_path / str(spoilt)
        with pytest.raises(Interrupted):
            trained(folder, settings, Signalled(settings, 3))
        run = Run(folder)
        for path in (run.checkpoint, before(run.checkpoint))[:spoilt]:
            path.write_bytes(path.read_bytes()[: 1000 * (spoilt - 1)])
        _, _, went_on = learn(settings, run, faces, Record())
        assert went_on == (spoilt == 1)
        assert capsys.readouterr().out.count("last.ckpt cannot be read") == 1
        assert run.weights.read_bytes() == whole.weights.read_bytes()


def start(overrides: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """The command in a process of its own, once its first checkpoint is there."""
    child = subprocess.Popen(
        [sys.executable, "-m", "facerot.train", *overrides],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while child.poll() is None and not list(cwd.glob("outputs/*/*/checkpoints/last.ckpt")):
        time.sleep(0.01)
    return child


def ended(child: subprocess.Popen[str]) -> Done:
    """How it ended and what it printed."""
    out, err = child.communicate(timeout=60)
    return Done([], child.returncode, out, err)


def test_sigterm_ends_a_run_with_one_line_and_143(
    tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    child = start(training_line(faces_zip, LONG), tmp_path, environment)
    os.kill(child.pid, signal.SIGTERM)
    done = ended(child)
    (line,) = done.stderr.splitlines()
    assert line.endswith(": interrupted by SIGTERM; the same command goes on")
    assert done.returncode == 143
    (status,) = tmp_path.glob("outputs/heads-smoke/*/status.json")
    assert json.loads(status.read_text())["status"] == "interrupted"


def test_ctrl_c_ends_a_sweep_with_its_table_and_130(
    tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    child = start([*training_line(faces_zip, LONG), "seed=0,1,3", "-m"], tmp_path, environment)
    os.kill(child.pid, signal.SIGINT)
    done = ended(child)
    assert len(done.stderr.splitlines()) == 1
    *_, second, third, counts = done.stdout.splitlines()
    assert second.split()[:3] == ["seed=1", "not", "started"]
    assert third.split()[:3] == ["seed=3", "not", "started"]
    assert counts.endswith("0 failed, 1 interrupted, 2 not started")
    assert done.returncode == 130


def test_a_second_signal_ends_at_once(
    tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    child = start(training_line(faces_zip, LONG), tmp_path, environment)
    os.kill(child.pid, signal.SIGSTOP)  # both are there when it goes on
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    os.kill(child.pid, signal.SIGCONT)
    done = ended(child)
    assert done.returncode in (130, 143)
    assert done.stderr == ""
