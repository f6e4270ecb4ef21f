"""Speed as ratios within one process, so that other work on the machine cancels: `make bench`.

training   steps per second of the command's Trainer over those of a bare PyTorch loop
fit        the same with evaluations, panels and checkpoints counted as its cost
masks      time of all 32 masks over the test faces over that of 32 plain passes
busy       time of a training step beside a busy process on each core over that of an idle machine
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
import lightning as L
import torch
import torch.nn.functional as F

from facerot.config import CONF, Settings
from facerot.data.datamodule import FacePairs
from facerot.runs.run import Run
from facerot.threads import threads_for
from facerot.training.fit import make_module, make_trainer
from facerot.training.record import Record
from facerot.validate import resolve

EPOCHS, ROUNDS = 10, 5


class EpochClock(L.Callback):
    """Adds up the time between the start and the end of training epochs, evaluations left out."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.paused = time.perf_counter()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start += time.perf_counter() - self.paused

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.seconds += time.perf_counter() - self.start


def seconds_of(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def lightning_fit(settings: Settings, faces: FacePairs) -> tuple[float, float]:
    """Seconds in training epochs alone, and in all of the fit."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(settings, Run(Path(folder)), Record(), EPOCHS)
        clock = EpochClock()
        trainer.callbacks.insert(0, clock)  # type: ignore[attr-defined]
        whole = seconds_of(lambda: trainer.fit(make_module(settings), datamodule=faces))
    return clock.seconds, whole


def bare_fit(settings: Settings, faces: FacePairs) -> None:
    """The same network, batches, optimiser and schedule without Lightning."""
    net = make_module(settings).net.train()
    loader = faces.train_dataloader()
    optimizer = torch.optim.Adam(net.parameters(), lr=settings.trainer.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.trainer.learning_rate, EPOCHS * len(loader), pct_start=0.1
    )
    for _ in range(EPOCHS):
        for batch in loader:
            x, y = faces.on_after_batch_transfer(batch, 0)
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


@torch.inference_mode()
def masks(settings: Settings, faces: FacePairs) -> float:
    """Time of all masks over the test faces, as a share of that of as many plain passes."""
    net = make_module(settings).net.eval()
    batches = [x for x, _ in faces.batches("test")]
    count = 2 ** len(net.latents)

    def all_masks() -> None:
        for x in batches:
            net.decode_all(net.encode(x))

    def plain_passes() -> None:
        for _ in range(count):
            for x in batches:
                net(x)

    all_masks()
    return statistics.median(
        seconds_of(all_masks) / seconds_of(plain_passes) for _ in range(ROUNDS)
    )


@contextmanager
def busy_cores() -> Iterator[None]:
    """A process on each core that never rests."""
    line = [sys.executable, "-c", "while True: pass"]
    children = [subprocess.Popen(line) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def busy(settings: Settings, faces: FacePairs) -> float:
    """Time of a bare loop's steps beside busy cores over that without; needs an idle machine."""
    torch.set_num_threads(threads_for(settings.threads, jobs=1) or torch.get_num_threads())
    ratios = []
    for _ in range(ROUNDS):
        idle = seconds_of(lambda: bare_fit(settings, faces))
        with busy_cores():
            ratios.append(seconds_of(lambda: bare_fit(settings, faces)) / idle)
    return statistics.median(ratios)


def main(overrides: list[str]) -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose("train", [*overrides, f"trainer.epochs={EPOCHS}"])
        settings = resolve(cfg, Settings)
    faces = FacePairs(settings)
    training, fit = [], []
    for _ in range(ROUNDS):
        bare = seconds_of(lambda: bare_fit(settings, faces))
        epochs, whole = lightning_fit(settings, faces)
        training.append(bare / epochs)
        fit.append(bare / whole)
    print(f"training {statistics.median(training):.3f}  of a bare loop's steps/s, at least 0.95")
    print(f"fit      {statistics.median(fit):.3f}  with evaluation, panels and checkpoints counted")
    print(f"masks    {masks(settings, faces):.3f}  of the time of 32 plain passes, at most 0.7")
    print(f"busy     {busy(settings, faces):.3f}  of an idle step's time, at most 2.2")


if __name__ == "__main__":
    main(sys.argv[1:])
