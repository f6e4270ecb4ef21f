"""A sweep: what became of each of its jobs, and the table that it ends with."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from facerot import interrupt
from facerot.errors import SettingsError
from facerot.runs.files import read_json, write_json
from facerot.runs.watch import RUNNING, Watch, write_into
from facerot.threads import cores

SERIAL = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
ALL = -1  # jobs at once: as many as there are cores
STATUSES = ("trained", "resumed", "skipped", "failed")  # counted even where there are none
LEGEND = (
    "MSE: the squared difference of output and target view, black 0 and white 1, averaged over "
    "pixels and faces; test: persons kept aside"
)
BY_SIGNAL = INTERRUPTED, NOT_STARTED = "interrupted", "not started"


@dataclass(frozen=True)
class Outcome:
    """What became of one job of a sweep."""

    run: str
    status: str  # of STATUSES or BY_SIGNAL, or missing (the faces of a spec)
    train_mse: float | None = None
    test_mse: float | None = None
    seconds: float = 0.0
    error: str | None = None
    remark: str | None = None  # of a run that ended well


class ClosingTable(Callback):
    """Ends a sweep with what became of each job; exit code 1 where one failed or left no word.

    Jobs leave word with this object; where a launcher runs them in other processes, in a file.
    """

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.jobs: list[str] = []
        self.process: int | None = None
        self.watch: Watch | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Count the jobs, and give their words one folder, whatever the sweep goes through."""
        self.process = os.getpid()
        with suppress(HydraException, OmegaConfBaseException, OSError):  # Hydra meets and tells it
            self.jobs = jobs_of(config)
            folder = QuotedString(str(config.hydra.sweep.dir), Quote.single).with_quotes()
            with read_write(config), open_dict(config):
                config.hydra.overrides.hydra.append(f"hydra.sweep.dir={folder}")
                spread(config, len(self.jobs))
            for path in Path(config.hydra.sweep.dir).glob("[0-9]*.*"):
                path.unlink()  # the words of an earlier sweep into the same folder
        if self.jobs:
            print(beginning(len(self.jobs), config.hydra.launcher), flush=True)
            if config.hydra.launcher._target_ != SERIAL:
                self.watch = Watch(Path(config.hydra.sweep.dir), len(self.jobs))

    def __getstate__(self) -> dict[str, Any]:
        """What the processes of a sweep get: none of them watches the others."""
        return {**vars(self), "watch": None}

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """A job in a process of its own says that it has begun, and what it says is kept."""
        if os.getpid() == self.process or OmegaConf.is_missing(config.hydra.job, "num"):
            return
        folder, number = Path(config.hydra.sweep.dir), config.hydra.job.num
        with suppress(OSError):  # the disk may be full
            if parent_process() is not None:
                write_into(folder / f"{number}.log")
            if not is_follower():
                begun = Outcome(" ".join(config.hydra.overrides.task), RUNNING)
                write_json(folder / f"{number}.json", asdict(begun))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Take a job's word; where a signal ended it, the sweep ends here."""
        outcome = job_return.return_value
        if not isinstance(outcome, Outcome) or OmegaConf.is_missing(config.hydra.job, "num"):
            return
        number = config.hydra.job.num
        self.outcomes[number] = outcome
        with suppress(OSError):  # the disk may be full
            if not is_follower():
                write_json(Path(config.hydra.sweep.dir, f"{number}.json"), asdict(outcome))
        if outcome.status in BY_SIGNAL and os.getpid() == self.process:
            self.end(config)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """The table of all jobs."""
        self.end(config)

    def end(self, config: DictConfig) -> None:
        """Print the table, and exit where not all is well."""
        if self.watch is not None:
            self.watch.stop()
        outcomes = self._all_outcomes(Path(config.hydra.sweep.dir))
        print("\n" + closing_table(outcomes), flush=True)
        ended, signal = {outcome.status for outcome in outcomes}, interrupt.asked()
        if signal is not None and ended & {*BY_SIGNAL}:
            raise SystemExit(interrupt.exit_code(signal))
        if ended & {"failed", *BY_SIGNAL}:  # a signal that only a job got
            raise SystemExit(1)

    def _all_outcomes(self, folder: Path) -> list[Outcome]:
        """Those of this process, those that others left word of, and the jobs without a word."""
        found = dict(self.outcomes)
        for path in folder.glob("[0-9]*.json"):
            with suppress(SettingsError, TypeError, ValueError):
                outcome = Outcome(**(read_json(path) or {}))
                if outcome.status != RUNNING:
                    found.setdefault(int(path.stem), outcome)
        for number, job in enumerate(self.jobs):
            silent = Outcome(job, "failed", error=f"its process ended without a word; see {folder}")
            missing = Outcome(job, NOT_STARTED) if interrupt.asked() else silent
            found.setdefault(number, missing)
            if found[number].status == NOT_STARTED:  # it may not know its short name
                found[number] = replace(found[number], run=job)
        return [found[number] for number in sorted(found)]


def is_follower() -> bool:
    """Whether this is one of several processes of a run, and not the one that holds it."""
    return any(int(os.environ.get(name, 0)) for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))


def jobs_of(config: DictConfig) -> list[str]:
    """What each job of a sweep has for itself, in order; none where the sweeper is not Hydra's."""
    hydra: Any = OmegaConf.to_container(config.hydra, resolve=False)  # overrides as they are
    if not hydra["sweeper"]["_target_"].endswith(".BasicSweeper"):
        return []
    swept = [f"{name}={values}" for name, values in (hydra["sweeper"].get("params") or {}).items()]
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    overrides = parser.parse_overrides([*swept, *hydra["overrides"]["task"]])
    (jobs,) = BasicSweeper.split_arguments(overrides, None)
    shared = set(jobs[0]).intersection(*jobs)
    return [" ".join(word for word in job if word not in shared) or "defaults" for job in jobs]


def spread(config: DictConfig, jobs: int) -> None:
    """Give the cores to the jobs of a sweep, unless its launcher has been told how many at once.

    One at once needs no process of its own.
    """
    launcher, asked = config.hydra.launcher, config.get("jobs")
    if launcher.get("n_jobs") != ALL:
        return
    wanted = asked if isinstance(asked, int) and asked > 0 else cores()
    launcher.n_jobs = min(wanted, jobs) if jobs else wanted
    config.hydra.overrides.hydra.append(f"hydra.launcher.n_jobs={launcher.n_jobs}")
    if launcher.n_jobs == 1:
        config.hydra.launcher = {"_target_": SERIAL}


def beginning(runs: int, launcher: DictConfig) -> str:
    """What a sweep starts with: how many runs, and how many of them at once where that is known."""
    at_once = 1 if launcher._target_ == SERIAL else launcher.get("n_jobs")
    if runs == 1 or at_once is None:
        return f"{runs} run{'s' * (runs > 1)}"
    return f"{runs} runs, {f'{at_once} at once' if at_once > 1 else 'one after the other'}"


def closing_table(outcomes: list[Outcome]) -> str:
    """One line a job, then how many ended in which way."""
    width = max((len(outcome.run) for outcome in outcomes), default=3)
    status = max([7, *(len(outcome.status) for outcome in outcomes)])
    lines = [f"{'run':{width}}  {'status':{status}}  train MSE  test MSE  seconds"]
    for outcome in outcomes:
        values = (outcome.train_mse, outcome.test_mse)
        train, test = ("-" if value is None else f"{value:.4f}" for value in values)
        line = f"{outcome.run:{width}}  {outcome.status:{status}}  {train:>9}  {test:>8}"
        told = outcome.error or outcome.remark or ""
        lines.append(f"{line}  {outcome.seconds:7.0f}  {told}".rstrip())
    counts = dict.fromkeys(STATUSES, 0)
    for outcome in outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    explained = [LEGEND] if any(outcome.test_mse is not None for outcome in outcomes) else []
    counted = ", ".join(f"{n} {status}" for status, n in counts.items())
    return "\n".join([*lines, *explained, counted])
