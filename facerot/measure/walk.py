"""The finished runs of a study, one by one: what `facerot.measure` and `facerot.analyse` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import Timeout

from facerot.config import DEVICES, Settings, require_threads
from facerot.errors import SettingsError, first_few, one_line, require_choice
from facerot.runs.run import Run
from facerot.runs.study import run_folders
from facerot.threads import threads_for

Work = Callable[[Run, Settings], None]


@dataclass
class Walk:
    """Which study, where its faces lie, and what computes."""

    study: str
    outputs: str
    root: str | None
    device: str
    threads: int | None

    def __post_init__(self) -> None:
        require_choice("device", self.device, DEVICES)
        require_threads(self.threads)

    def of_run(self, made_with: Settings) -> Settings:
        """The settings of a run, as far as nothing else is asked for here."""
        data = replace(made_with.data, root=self.root or made_with.data.root)
        trainer = replace(made_with.trainer, device=self.device)
        threads = threads_for(self.threads, jobs=1)
        return replace(made_with, data=data, trainer=trainer, threads=threads)


def each_run(asked: Walk, work: Work) -> dict[str, str]:
    """Do the work on every finished run of a study, each held while it is worked on.

    Args:
        asked: which runs.
        work: gets a run and its settings as they are asked for.

    Returns what went wrong, by the names of the runs; the others are done.
    """
    faults = {}
    for folder in run_folders(Path(asked.outputs), asked.study):
        try:
            _one_run(Run(folder), asked, work)
        except Timeout:
            faults[folder.name] = "another process is working on it"
        except (SettingsError, OSError) as error:
            faults[folder.name] = one_line(error)
    return faults


def refuse(faults: Mapping[str, str], done: str) -> None:
    """Raise SettingsError naming the runs that were not `done`: measured, analysed."""
    if faults:
        told = first_few([f"{name}: {fault}" for name, fault in faults.items()])
        raise SettingsError(f"{len(faults)} runs were not {done}: {told}")


def _one_run(run: Run, asked: Walk, work: Work) -> None:
    with run.lock():
        made_with = run.settings()
        if run.metrics() is None or made_with is None:
            print(f"{run.folder}: not finished, left alone", flush=True)
            return
        work(run, asked.of_run(made_with))
