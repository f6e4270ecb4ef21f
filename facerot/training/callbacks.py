"""What is done beside the training: measuring the finished network, and pictures of faces."""

from __future__ import annotations

from typing import Any, cast

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger

from facerot.config import SPLITS, Settings
from facerot.data.datamodule import FacePairs
from facerot.measure.analyses import lacking
from facerot.measure.pictures import write_pictures
from facerot.panels import Pixels, captioned, to_pixels
from facerot.runs.run import Run
from facerot.training.module import FaceRotation


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
