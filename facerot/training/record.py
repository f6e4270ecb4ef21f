"""What a run notes of itself while it goes on: its losses, and what its time went to."""

from __future__ import annotations

import time
from typing import Any

import lightning as L

from facerot.runs.metrics import PARTS, is_settled


class Record(L.Callback):
    """Notes that checkpoints keep, so that a resumed run knows what was before.

    Attributes:
        losses: the mean loss of each epoch.
        seconds: of each of PARTS; every moment since this was made belongs to one of them.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
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
        return is_settled(self.losses) if len(self.losses) == epochs else None

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note the epoch."""
        self.losses.append(trainer.callback_metrics["loss"].item())

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Evaluation begins, while training or of the finished network."""
        self.turn_to("evaluation")

    on_test_start = on_validation_start

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Training goes on."""
        self.turn_to("training")

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The callbacks after this one measure."""
        self.turn_to("measuring")

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        self.turn_to(self.part)
        return {"losses": self.losses, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint has kept."""
        self.losses = list(state_dict["losses"])
        for part, seconds in state_dict["seconds"].items():
            self.seconds[part] += seconds
