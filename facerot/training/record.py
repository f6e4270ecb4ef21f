"""What a run notes of itself while it goes on: its losses, and what its time went to."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd

from facerot.runs.files import write_whole
from facerot.runs.metrics import CURVES, PARTS, is_settled

Point = dict[str, float]


class Record(L.Callback):
    """Notes that checkpoints keep, so that a resumed run knows what was before.

    Attributes:
        curve: of each epoch what CURVES names: the loss, and the errors where it was evaluated.
        seconds: of each of PARTS; every moment since this was made belongs to one of them.
    """

    def __init__(self) -> None:
        self.curve: list[Point] = []
        self.evaluated = False
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self.part, self.since = "training", time.monotonic()

    def turn_to(self, part: str) -> None:
        """Count what comes now for this part."""
        now = time.monotonic()
        self.seconds[self.part] += now - self.since
        self.part, self.since = part, now

    def seconds_so_far(self) -> dict[str, float]:
        """The seconds of each part, to hundredths."""
        self.turn_to(self.part)
        return {part: round(seconds, 2) for part, seconds in self.seconds.items()}

    def is_settled(self, epochs: int) -> bool | None:
        """See `metrics.is_settled`; None where an older version trained some of the epochs."""
        losses = [point["loss"] for point in self.curve]
        return is_settled(losses) if len(losses) == epochs else None

    def write_curve(self, path: Path, epochs: int) -> None:
        """The curve as CSV, a row an epoch; nothing where an older version trained some of them."""
        if len(self.curve) == epochs:
            table = pd.DataFrame(self.curve, columns=list(CURVES))
            table.insert(0, "epoch", range(1, epochs + 1))
            write_whole(path, partial(table.to_csv, index=False, lineterminator="\n"))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the epoch; Lightning keeps the errors of the last evaluation until the next."""
        known = CURVES if self.evaluated else CURVES[:1]
        self.curve.append({tag: trainer.callback_metrics[tag].item() for tag in known})
        self.evaluated = False

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Evaluation begins, while training or of the finished network."""
        self.turn_to("evaluation")

    on_test_start = on_validation_start

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Training goes on."""
        self.evaluated = True
        self.turn_to("training")

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The callbacks after this one measure."""
        self.turn_to("measuring")

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        self.turn_to(self.part)
        return {"curve": self.curve, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint has kept."""
        self.curve = list(state_dict.get("curve", ()))
        for part, seconds in state_dict["seconds"].items():
            self.seconds[part] += seconds
