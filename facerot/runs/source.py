"""Where a trained network is: what the commands that use one are told. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerot.errors import SettingsError
from facerot.runs.run import Run


@dataclass
class Source:
    """A run's folder, or one of the two files in it that hold the network."""

    run: str | None
    checkpoint: str | None
    weights: str | None

    def __post_init__(self) -> None:
        if sum(map(bool, (self.run, self.checkpoint, self.weights))) != 1:
            raise SettingsError(
                "name the network, by one of run=outputs/STUDY/RUN, "
                "checkpoint=.../checkpoints/last.ckpt and weights=.../weights.safetensors"
            )

    @property
    def file(self) -> Path:
        """The file that holds the network; raises SettingsError where a run's folder has none."""
        if not self.run:
            return Path(str(self.checkpoint or self.weights)).expanduser()
        run = Run(Path(self.run).expanduser())
        for path in (run.weights, run.checkpoint):
            if path.is_file():
                return path
        raise SettingsError(
            f"run={self.run}: no folder of a run, which has a weights.safetensors or a "
            "checkpoints/last.ckpt"
        )

    @property
    def is_checkpoint(self) -> bool:
        """Whether the file is a checkpoint."""
        return self.file.parent.name == "checkpoints" if self.run else bool(self.checkpoint)

    @property
    def folder(self) -> Path:
        """The folder of the run, as far as the file lies in one."""
        return self.file.parent.parent if self.is_checkpoint else self.file.parent
