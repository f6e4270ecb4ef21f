"""What is done beside the training: silencing latents at test time, and pictures of faces."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor

from facerot import scores
from facerot.config import SPLITS
from facerot.data.datamodule import FacePairs
from facerot.latents import KeepSet, keep_label, keep_ones, masks, mean_latents, removals
from facerot.model import UNet
from facerot.module import Batch, FaceRotation
from facerot.panels import captioned, sheet
from facerot.probes import CHANNELS, PROBES, probe

LATENTS_HEADER = ("split", "probe", "keep", "fill", "score", "value")
FACES_OF_FIGURE_8 = 3  # each is shown three times, once a channel

Fill = list[Tensor] | None


class LatentMasking(L.Callback):
    """Silences latents of the finished network on train and test faces; writes latents.csv.

    The plain input meets all 2**n keep sets (of which Fig 5 and 6 are views), the probe inputs
    every removal (Fig 8, 9). Images are encoded once, all masks decoded from that.
    """

    def __init__(self, path: Path, fills: Sequence[str], eye_band: tuple[float, float]) -> None:
        self.path, self.fills, self.eye_band = path, fills, eye_band
        self.found: dict[tuple[str, ...], list[dict[str, Tensor]]] = defaultdict(list)

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Find what a silenced latent becomes."""
        self.found.clear()
        self.fill_values = {name: fill_value(name, trainer, pl_module) for name in self.fills}

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Score every mask on one batch of faces."""
        net = cast(FaceRotation, pl_module).net
        x, y = batch
        for name in PROBES:
            seen = probe(x, name)
            latents = net.encode(seen)
            for fill, value in self.fill_values.items():
                decoded = decode_masks(net, latents, name, value)
                outputs_of = dict(zip(masks(net.latents, name), decoded))
                full = outputs_of[net.latents]
                for keep, o in outputs_of.items():
                    if name == "rgb":
                        found = scores.face_scores(o, full, x, y, self.eye_band)
                    else:
                        found = scores.probe_scores(o, seen, name)
                    key = (SPLITS[dataloader_idx], name, keep_label(keep), fill)
                    self.found[key].append(found)

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the means over faces."""
        with self.path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(LATENTS_HEADER)
            for key, batches in self.found.items():
                whole = {name: torch.cat([part[name] for part in batches]) for name in batches[0]}
                for score, value in scores.average(whole).items():
                    writer.writerow((*key, score, f"{value:.8g}"))


def decode_masks(
    net: UNet, latents: Sequence[Tensor], name: str, fill: Fill = None
) -> Iterable[Tensor]:
    """The outputs (N, 3, S, S) under each of `masks`, in their order."""
    if name == "rgb":
        return net.decode_all(latents, fill)
    return (net.decode(latents, keep, fill) for keep in masks(net.latents, name))


def fill_value(name: str, trainer: L.Trainer, module: L.LightningModule) -> Fill:
    """What silenced latents become: None for `zero`, their means over training faces for `mean`."""
    if name == "zero":
        return None
    faces = cast(FacePairs, trainer.datamodule)  # type: ignore[attr-defined]
    batches = (faces.on_after_batch_transfer(batch, 0)[0] for batch in faces.in_order("train"))
    return mean_latents(cast(FaceRotation, module).net.encode, batches)


class FacePanels(L.Callback):
    """The same few train and test faces as pictures: while training, and under every mask.

    Goes to TensorBoard; what figures are drawn from also goes to `folder`: one sheet per split and
    probe (a row per face; columns input, target, then the keep sets in the order of latents.csv),
    and the paper's figures with captions.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """At every evaluation: input | output | target."""
        for split in SPLITS:
            x, y = self._shown(trainer, split)
            columns = {"input": x, "output": pl_module(x), "target": y}
            self._show(trainer, f"faces/{split}", columns)

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """At the end: Fig 5, 6, 8, 9, the sheets, and histograms of the latents."""
        self.folder.mkdir(exist_ok=True)
        net = cast(FaceRotation, pl_module).net
        for split in SPLITS:
            x, y = self._shown(trainer, split)
            for figure, captions in figures(net, x, y).items():
                picture = self._show(trainer, f"{figure}/{split}", captions)
                Image.fromarray(picture).save(self.folder / f"{figure}_{split}.png")
            for name in PROBES:
                seen = probe(x, name)
                columns = [seen, y, *decode_masks(net, net.encode(seen), name)]
                Image.fromarray(sheet(columns)).save(self.folder / f"{split}_{name}.png")
            for k, latent in enumerate(net.encode(x), start=1):
                _board(trainer).add_histogram(f"latent{k}/{split}", latent, trainer.global_step)

    def _shown(self, trainer: L.Trainer, split: str) -> Batch:
        faces = cast(FacePairs, trainer.datamodule).faces[split]  # type: ignore[attr-defined]
        return faces.shown()

    def _show(self, trainer: L.Trainer, tag: str, columns: dict[str, Tensor]) -> Any:
        picture = captioned(columns)
        _board(trainer).add_image(tag, picture, trainer.global_step, dataformats="HWC")
        return picture


def _board(trainer: L.Trainer) -> Any:
    return cast(TensorBoardLogger, trainer.logger).experiment


def figures(net: UNet, x: Tensor, y: Tensor) -> dict[str, dict[str, Tensor]]:
    """The columns of the paper's test-time figures for the faces x with targets y."""
    few = x[:FACES_OF_FIGURE_8]
    single = torch.cat([probe(face[None], channel) for face in few for channel in CHANNELS])
    mosaic = probe(x, "mosaic")
    latents = net.latents
    return {
        "figure5": {"input": x, "target": y, **_outputs(net, x, keep_ones(latents))},
        "figure6": {"input": x, "target": y, **_outputs(net, x, removals(latents))},
        "figure8": {"input": single, **_outputs(net, single, removals(latents))},
        "figure9": {"input": mosaic, **_outputs(net, mosaic, removals(latents))},
    }


def _outputs(net: UNet, x: Tensor, keeps: dict[str, KeepSet]) -> dict[str, Tensor]:
    latents = net.encode(x)
    return {name: net.decode(latents, keep) for name, keep in keeps.items()}
