"""The LightningModule: what is minimised, with what, and what is logged."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from facerot.config import SPLITS
from facerot.data.datamodule import Batch, EpochOrder
from facerot.measure import scores
from facerot.model import UNet
from facerot.runs.metrics import QUALITY

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


class FaceRotation(L.LightningModule):
    """A U-Net that turns faces, trained on the MSE to the target view.

    The arguments are plain numbers, strings and lists, so that a checkpoint of it loads with
    `weights_only=True`; their meanings are those of conf/train.yaml and
    conf/model.
    """

    def __init__(
        self,
        concats: Sequence[int],
        channels: Sequence[int],
        norm: str = "batch",
        merge: str = "concat",
        colour: str = "joint",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        schedule: str = "onecycle",
        warmup: float = 0.1,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.net = UNet(concats, channels, norm, merge, colour)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, keep: Collection[int] | None = None) -> Tensor:
        """See `UNet.forward`."""
        images: Tensor = self.net(x, keep)
        return images

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss: MSE over all pixels of the batch, taken in float32.

        Of several processes each has a share of it, weighted so that their mean is the loss.
        """
        x, y = batch
        low = self.hparams["precision"] == "bfloat16"
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low):
            o = self.net(x)
        loss, together = F.mse_loss(o.float(), y), self.trainer.world_size > 1
        if together:
            loader = cast("DataLoader[Batch]", self.trainer.train_dataloader)
            order = cast(EpochOrder, loader.sampler)
            loss = loss * (len(x) * order.processes / order.size_of(batch_idx))
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(x), sync_dist=together)
        return loss

    def on_train_epoch_end(self) -> None:
        """The learning rate that the epoch ended with."""
        self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"])

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int) -> None:
        """MSE in eval mode, on train and on test faces: for the curves, never to choose weights."""
        x, y = batch
        self._log_mean("mse", scores.mse(self.net(x), y), dataloader_idx)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int) -> None:
        """MSE, PSNR and SSIM of the finished network, on train and on test faces."""
        x, y = batch
        o = self.net(x)
        for name in QUALITY:
            self._log_mean(name, getattr(scores, name)(o, y), dataloader_idx)

    def _log_mean(self, name: str, per_face: Tensor, dataloader_idx: int) -> None:
        self.log(
            f"{name}/{SPLITS[dataloader_idx]}",
            per_face.mean(),
            batch_size=len(per_face),
            add_dataloader_idx=False,
        )

    def configure_optimizers(self) -> Any:
        """The optimiser, and one-cycle over all steps of the fit where it is asked for."""
        asked = self.hparams
        optimizer = OPTIMIZERS[asked["optimizer"]](self.net.parameters(), lr=asked["learning_rate"])
        if asked["schedule"] == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=asked["learning_rate"],
            total_steps=steps,
            pct_start=rise(asked["warmup"], steps),
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def rise(warmup: float, steps: int) -> float:
    """The share of all steps in which one-cycle rises, as OneCycleLR can take it.

    It divides by the number of the step with the peak, which must not be exactly 0.
    """
    return warmup - 1e-3 / steps if math.isclose(warmup * steps, 1) else warmup
