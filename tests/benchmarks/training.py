"""Training and masks against the plainest code that does the same."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from facerot.config import Settings
from facerot.data.datamodule import FacePairs
from facerot.runs.run import Run
from facerot.training.fit import make_module, make_trainer
from facerot.training.record import Record
from tests.benchmarks.tools import (
    REPEATS,
    WIDE,
    Repeat,
    draw_photos,
    empty_cache,
    seconds_of,
    settings_of,
)

EPOCHS = 10
WIDTHS = {"default": "model.name=unet", "32 to 256": WIDE}
PHOTOS = {"640x480": (640, 480), "1350x1350": (1350, 1350)}
PERSONS, VIEWS = 40, ("left", "front")


def steps(overrides: list[str]) -> Iterator[Repeat]:
    """steps/s of the command's Trainer over those of a bare loop; with evaluation and panels too"""
    asked = {
        name: settings_of(*overrides, width, f"trainer.epochs={epochs}")
        for (name, width), epochs in zip(WIDTHS.items(), (EPOCHS, 2))
    }
    faces = {name: FacePairs(settings) for name, settings in asked.items()}
    for _ in range(REPEATS):
        repeat: Repeat = {}
        for name, settings in asked.items():
            bare = seconds_of(bare_fit, settings, faces[name])
            training, whole = fit_seconds(settings, faces[name])
            repeat |= {f"{name}, training": bare / training, f"{name}, whole fit": bare / whole}
        yield repeat


def fit_seconds(settings: Settings, faces: FacePairs) -> tuple[float, float]:
    """Seconds of training, and of all of the fit."""
    record = Record()
    torch.set_num_threads(settings.threads or 1)
    with tempfile.TemporaryDirectory() as folder:
        epochs = settings.trainer.epochs_of(len(faces.train_dataloader()))
        trainer = make_trainer(settings, Run(Path(folder)), record, epochs)
        clock = EpochClock()
        trainer.callbacks.insert(0, clock)  # type: ignore[attr-defined]
        whole = seconds_of(trainer.fit, make_module(settings), datamodule=faces)
    return clock.seconds, whole


class EpochClock(L.Callback):
    """Adds up the time between the start and the end of training epochs, evaluations left out."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.seconds -= time.perf_counter()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.seconds += time.perf_counter()

    on_validation_end = on_train_epoch_start
    on_train_epoch_end = on_validation_start


def bare_fit(settings: Settings, faces: FacePairs) -> None:
    """The same network, batches, optimiser and schedule without Lightning."""
    net = make_module(settings).net.train()
    loader = faces.train_dataloader()
    epochs = settings.trainer.epochs_of(len(loader))
    optimizer = torch.optim.Adam(net.parameters(), lr=settings.trainer.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.trainer.learning_rate, epochs * len(loader), pct_start=0.1
    )
    for _ in range(epochs):
        for batch in loader:
            step(net, optimizer, *faces.on_after_batch_transfer(batch, 0))
            schedule.step()


def step(net: torch.nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    """One step of the training."""
    optimizer.zero_grad()
    F.mse_loss(net(x), y).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


class Decoding(Dataset[tuple[Tensor, Tensor]]):
    """What one writes first: each item decodes and resizes its two photos."""

    def __init__(self, folder: Path, size: int) -> None:
        self.people, self.size = sorted(folder.iterdir()), size

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        left, front = (self._photo(self.people[index] / f"{view}.jpg") for view in VIEWS)
        return left, front

    def _photo(self, path: Path) -> Tensor:
        with Image.open(path) as file:
            photo = file.convert("RGB")
        side = min(photo.size)
        square = photo.resize((self.size,) * 2, Image.Resampling.BICUBIC, box=(0, 0, side, side))
        return torch.from_numpy(np.asarray(square, np.float32) / 255).permute(2, 0, 1)


def template(overrides: list[str]) -> Iterator[Repeat]:
    """time of an epoch with a DataLoader that decodes JPEGs over that of ours; 0 and 2 workers"""
    for _ in range(3):
        repeat = {}
        for name, (width, height) in PHOTOS.items():
            with empty_cache() as folder:
                draw_photos(folder / "photos", PERSONS, width, height)
                root = f"data.root={folder / 'photos'}"
                settings = settings_of(
                    "data=folder", root, "test_fraction=0.1", *overrides, f"trainer.epochs={EPOCHS}"
                )
                faces = FacePairs(settings)
                ours = fit_seconds(settings, faces)[0] / EPOCHS / len(faces.splits["train"])
                for workers in (0, 2):
                    theirs = template_seconds(settings, folder / "photos", workers)
                    repeat[f"{name}, {workers} workers"] = theirs / PERSONS / ours
        yield repeat


def template_seconds(settings: Settings, folder: Path, workers: int) -> float:
    """An epoch of a plain Lightning module with a DataLoader: the second of two."""
    photos = Decoding(folder, settings.size)
    loader = DataLoader(
        photos, settings.trainer.batch_size, shuffle=True, num_workers=workers,
        persistent_workers=workers > 0,
    )  # fmt: skip
    clock = EpochClock()
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[clock, Forget(clock)],
    )  # fmt: skip
    trainer.fit(make_module(settings), loader)
    return clock.seconds


class Forget(L.Callback):
    """Sets a clock back after the first epoch, in which workers start."""

    def __init__(self, clock: EpochClock) -> None:
        self.clock = clock

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch == 0:
            self.clock.seconds = 0.0


def flops(overrides: list[str]) -> Iterator[Repeat]:
    """GFLOP/s of a training step, and as a share of this machine's best convolution, one thread"""
    torch.set_num_threads(1)
    for _ in range(REPEATS):
        best = best_convolution()
        repeat = {"best convolution, GFLOP/s": best}
        for name, width in WIDTHS.items():
            settings = settings_of(*overrides, width)
            net = make_module(settings).net.train()
            optimizer = torch.optim.Adam(net.parameters())
            x, y = torch.rand(2, settings.trainer.batch_size, 3, settings.size, settings.size)
            with FlopCounterMode(display=False) as counted:
                step(net, optimizer, x, y)
            times = [seconds_of(step, net, optimizer, x, y) for _ in range(7)]
            reached = counted.get_total_flops() / median(times) / 1e9
            repeat |= {f"{name}, GFLOP/s": reached, f"{name}, share of the best": reached / best}
        yield repeat


@torch.inference_mode()
def best_convolution() -> float:
    """GFLOP/s of the fastest 3x3 convolution tried, fp32."""
    reached = []
    for channels, side in ((64, 64), (128, 32), (256, 32)):
        x, weights = torch.rand(16, channels, side, side), torch.rand(channels, channels, 3, 3)
        x = x.contiguous(memory_format=torch.channels_last)
        work = 2 * 9 * channels**2 * 16 * side**2 / 1e9
        F.conv2d(x, weights, padding=1)
        times = [seconds_of(F.conv2d, x, weights, padding=1) for _ in range(5)]
        reached.append(work / min(times))
    return max(reached)


@torch.inference_mode()
def masks(overrides: list[str]) -> Iterator[Repeat]:
    """time of all masks over the test faces as a share of that of as many plain passes"""
    settings = settings_of(*overrides)
    net, faces = make_module(settings).net.eval(), FacePairs(settings)
    batches = [x for x, _ in faces.batches("test")]

    def all_masks() -> None:
        for x in batches:
            net.decode_all(net.encode(x))

    def plain_passes() -> None:
        for _ in range(2 ** len(net.latents)):
            for x in batches:
                net(x)

    all_masks()
    for _ in range(REPEATS):
        yield {"all masks": seconds_of(all_masks) / seconds_of(plain_passes)}
