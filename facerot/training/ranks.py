"""One run on several devices: a process each, with its share of every batch.

    python -m facerot.training.ranks FOLDER    one of the other processes of the run in FOLDER

The batches, and so the steps, are those of one device: a share is a part of a batch. Batch norm
normalises over the whole batch. What comes out differs by the rounding of sums alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.lightning import find_free_network_port as free_port
from lightning.pytorch.plugins.layer_sync import LayerSync
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

from facerot import interrupt
from facerot.config import Settings, Trainer
from facerot.data.datamodule import FacePairs
from facerot.errors import require
from facerot.interrupt import Interrupted
from facerot.runs.run import Run
from facerot.training.checkpoints import newest
from facerot.training.record import Record


class WholeBatchNorm(nn.BatchNorm2d):
    """Batch norm over the shares of all processes; torch's own does so on GPUs alone."""

    def forward(self, x: Tensor) -> Tensor:
        """Activations (N, C, H, W) -> the same, normalised in float32; in eval mode as always."""
        if not self.training:
            return super().forward(x)
        x, precision = x.float(), x.dtype
        count = _sum(x.new_tensor(x.numel() / x.shape[1]))
        mean = _sum(x.sum(dim=(0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = _sum(centred.square().sum(dim=(0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(precision)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0)
        self.running_var.lerp_(variance, self.momentum or 0)
        self.num_batches_tracked += 1


class Sum(torch.autograd.Function):
    """The sum of a tensor over all processes."""

    @staticmethod
    def forward(ctx: Any, share: Tensor) -> Tensor:
        """The share of this process -> the sum."""
        total = share.clone()
        dist.all_reduce(total)
        return total

    backward = forward  # each process's loss depends on every share


def _sum(share: Tensor) -> Tensor:
    total: Tensor = Sum.apply(share)  # type: ignore[no-untyped-call]
    return total


class WholeBatches(LayerSync):
    """Lets the batch norms of a network see whole batches while it is trained."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Before the training."""
        return _exchange(model, nn.BatchNorm2d, WholeBatchNorm)

    def revert(self, model: nn.Module) -> nn.Module:
        """After it."""
        return _exchange(model, WholeBatchNorm, nn.BatchNorm2d)


def _exchange(model: nn.Module, one: type[nn.Module], other: type[nn.Module]) -> nn.Module:
    for layer in model.modules():
        if type(layer) is one:
            layer.__class__ = other
    return model


def placed(asked: Trainer, *plugins: Any) -> dict[str, Any]:
    """What a Lightning Trainer is told of devices, processes and plugins."""
    together = asked.processes > 1
    return {
        "accelerator": asked.device,
        "devices": asked.devices,
        "num_nodes": asked.nodes,
        "strategy": DDPStrategy(gradient_as_bucket_view=True) if together else "auto",
        "use_distributed_sampler": False,  # batches are shared out in their order
        # LightningEnvironment: whatever cluster this runs on, it starts no processes of ours.
        "plugins": [*plugins, LightningEnvironment(), *([WholeBatches()] if together else [])],
    }


def alone(settings: Settings) -> Settings:
    """The same run on one device."""
    return replace(settings, trainer=replace(settings.trainer, devices=1, nodes=1))


@contextmanager
def others(folder: Path, asked: Trainer) -> Iterator[None]:
    """The other processes of a run, while this one learns with them.

    They are started here, unless something did that started a process for each device: then
    LOCAL_RANK, NODE_RANK, MASTER_ADDR and MASTER_PORT say which is which. Raises SettingsError.
    """
    if "LOCAL_RANK" in os.environ or asked.devices == 1:
        yield
        return
    require(
        asked.nodes == 1,
        f"trainer.nodes={asked.nodes} with trainer.devices={asked.devices} needs a process for "
        f"each device: torchrun --nproc-per-node={asked.devices} ..., see docs/scale.md",
    )
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "LOCAL_RANK": "0"}
    os.environ.update(place)
    started = [_start(folder, rank) for rank in range(1, asked.devices)]
    try:
        yield
        for process in started:
            process.wait()
    finally:
        for process in started:
            process.kill()
        for name in place:
            del os.environ[name]


@contextmanager
def group() -> Iterator[None]:
    """Where processes may meet, which are apart again at its end."""
    try:
        yield
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _start(folder: Path, rank: int) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "facerot.training.ranks", str(folder)]
    environment = {**os.environ, "LOCAL_RANK": str(rank)}
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)


def learn_along(settings: Settings, run: Run) -> None:
    """Learn with the process that holds the run, which keeps what comes out."""
    from facerot.training.fit import take_part

    start = (None, 0) if settings.force else newest(run)
    take_part(settings, run, FacePairs(settings), Record(), start)


def main(folder: Path) -> None:
    """Entry point."""
    run = Run(folder)
    settings = run.settings()
    assert settings is not None  # it has been opened
    with interrupt.listening(is_child=True), suppress(Interrupted):
        learn_along(replace(settings, force=False), run)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
