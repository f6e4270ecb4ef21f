"""Run folders made up rather than trained: what a study would look like if we knew the answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facerot.callbacks import LATENTS_HEADER
from facerot.claims import WITHOUT
from facerot.config import SPLITS
from facerot.paper import AE, BASELINE, TABLES
from facerot.study import Study, read_study

Row = tuple[str, str, str, str, str, float]  # as in latents.csv
RGB_SCORES = (
    *("mse", "colour_kept", "front_match", "side_match", "rotation", "eye_rotation"),
    *("eye_side_match", "lowpass", "luma_front_match"),
)


def write_run(
    study: Path,
    concats: str,
    seed: int,
    mse: tuple[float, float],
    latents: Iterable[Row] = (),
    **settings: Any,
) -> Path:
    """A finished run as `facerot.train` leaves it, but for its pictures and weights."""
    folder = study / f"concats-{concats}_seed-{seed}{''.join(map(str, settings.values()))}"
    folder.mkdir(parents=True)
    listed = [int(k) for k in concats.replace(AE, "")]
    metrics = {
        **{split: {"mse": one, "ssim": 0.5, "psnr": 20.0} for split, one in zip(SPLITS, mse)},
        "baselines": {"copy_input": 0.05, "mean_face": 0.05},
        "concats": listed,
        "seed": seed,
        "seconds": 1.0,
        "epochs": 1,
        "faces": {"fingerprint": "made up", "summary": "made up"},
        "versions": {"facerot": "0"},
        "git_commit": None,
        "device": "cpu",
    }
    config = {"concats": listed, "seed": seed, "budget": "smoke", **settings}
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "status.json").write_text(json.dumps({"status": "finished"}))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with (folder / "latents.csv").open("w", newline="") as file:
        csv.writer(file).writerows([LATENTS_HEADER, *latents])
    return folder


@dataclass
class World:
    """Numbers for every run of the paper, by seed; to begin with those that the paper prints.

    Attributes:
        mse: (concats, split) -> a value a seed.
        scores: (split, probe, keep, score) -> a value a seed, of the Baseline.
    """

    seeds: int
    mse: dict[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    scores: dict[tuple[str, str, str, str], Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in TABLES.values():
            for concats, printed in table.mse.items():
                for split, value in zip(SPLITS, printed):
                    self.mse[concats, split] = [value] * self.seeds
        keeps = ["12345", *WITHOUT.values(), *"12345"]
        for split in SPLITS:
            for keep in keeps:
                for score in RGB_SCORES:
                    self.set(split, "rgb", keep, score, 0.5)
            for keep in ("12345", *WITHOUT.values()):
                self.set(split, "mosaic", keep, "tile_purity", 0.99)
                self.set(split, "mosaic", keep, "boundary_shift", 0.1)
                for channel in "rgb":
                    self.set(split, channel, keep, f"leakage_{channel}{channel}", 0.99)

    def set(
        self, split: str, probe: str, keep: str, score: str, values: float | Sequence[float]
    ) -> None:
        """One score, the same for all seeds or a value for each."""
        listed = [values] * self.seeds if isinstance(values, float) else values
        self.scores[split, probe, keep, score] = listed

    def study(self, folder: Path) -> Study:
        """The runs of this world, written and read again."""
        for seed in range(self.seeds):
            for concats in {concats for concats, _ in self.mse}:
                latents = [
                    (split, probe, keep, "zero", score, values[seed])
                    for (split, probe, keep, score), values in self.scores.items()
                    if concats == BASELINE
                ]
                mse = (self.mse[concats, "train"][seed], self.mse[concats, "test"][seed])
                write_run(folder / "made-up", concats, seed, mse, latents)
        return read_study(folder, "made-up")
