"""Faces in memory, on the device: the LightningDataModule and its epoch order."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from facerot.config import SPLITS, Settings, SettingsError
from facerot.data.faces import View
from facerot.data.images import load_images
from facerot.data.listing import list_views
from facerot.data.pairs import Pair, make_pairs, split, summary
from facerot.data.root import Root

log = logging.getLogger(__name__)

EVALUATION_BATCH = 64
SHOWN_FACES = 8


class FaceTensor(Dataset[tuple[Tensor, Tensor]]):
    """Pairs as two uint8 tensors (N, 3, S, S) in memory, indexed by whole batches."""

    def __init__(self, sources: Tensor, targets: Tensor) -> None:
        self.sources, self.targets = sources, targets

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return self.sources[index], self.targets[index]

    def to(self, device: torch.device) -> FaceTensor:
        """The same faces on another device."""
        return FaceTensor(self.sources.to(device), self.targets.to(device))

    def shown(self) -> tuple[Tensor, Tensor]:
        """The fixed faces of every picture: SHOWN_FACES spread evenly, in [0, 1]."""
        count = min(SHOWN_FACES, len(self))
        index = torch.linspace(0, len(self) - 1, count).round().long()
        source, target = self[index.to(self.sources.device)]
        return to_unit(source), to_unit(target)


class EpochOrder(Sampler[Tensor]):
    """Batches of indices in an order that is a function of (seed, epoch) alone.

    Every face is seen once an epoch; the batches are of equal size, give or take one face.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self.count, self.batch_size, self.seed, self.epoch = count, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before every epoch, also after a resume."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
        yield from map(torch.from_numpy, np.array_split(order, len(self)))


class FacePairs(L.LightningDataModule):
    """The pairs of one face set, split by person and decoded, ready to train and test on.

    Raises SettingsError where the faces cannot be read or give no train or no test pairs.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.seed, self.batch_size = settings.seed, settings.trainer.batch_size
        faces, root = settings.data, Root(settings.data.root)
        stamps = root.files()
        views, left_out = list_views(root, stamps, faces)
        pairs, unpaired = make_pairs(
            views, settings.source_yaw, settings.target_yaw, settings.mirror
        )
        _refuse_empty(settings, pairs)
        used = list(dict.fromkeys(view for pair in pairs for view in (pair.source, pair.target)))
        pixels, faults = load_images(root, stamps, used, faces, settings.size)
        pairs = [pair for pair in pairs if pair.source not in faults and pair.target not in faults]
        _refuse_empty(settings, pairs)
        self.left_out = left_out + unpaired + Counter({"photos that cannot be used": len(faults)})
        self.summary = summary(settings, pairs, self.left_out)
        log.info(self.summary)
        images, row = torch.from_numpy(pixels), {view: index for index, view in enumerate(used)}
        parts = split(pairs, settings.test_fraction, settings.split_seed)
        self.faces = {name: _gather(images, row, part) for name, part in zip(SPLITS, parts)}

    def setup(self, stage: str) -> None:
        """Put the faces on the device once; batches are then only indexed."""
        if self.trainer is not None:
            device = self.trainer.strategy.root_device
            self.faces = {name: faces.to(device) for name, faces in self.faces.items()}

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """The training faces in the order of the epoch."""
        order = EpochOrder(len(self.faces["train"]), self.batch_size, self.seed)
        return DataLoader(self.faces["train"], sampler=order, batch_size=None)

    def val_dataloader(self) -> list[DataLoader[tuple[Tensor, Tensor]]]:
        """Train and test faces, in the order of SPLITS."""
        return [self.in_order(name) for name in SPLITS]

    test_dataloader = val_dataloader

    def in_order(self, name: str) -> DataLoader[tuple[Tensor, Tensor]]:
        """All faces of a split in evaluation batches, always the same."""
        count = len(self.faces[name])
        starts = range(0, count, EVALUATION_BATCH)
        batches = [torch.arange(start, min(start + EVALUATION_BATCH, count)) for start in starts]
        return DataLoader(self.faces[name], sampler=batches, batch_size=None)

    def on_after_batch_transfer(
        self, batch: tuple[Tensor, Tensor], dataloader_idx: int
    ) -> tuple[Tensor, Tensor]:
        """Bytes -> floats in [0, 1], on the device."""
        return to_unit(batch[0]), to_unit(batch[1])

    def baselines(self) -> dict[str, float]:
        """Test MSE of two answers that need no network: the input, and the mean training face."""
        train, test = self.faces["train"], self.faces["test"]
        source, target = to_unit(test.sources), to_unit(test.targets)
        mean_face = to_unit(train.targets).mean(dim=0)
        return {
            "copy_input": (source - target).square().mean().item(),
            "mean_face": (mean_face - target).square().mean().item(),
        }


def to_unit(images: Tensor) -> Tensor:
    """uint8 (N, 3, S, S) -> float in [0, 1], channels last (the faster layout of convolutions)."""
    return images.to(torch.float32, memory_format=torch.channels_last).div(255)


def _gather(images: Tensor, row: Mapping[View, int], pairs: Sequence[Pair]) -> FaceTensor:
    flip = torch.tensor([pair.flip for pair in pairs])[:, None, None, None]
    sources = images[[row[pair.source] for pair in pairs]]
    targets = images[[row[pair.target] for pair in pairs]]
    return FaceTensor(*(torch.where(flip, part.flip(-1), part) for part in (sources, targets)))


def _refuse_empty(settings: Settings, pairs: Sequence[Pair]) -> None:
    parts = split(pairs, settings.test_fraction, settings.split_seed)
    for name, part in zip(SPLITS, parts):
        if not part:
            raise SettingsError(
                f"data={settings.data.name} gives no {name} pairs: change source_yaw, "
                f"test_fraction={settings.test_fraction:g} or split_seed={settings.split_seed}; "
                "python -m facerot.data.check shows what was found"
            )
