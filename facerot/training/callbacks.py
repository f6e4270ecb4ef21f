"""What is done beside the training: stopping it, measuring the finished network, pictures."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from facerot import interrupt, progress
from facerot.config import SPLITS, Settings
from facerot.data.datamodule import Batch, EpochOrder, FacePairs
from facerot.errors import SettingsError
from facerot.interrupt import Interrupted
from facerot.measure.analyses import lacking
from facerot.measure.pictures import write_pictures
from facerot.panels import Pixels, captioned, to_pixels
from facerot.runs.run import Run
from facerot.training.module import FaceRotation

# Of the last epoch, and of the last evaluation.
LOSSES = {"loss": "loss", "mse/train": "MSE train", "mse/test": "MSE test"}


class StopWhenAsked(L.Callback):
    """Ends the training after the step in which a signal came, with a checkpoint of that step.

    A whole epoch is first evaluated and logged. Of several processes all end, whichever got it.
    Raises Interrupted.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.saved = run, False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on behind the batches that a checkpoint has had of its epoch.

        And heed SIGTERM as before: Lightning's own way, just set up, ends without a checkpoint.
        """
        loader = cast("DataLoader[Batch]", trainer.train_dataloader)
        order = cast(EpochOrder, loader.sampler)
        order.used = (trainer.fit_loop.batch_idx + 1) % len(order)
        interrupt.listen_again()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Within an epoch: save and end."""
        if not trainer.is_last_batch and self._saved_as_asked(trainer):
            self._end()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """After its last step: save, and let it be logged."""
        self.saved = self._saved_as_asked(trainer)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End where all that was trained is saved."""
        if self.saved:
            self._end()

    def _saved_as_asked(self, trainer: L.Trainer) -> bool:
        asked = interrupt.asked() is not None
        if trainer.strategy.reduce_boolean_decision(asked, all=False):
            trainer.save_checkpoint(self.run.checkpoint)
            return True
        return False

    def _end(self) -> None:
        raise Interrupted(interrupt.asked() or signal.SIGTERM)


class RefuseNonFinite(L.Callback):
    """Ends the training where its loss is no number any more, before that is saved.

    Raises SettingsError naming epoch, step, loss and learning rate.
    """

    loss = float("nan")

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Look at the loss; on a GPU once an epoch, as every look makes it wait."""
        assert isinstance(outputs, Mapping)
        if trainer.is_last_batch or outputs["loss"].device.type == "cpu":
            self.loss = outputs["loss"].item()
            fine = trainer.strategy.reduce_boolean_decision(math.isfinite(self.loss))
            self._refuse(trainer, fine)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Look at the weights: the last step may have spoilt them after a finite loss."""
        weights = cast(FaceRotation, pl_module).net.parameters()
        self._refuse(trainer, all(bool(torch.isfinite(one).all()) for one in weights))

    def _refuse(self, trainer: L.Trainer, fine: bool) -> None:
        if fine:
            return
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        raise SettingsError(
            f"training broke down in epoch {trainer.current_epoch + 1}, step {trainer.global_step}:"
            f" loss {self.loss:g}, learning rate {rate:g}; try a lower trainer.learning_rate"
            " (the last good checkpoint is kept)"
        )


class Lines(L.Callback):
    """Says every half minute how far the training is, where no bar shows it."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Training goes on from here."""
        self.since, self.before = time.monotonic(), trainer.global_step

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Epoch, losses as they were last, time left."""
        progress.tell(lambda: self._line(trainer))

    def _line(self, trainer: L.Trainer) -> str:
        found = trainer.callback_metrics
        losses = "".join(f", {LOSSES[tag]} {found[tag]:.4f}" for tag in LOSSES if tag in found)
        steps = trainer.estimated_stepping_batches
        return f"{_epoch(trainer)}{losses}, " + progress.left(
            self.since, trainer.global_step - self.before, int(steps) - self.before
        )

    def on_validation_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """The same while it is evaluated."""
        progress.tell(lambda: f"{_epoch(trainer)}, evaluating")

    def on_test_batch_end(self, *_: Any) -> None:
        """The same once it is finished."""
        progress.tell(lambda: "trained, evaluating")


def _epoch(trainer: L.Trainer) -> str:
    return f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"


class LatentMasking(L.Callback):
    """Silences latents of the finished network on train and test faces, and writes the tables."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self.run, self.settings = run, settings

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Measure what is asked for."""
        network, faces = cast(FaceRotation, pl_module).net, faces_of(trainer)
        for analysis in lacking(self.run, self.settings):
            analysis.write(self.run, network, faces, self.settings)


class FacePanels(L.Callback):
    """The same few train and test faces as pictures: while training, and under every mask.

    They go to TensorBoard; what figures are drawn from also goes to the run's folder.
    """

    def __init__(self, run: Run) -> None:
        self.folder = run.folder / "faces"

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """At every evaluation: input | output | target."""
        for split in SPLITS:
            x, y = faces_of(trainer).splits[split].shown()
            columns = {"input": x, "output": pl_module(x), "target": y}
            picture = captioned({name: to_pixels(faces) for name, faces in columns.items()})
            self._show(trainer, f"faces/{split}", picture)

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """At the end: Fig 5, 6, 8, 9, the sheets, and histograms of the latents."""
        network, faces = cast(FaceRotation, pl_module).net, faces_of(trainer)
        for tag, picture in write_pictures(self.folder, network, faces).items():
            self._show(trainer, tag, picture)
        for split in SPLITS:
            x, _ = faces.splits[split].shown()
            for k, latent in enumerate(network.encode(x), start=1):
                _board(trainer).add_histogram(f"latent{k}/{split}", latent, trainer.global_step)

    def _show(self, trainer: L.Trainer, tag: str, picture: Pixels) -> None:
        _board(trainer).add_image(tag, picture, trainer.global_step, dataformats="HWC")


def faces_of(trainer: L.Trainer) -> FacePairs:
    """The faces that a Trainer trains and tests on."""
    return cast(FacePairs, trainer.datamodule)  # type: ignore[attr-defined]


def _board(trainer: L.Trainer) -> Any:
    return cast(TensorBoardLogger, trainer.logger).experiment
