"""Faces in memory, on the device: the LightningDataModule and its epoch order."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from facerot.config import SPLITS, Settings
from facerot.data.gallery import Gallery, open_galleries
from facerot.data.images import load_images
from facerot.data.listing import Listing, list_faces
from facerot.data.pairs import Pair, make_pairs, split_as_asked, summary, too_few_persons
from facerot.data.pixels import evaluation_batch, to_unit
from facerot.data.views import View
from facerot.errors import SettingsError

log = logging.getLogger(__name__)

SHOWN_FACES = 8


Batch = tuple[Tensor, Tensor]  # sources and targets


@dataclass(frozen=True, eq=False)
class PairTensors(Dataset[Batch]):
    """Pairs as places in one uint8 tensor of views in memory, indexed by whole batches.

    Attributes:
        pairs: the N pairs.
        images: uint8 (V, 3, S, S), each view once.
        rows: (2, N), the places of the sources and of the targets among the images.
        flipped: (N,), which pairs are seen in a mirror; None where none is.
    """

    pairs: Sequence[Pair]
    images: Tensor
    rows: Tensor
    flipped: Tensor | None

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: Tensor | slice) -> Batch:
        sources, targets = (self.images[rows] for rows in self.rows[:, index])
        if self.flipped is None:
            return sources, targets
        flipped = self.flipped[index].to(self.images.device)[:, None, None, None]
        return (
            torch.where(flipped, sources.flip(-1), sources),
            torch.where(flipped, targets.flip(-1), targets),
        )

    def shown(self) -> Batch:
        """The fixed faces of every picture: SHOWN_FACES spread evenly, in [0, 1]."""
        count = min(SHOWN_FACES, len(self))
        source, target = self[torch.linspace(0, len(self) - 1, count).round().long()]
        return to_unit(source), to_unit(target)


class EpochOrder(Sampler[Tensor]):
    """Batches of indices in an order that is a function of (seed, epoch) alone.

    Every face is seen once an epoch; the batches are of equal size, give or take one face.
    The first `used` batches of the next epoch are left out: it goes on in its middle.
    Of several processes each gets its share of every batch. Raises SettingsError where a batch
    has no face for one of them.
    """

    def __init__(
        self, count: int, batch_size: int, seed: int, rank: int = 0, processes: int = 1
    ) -> None:
        self.count, self.batch_size, self.seed, self.epoch = count, batch_size, seed, 0
        self.used, self.rank, self.processes = 0, rank, processes
        if count // len(self) < processes:
            raise SettingsError(
                f"trainer.batch_size={batch_size} makes batches of {count // len(self)} faces, too "
                f"few for {processes} processes"
            )

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before every epoch, also after a resume."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
        batches, self.used = np.array_split(order, len(self))[self.used :], 0
        for batch in batches:
            yield torch.from_numpy(np.array_split(batch, self.processes)[self.rank])

    def size_of(self, batch: int) -> int:
        """How many faces a batch of an epoch has, for all processes."""
        least, more = divmod(self.count, len(self))
        return least + (batch < more)


class FacePairs(L.LightningDataModule):
    """The pairs of one face set, split by person and decoded, ready to train and test on.

    Args:
        settings: which pairs, how they are cut and split, how they are batched.
        listing: the face set where it has been opened before.

    Raises SettingsError where the faces cannot be read, give no train or no test pairs, or fewer
    training persons than asked for.
    """

    def __init__(self, settings: Settings, listing: Listing | None = None) -> None:
        super().__init__()
        self.seed, self.batch_size = settings.seed, settings.trainer.batch_size
        listed = listing or list_faces(settings.data)
        self.settings, self.listing = settings, listed
        pairs, unpaired = make_pairs(
            listed.views, settings.source_yaw, settings.target_yaw, settings.mirror
        )
        _refuse_unsplit(settings, pairs)
        used = list(dict.fromkeys(view for pair in pairs for view in (pair.source, pair.target)))
        pixels, faults = load_images(listed.root, listed.stamps, used, settings.data, settings.size)
        pairs = [pair for pair in pairs if pair.source not in faults and pair.target not in faults]
        _refuse_unsplit(settings, pairs)
        self.left_out = (
            listed.left_out + unpaired + Counter({"photos that cannot be used": len(faults)})
        )
        self.summary = summary(settings, pairs, self.left_out)
        log.info(self.summary)
        images, row = torch.from_numpy(pixels), {view: index for index, view in enumerate(used)}
        parts = split_as_asked(settings, pairs)
        self.splits = {name: _placed(images, row, part) for name, part in zip(SPLITS, parts)}

    def setup(self, stage: str) -> None:
        """Put the faces on the device once; batches are then only indexed."""
        if self.trainer is not None:
            self.to(self.trainer.strategy.root_device)

    def to(self, device: torch.device) -> None:
        """Put the faces on a device."""
        images = self.splits["train"].images.to(device)
        self.splits = {name: replace(pairs, images=images) for name, pairs in self.splits.items()}

    def train_dataloader(self) -> DataLoader[Batch]:
        """The training faces in the order of the epoch."""
        trainer = self.trainer
        share = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        order = EpochOrder(len(self.splits["train"]), self.batch_size, self.seed, *share)
        return DataLoader(self.splits["train"], sampler=order, batch_size=None)

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        """Train and test faces, in the order of SPLITS."""
        return [self._in_order(name) for name in SPLITS]

    test_dataloader = val_dataloader

    def _in_order(self, split: str) -> DataLoader[Batch]:
        """All faces of a split in evaluation batches, always the same."""
        pairs = self.splits[split]
        count = evaluation_batch(pairs.images.shape[-1])
        batches = torch.split(torch.arange(len(pairs)), count)
        return DataLoader(pairs, sampler=batches, batch_size=None)

    def batches(self, split: str) -> Iterator[Batch]:
        """All faces of a split in evaluation batches, as floats in [0, 1]."""
        for batch in self._in_order(split):
            yield self.on_after_batch_transfer(batch, 0)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Bytes -> floats in [0, 1], on the device."""
        return to_unit(batch[0]), to_unit(batch[1])

    def people(self, split: str) -> pd.DataFrame:
        """Who is shown, a row a face: person, session, yaw of the input in degrees, mirrored."""
        rows = [
            (pair.person, " ".join(filter(None, pair.source.session)), pair.yaw, pair.flip)
            for pair in self.splits[split].pairs
        ]
        people: pd.DataFrame = pd.DataFrame(rows, columns=["person", "session", "yaw", "mirrored"])
        return people

    def galleries(self, background: str | None = None) -> dict[str, Gallery]:
        """The persons of each split at every yaw; before that background where one is named.

        Raises SettingsError where a view cannot be read.
        """
        persons = {
            split: {pair.person for pair in pairs.pairs} for split, pairs in self.splits.items()
        }
        found = open_galleries(self.settings, self.listing, persons, background)
        return {split: one.to(self.splits[split].images.device) for split, one in found.items()}

    def baselines(self) -> dict[str, float]:
        """Test MSE of two answers that need no network: the input, and the mean training face."""
        mean_face = torch.stack([y.double().sum(0) for _, y in self.batches("train")]).sum(0)
        mean_face = (mean_face / len(self.splits["train"])).float()
        copying, mean = 0.0, 0.0
        for source, target in self.batches("test"):
            copying += (source - target).square().mean((1, 2, 3)).sum().item()
            mean += (mean_face - target).square().mean((1, 2, 3)).sum().item()
        count = len(self.splits["test"])
        return {"copy_input": copying / count, "mean_face": mean / count}


def _placed(images: Tensor, row: Mapping[View, int], pairs: Sequence[Pair]) -> PairTensors:
    """The pairs among the images, whose rows are known by view."""
    rows = [[row[pair.source] for pair in pairs], [row[pair.target] for pair in pairs]]
    flipped = torch.tensor([pair.flip for pair in pairs])
    return PairTensors(pairs, images, torch.tensor(rows), flipped if flipped.any() else None)


def _refuse_unsplit(settings: Settings, pairs: Sequence[Pair]) -> None:
    parts = split_as_asked(settings, pairs)
    for name, part in zip(SPLITS, parts):
        if not part:
            raise SettingsError(
                f"data={settings.data.name} gives no {name} pairs: change source_yaw, "
                f"test_fraction={settings.test_fraction:g} or split_seed={settings.split_seed}; "
                "python -m facerot.data.check shows what was found"
            )
    too_few = too_few_persons(settings, pairs)
    if too_few is not None:
        raise SettingsError(f"data={settings.data.name}: {too_few}")
