"""The command `python -m facerot.analyse`: where the turn is carried and made in finished runs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from facerot.command import command
from facerot.config import Settings, read_concats
from facerot.errors import SettingsError, one_line, require, require_choice, require_unique
from facerot.measure.analyses import FURTHER, NOT_YET, Analysis, lacking
from facerot.measure.walk import Walk, fault_of, refuse
from facerot.runs.run import Run
from facerot.runs.study import Study, read_study, run_folders
from facerot.threads import cores

NAMES = [analysis.name for analysis in FURTHER]
THERE, FAILED = "there", "failed"  # what became of an analysis, where it did not take seconds
NOT_COMPARED = ("other settings", "the same run")  # runs that the report leaves out though finished


@dataclass
class Analyse(Walk):
    """Which analyses of which study; see conf/analyse.yaml."""

    only: list[str] | None
    concats: list[int] | None
    jobs: int | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.concats is not None:
            self.concats = read_concats("concats", self.concats)
        require(self.jobs is None or self.jobs >= 1, f"jobs={self.jobs} must be at least 1")
        if self.only is not None:
            require(len(self.only) > 0, f"only=[] is empty: write 'only=[{','.join(NAMES)}]'")
            for name in self.only:
                require_choice("only", name, NAMES)
            require_unique("only", self.only)

    @property
    def analyses(self) -> list[Analysis]:
        """What is asked for, in the order of FURTHER."""
        return [one for one in FURTHER if self.only is None or one.name in self.only]


@dataclass
class Row:
    """What became of the analyses of one run; a line of the closing table."""

    became: dict[str, str] = field(default_factory=dict)
    remark: str = ""
    fault: str | None = None


def analyse(asked: Analyse) -> None:
    """Do what is lacking of every finished run that the report compares; one closing table.

    Raises SettingsError, once the others are done, naming the runs that could not be.
    """
    place = Path(asked.outputs), asked.study
    study = read_study(*place)
    others = of_other_models(study, asked)
    folders = [folder for folder in run_folders(*place) if folder not in others]
    apart = {
        one.name: f"left alone, {one.status}: {one.reason}"
        for one in study.left_out
        if one.status in NOT_COMPARED
    }
    at_once = Parallel(max(1, min(asked.jobs or cores(), len(folders))))
    done = at_once(delayed(row_of)(folder, asked, apart.get(folder.name)) for folder in folders)
    rows = {folder.name: row for folder, row in zip(folders, done)}
    print("\n" + closing_table(rows, [one.name for one in asked.analyses]), flush=True)
    refuse({name: row.fault for name, row in rows.items() if row.fault}, "analysed")


def of_other_models(study: Study, asked: Analyse) -> set[Path]:
    """The folders of finished runs of models that are not asked for."""
    runs = [run for one in (study, *study.others) for run in one.runs]
    wanted = asked.concats
    return {run.folder for run in runs if wanted is not None and run.settings.concats != wanted}


def row_of(folder: Path, asked: Analyse, apart: str | None) -> Row:
    """Do what is lacking of one run, in a process that may be its own.

    Args:
        folder: of the run.
        asked: which analyses.
        apart: why the report leaves the run out; it is then left alone.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    row = Row()

    def work(run: Run, settings: Settings) -> None:
        if apart is None:
            with threadpool_limits(settings.threads):
                analyse_run(run, settings, asked.analyses, row)

    row.fault = fault_of(Run(folder), asked, work)
    row.remark = row.fault or apart or ""
    return row


def analyse_run(run: Run, settings: Settings, analyses: Sequence[Analysis], row: Row) -> None:
    """Do what is lacking of one run, and enter it; an analysis that fails leaves the others.

    Raises SettingsError where weights or faces are not those of the run, or an analysis failed.
    """
    reasons = lacking(run, settings, analyses)
    row.became = {one.name: THERE for one in analyses if one not in reasons}
    if not reasons:
        return
    from facerot.measure.again import opened, refuse_other_weights  # torch takes seconds

    network, faces = opened(run, settings)
    refuse_other_weights(run, network, faces)
    faults = []
    for analysis, why in reasons.items():
        start = time.monotonic()
        try:
            analysis.write(run, network, faces, settings)
        except SettingsError as error:
            row.became[analysis.name] = FAILED
            faults.append(f"{analysis.name}: {one_line(error)}")
            continue
        row.became[analysis.name] = f"{time.monotonic() - start:.1f} s"
        again = "" if why == NOT_YET else f" again ({why})"
        print(f"{run.folder}: {analysis.name} done{again}", flush=True)
    if faults:
        raise SettingsError("; ".join(faults))


def closing_table(rows: Mapping[str, Row], analyses: Sequence[str]) -> str:
    """A line a run: the seconds of each analysis, or what else became of it."""
    width = max((len(name) for name in rows), default=3)
    lines = ["  ".join([f"{'run':{width}}", *(f"{name:>8}" for name in analyses)])]
    for run, row in rows.items():
        cells = [f"{row.became.get(name, '-'):>{max(8, len(name))}}" for name in analyses]
        lines.append("  ".join([f"{run:{width}}", *cells, row.remark]).rstrip())
    return "\n".join(lines)


main = command("analyse", Analyse, analyse)

if __name__ == "__main__":
    main()
