"""A sweep: what became of each of its jobs, and the table that it ends with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from facerot.runs.files import read_json, write_json

STATUSES = ("trained", "resumed", "skipped", "failed")


@dataclass(frozen=True)
class Outcome:
    """What became of one job of a sweep."""

    run: str
    status: str  # trained, resumed, skipped, missing (the faces of a spec) or failed
    train_mse: float | None = None
    test_mse: float | None = None
    seconds: float = 0.0
    error: str | None = None


def record_outcome(folder: Path, outcome: Outcome) -> None:
    """Leave word of a sweep's job for the closing table."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "outcome.json", asdict(outcome))


class ClosingTable(Callback):
    """Ends a sweep with what ran, was skipped and failed; exit code 1 where a job failed."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table of all jobs."""
        folders = sorted(Path(config.hydra.sweep.dir).glob("*/outcome.json"), key=_job_number)
        outcomes = [Outcome(**(read_json(path) or {})) for path in folders]
        print("\n" + closing_table(outcomes))
        if any(outcome.status == "failed" for outcome in outcomes):
            raise SystemExit(1)


def _job_number(path: Path) -> int:
    return int(path.parent.name)


def closing_table(outcomes: list[Outcome]) -> str:
    """One line a job, then how many ended in which way."""
    width = max((len(outcome.run) for outcome in outcomes), default=3)
    lines = [f"{'run':{width}}  status   train MSE  test MSE  seconds"]
    for outcome in outcomes:
        values = (outcome.train_mse, outcome.test_mse)
        train, test = ("-" if value is None else f"{value:.4f}" for value in values)
        line = f"{outcome.run:{width}}  {outcome.status:7}  {train:>9}  {test:>8}"
        lines.append(f"{line}  {outcome.seconds:7.0f}  {outcome.error or ''}".rstrip())
    counts = dict.fromkeys(STATUSES, 0)
    for outcome in outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    return "\n".join([*lines, ", ".join(f"{n} {status}" for status, n in counts.items())])
