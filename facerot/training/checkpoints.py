"""Checkpoints that survive: written beside their place, and the one before kept until the end."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from facerot.errors import reason
from facerot.runs.files import write_whole
from facerot.runs.run import Run


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint so that at every instant a whole one lies there, this or the one before.

    Lightning's own goes through the temporary folder: a copy, where that is another file system.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write it beside its place, wait for the disk, move the one before, rename."""
        path, buffer = Path(path), io.BytesIO()
        torch.save(checkpoint, buffer)  # in memory: what a full disk provokes is then an OSError
        path.parent.mkdir(parents=True, exist_ok=True)

        def write(beside: Path) -> None:
            with beside.open("wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                os.replace(path, before(path))

        write_whole(path, write)


def before(path: Path) -> Path:
    """Where the checkpoint before the one at `path` lies."""
    return path.with_name("previous.ckpt")


def newest(run: Run) -> tuple[Path | None, int]:
    """The newest whole checkpoint of a run and its optimiser steps; None and 0 where there is none.

    Of one that cannot be read it is said what is used in its place.
    """
    places = (run.checkpoint, before(run.checkpoint))
    for path in (place for place in places if place.is_file()):
        try:
            saved = torch.load(path, weights_only=True, map_location="cpu")
            return path, int(saved["global_step"])
        except Exception as error:  # whatever a file that is something else provokes in torch
            print(f"{path} cannot be read ({reason(error)[:200]}): goes on from the one before it, "
                  "or from the start", flush=True)  # fmt: skip
    return None, 0
