"""Run folders made up rather than trained: what a study would look like if we knew the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import hydra
import pandas as pd

from facerot.config import CONF, SPLITS, Settings
from facerot.evidence.claims import WITHOUT
from facerot.paper import AE, BASELINE, TABLES
from facerot.runs.metrics import Metrics
from facerot.runs.study import LATENTS_COLUMNS, Finished, Study
from facerot.validate import resolve

Row = tuple[str, str, str, str, str, float]  # as in latents.csv
RGB_SCORES = (
    *("mse", "colour_kept", "front_match", "side_match", "rotation", "eye_rotation"),
    *("eye_side_match", "lowpass", "luma_front_match"),
)


@cache
def usual_settings() -> Settings:
    """The settings of a run of the embedded heads."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return resolve(hydra.compose("train", ["budget=smoke"]), Settings)


def made_up_run(
    folder: Path,
    concats: str,
    seed: int,
    mse: tuple[float, float],
    latents: Iterable[Row] = (),
    **settings: Any,
) -> Finished:
    """A finished run whose numbers are given, and its settings where they are not the usual."""
    listed = [int(k) for k in concats.replace(AE, "")]
    train, test = ({"mse": one, "ssim": 0.5, "psnr": 20.0} for one in mse)
    metrics = Metrics(
        train=train,
        test=test,
        baselines={"copy_input": 0.05, "mean_face": 0.05},
        parameters=1,
        seconds=1.0,
        seed=seed,
        concats=listed,
        data="heads",
        source_yaw=[-45.0],
        target_yaw=0.0,
        budget="smoke",
        epochs=1,
        faces={"fingerprint": "made up", "summary": "made up"},
        versions={"facerot": "0"},
        git_commit=None,
        device="cpu",
    )
    asked = replace(usual_settings(), concats=listed, seed=seed, **settings)
    table = pd.DataFrame(list(latents), columns=list(LATENTS_COLUMNS))
    return Finished(folder / f"concats-{concats}_seed-{seed}", asked, metrics, table)


def write(run: Finished) -> Path:
    """A run as `facerot.train` leaves it, but for its pictures and weights."""
    run.folder.mkdir(parents=True)
    run.metrics.write(run.folder / "metrics.json")
    (run.folder / "config.yaml").write_text(json.dumps(asdict(run.settings)))
    (run.folder / "status.json").write_text(json.dumps({"status": "finished"}))
    run.latents.to_csv(run.folder / "latents.csv", index=False, na_rep="nan")
    return run.folder


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
                self.set(split, "mosaic", keep, "edges_found", 1.0)
                for channel in "rgb":
                    self.set(split, channel, keep, f"mixing_{channel}{channel}", 0.99)

    def set(
        self, split: str, probe: str, keep: str, score: str, values: float | Sequence[float]
    ) -> None:
        """One score, the same for all seeds or a value for each."""
        listed = [values] * self.seeds if isinstance(values, float) else values
        self.scores[split, probe, keep, score] = listed

    def runs(self, folder: Path) -> Iterator[Finished]:
        """The runs of this world, as if they lay in `folder`."""
        for seed in range(self.seeds):
            for concats in dict.fromkeys(concats for concats, _ in self.mse):
                latents = [
                    (split, probe, keep, "zero", score, values[seed])
                    for (split, probe, keep, score), values in self.scores.items()
                    if concats == BASELINE
                ]
                mse = (self.mse[concats, "train"][seed], self.mse[concats, "test"][seed])
                yield made_up_run(folder, concats, seed, mse, latents)

    def study(self) -> Study:
        """The study of those runs."""
        return Study("made-up", Path("made-up"), tuple(self.runs(Path("made-up"))), ())
