"""The finished runs of a study, one by one: what `facerot.measure` and `facerot.analyse` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import Timeout

from facerot import progress
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
    """Do the work on every finished run of a study; what went wrong, by the names of the runs."""
    folders = run_folders(Path(asked.outputs), asked.study)
    faults = {folder.name: fault_of(Run(folder), asked, work) for folder in folders}
    return {name: fault for name, fault in faults.items() if fault is not None}


def fault_of(run: Run, asked: Walk, work: Work) -> str | None:
    """Do the work on a run, which is held meanwhile, if it is finished; what went wrong.

    Args:
        run: the folder.
        asked: what is computed with.
        work: gets the run and its settings as they are asked for.
    """
    try:
        with run.held(wait=False), progress.of(str(run.folder)):
            made_with = run.settings()
            if run.metrics() is None or made_with is None:
                print(f"{run.folder}: not finished, left alone", flush=True)
            else:
                work(run, asked.of_run(made_with))
    except Timeout:
        return "another process is working on it"
    except (SettingsError, OSError) as error:
        return one_line(error)
    return None


def refuse(faults: Mapping[str, str], done: str) -> None:
    """Raise SettingsError naming the runs that were not `done`: measured, analysed."""
    if faults:
        told = first_few([f"{name}: {fault}" for name, fault in faults.items()])
        raise SettingsError(f"{len(faults)} runs were not {done}: {told}")
