"""A study as it lies on disk: its finished runs as tables of numbers, and what is not finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from yaml import YAMLError

from facerot.config import SPLITS, SettingsError, one_line
from facerot.latents import LATENTS, keep_label
from facerot.paper import BASELINE, SETS
from facerot.runs import NOT_COMPARED, Run

SCORES = ("mse", "ssim", "psnr")
REPORTED = ("baselines", "epochs", "seconds", "versions", "git_commit", "device")
ASKED_PER_RUN = ("concats", "seed")  # what runs of one study may differ in
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, YAMLError)


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run and its numbers."""

    folder: Path
    concats: str  # as in latents.csv: its digits, or `none`
    seed: int
    settings: dict[str, Any]  # the others, flat
    metrics: dict[str, Any]
    latents: pd.DataFrame

    @property
    def latents_of_model(self) -> tuple[int, ...]:
        """The latents that reach its decoder."""
        return (*self.metrics["concats"], LATENTS[-1])


@dataclass(frozen=True)
class LeftOut:
    """A run that the study cannot use, and why."""

    name: str
    status: str  # failed, unfinished, unreadable, or other settings
    reason: str


@dataclass(frozen=True)
class Study:
    """Runs that can be compared: equal settings but for Concats and seed, and the same faces."""

    name: str
    folder: Path
    runs: tuple[Finished, ...]
    left_out: tuple[LeftOut, ...]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """mse, ssim and psnr by (concats, split, seed)."""
        rows = [
            (run.concats, split, run.seed, *(run.metrics[split][name] for name in SCORES))
            for run in self.runs
            for split in SPLITS
        ]
        frame = pd.DataFrame(rows, columns=["concats", "split", "seed", *SCORES])
        table: pd.DataFrame = frame.set_index(["concats", "split", "seed"]).sort_index()
        return table

    @cached_property
    def latents(self) -> pd.Series:
        """The values of every latents.csv, fill `zero`, by what they belong to."""
        index = ["concats", "split", "probe", "keep", "score", "seed"]
        frames = [run.latents.assign(concats=run.concats, seed=run.seed) for run in self.runs]
        whole = pd.concat(frames) if frames else pd.DataFrame(columns=[*index, "fill", "value"])
        values: pd.Series = whole[whole["fill"] == "zero"].set_index(index)["value"].sort_index()
        return values

    def mse(self, concats: str, split: str) -> pd.Series:
        """The MSE of a model, by seed; empty where it has no finished run."""
        return _select(self.metrics["mse"], (concats, split))

    def score(
        self, name: str, keep: str, split: str, probe: str = "rgb", concats: str = BASELINE
    ) -> pd.Series:
        """A score of latents.csv, by seed; empty where no finished run has it."""
        return _select(self.latents, (concats, split, probe, keep, name))

    @property
    def models(self) -> list[str]:
        """The sets of Concats with a finished run: the paper's in its order, then the others."""
        return list(dict.fromkeys(run.concats for run in self.runs))

    def of(self, concats: str) -> list[Finished]:
        """The finished runs of one model, by seed."""
        return [run for run in self.runs if run.concats == concats]

    def seeds(self, concats: str) -> list[int]:
        """The seeds that a model has finished."""
        return [run.seed for run in self.of(concats)]


def _select(values: pd.Series, key: tuple[str, ...]) -> pd.Series:
    try:
        found: pd.Series = values.loc[key]
        return found
    except KeyError:
        return pd.Series(dtype=float, index=pd.Index([], name="seed"))


def read_study(outputs: Path, name: str) -> Study:
    """Read every run folder of `outputs`/`name`; trains nothing.

    Where settings differ within the study, the largest group that agrees is used.

    Raises SettingsError where there is no run at all.
    """
    folder = outputs / name
    folders = sorted(path.parent for path in folder.glob("[!.]*/status.json"))
    if not folders:
        raise SettingsError(f"{folder} holds no runs: {_studies(outputs)}")
    found = [read_run(path) for path in folders]
    finished = [run for run in found if isinstance(run, Finished)]
    groups = Counter(_comparable(run) for run in finished)
    largest = max(groups, key=lambda group: groups[group], default=None)
    runs = [run for run in finished if _comparable(run) == largest]
    others = [_other(run, runs[0]) for run in finished if _comparable(run) != largest]
    left_out = [run for run in found if isinstance(run, LeftOut)] + others
    return Study(
        name,
        folder,
        tuple(sorted(runs, key=_in_paper_order)),
        tuple(sorted(left_out, key=lambda run: run.name)),
    )


def read_run(folder: Path) -> Finished | LeftOut:
    """One run folder, whatever is in it."""
    run = Run(folder)
    try:
        metrics = run.metrics()
        if metrics is None:
            status, error = run.status()["status"], run.status().get("error")
            unfinished = "still running, or stopped: the same command goes on with it"
            known = status if status == "failed" else "unfinished"
            return LeftOut(folder.name, known, error or unfinished)
        settings = run.settings()
        latents = pd.read_csv(folder / "latents.csv", dtype={"keep": str}, keep_default_na=False)
        latents["value"] = latents["value"].astype(float)
        concats, seed = keep_label(tuple(settings["concats"])), int(settings["seed"])
        _ = [metrics[split][name] for split in SPLITS for name in SCORES]
        _ = [metrics[name] for name in REPORTED], metrics["faces"]["fingerprint"]
    except UNREADABLE as error:
        return LeftOut(folder.name, "unreadable", f"{one_line(error)}: run it with force=true")
    rest = {
        key: value for key, value in settings.items() if key not in (*NOT_COMPARED, *ASKED_PER_RUN)
    }
    return Finished(folder, concats, seed, rest, metrics, latents)


def _in_paper_order(run: Finished) -> tuple[int, str, int]:
    place = SETS.index(run.concats) if run.concats in SETS else len(SETS)
    return place, run.concats, run.seed


def _comparable(run: Finished) -> tuple[Any, ...]:
    """What must be equal in two runs that are compared."""
    return run.metrics["faces"]["fingerprint"], tuple(sorted(map(str, run.settings.items())))


def _other(run: Finished, used: Finished) -> LeftOut:
    keys = sorted(run.settings.keys() | used.settings.keys())
    differ = [
        f"{key}={run.settings.get(key)} instead of {used.settings.get(key)}"
        for key in keys
        if run.settings.get(key) != used.settings.get(key)
    ]
    reason = ", ".join(differ) or "other faces"
    return LeftOut(run.folder.name, "other settings", f"{reason}: give it a study=NAME of its own")


def _studies(outputs: Path) -> str:
    names = sorted({path.parts[-3] for path in outputs.glob("*/[!.]*/status.json")})
    if not names:
        return "train first, for example python -m facerot.train +experiment=table1"
    return f"studies there: {', '.join(names)}; write study=NAME"
