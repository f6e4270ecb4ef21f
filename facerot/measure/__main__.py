"""The command `python -m facerot.measure`: the finished runs of a study, measured again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import Timeout

from facerot.command import command
from facerot.config import DEVICES, FILLS, Latents, Settings, require_fills, require_threads
from facerot.errors import SettingsError, first_few, one_line, require, require_choice
from facerot.measure.analyses import lacking
from facerot.runs.run import Run
from facerot.runs.study import run_folders
from facerot.threads import threads_for


@dataclass
class Measure:
    """What is measured of which study; see conf/measure.yaml."""

    study: str
    outputs: str
    fills: list[str] | None
    root: str | None
    device: str
    threads: int | None

    def __post_init__(self) -> None:
        if self.fills is not None:
            require(len(self.fills) > 0, "fills=[] is empty: write fills=[zero]")
            require_fills("fills", self.fills)
        require_choice("device", self.device, DEVICES)
        require_threads(self.threads)

    def of_run(self, made_with: Settings) -> Settings:
        """The settings of a run, as far as nothing else is asked for here."""
        data = replace(made_with.data, root=self.root or made_with.data.root)
        trainer = replace(made_with.trainer, device=self.device)
        latents = Latents(self.fills or made_with.latents.fills or list(FILLS))
        threads = threads_for(self.threads, jobs=1)
        return replace(made_with, data=data, trainer=trainer, latents=latents, threads=threads)


def measure(asked: Measure) -> None:
    """Measure what is lacking of every finished run of a study.

    Raises SettingsError, once the others are measured, naming the runs that could not be.
    """
    faults = []
    for folder in run_folders(Path(asked.outputs), asked.study):
        try:
            for line in measure_run(Run(folder), asked):
                print(line, flush=True)
        except Timeout:
            faults.append(f"{folder.name}: another process is working on it")
        except (SettingsError, OSError) as error:
            faults.append(f"{folder.name}: {one_line(error)}")
    if faults:
        raise SettingsError(f"{len(faults)} runs were not measured: {first_few(faults)}")


def measure_run(run: Run, asked: Measure) -> Iterator[str]:
    """Measure one run, saying what is done and why; raises Timeout where another process has it."""
    with run.lock():
        made_with = run.settings()
        if run.metrics() is None or made_with is None:
            yield f"{run.folder}: not finished, left alone"
            return
        settings = asked.of_run(made_with)
        reasons = lacking(run, settings)
        if not reasons:
            yield f"{run.folder}: measured already"
            return
        from facerot.measure.again import measure_again  # torch takes seconds: only for work

        measure_again(run, settings)
        for analysis, why in reasons.items():
            yield f"{run.folder}: {analysis.name} measured ({why})"


main = command("measure", Measure, measure)

if __name__ == "__main__":
    main()
