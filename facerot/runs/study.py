"""A study as it lies on disk: its finished runs as tables of numbers, and what is not finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from facerot.config import DEFAULT_SPEC, FILLS, SPLITS, Settings, what_trains
from facerot.errors import SettingsError, one_line, printable, reason
from facerot.latents import IN_FACE, IN_FRAME, LATENTS, keep_label
from facerot.paper import BASELINE, SETS
from facerot.reading import MOST_TABLE, read_bytes
from facerot.runs.files import read_json, refuse_changed
from facerot.runs.metrics import QUALITY, Metrics
from facerot.runs.run import Run, differences, study_folder

KEY = ("split", "probe", "keep", "fill", "score")  # what a value of latents.csv belongs to
LATENTS_COLUMNS = (*KEY, "value")
ASKED_PER_RUN = ("concats", "seed", "split_seed")  # what runs of one study may differ in
LABELS = dict.fromkeys(
    ("keep", "patched", "donor", "added"), str
)  # columns of text that reads as numbers


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run and its numbers."""

    folder: Path
    settings: Settings
    metrics: Metrics
    latents: pd.DataFrame

    @property
    def concats(self) -> str:
        """Its set of Concats, by its label."""
        return keep_label(self.settings.concats)

    @property
    def seed(self) -> int:
        """Of its initial weights and order of faces."""
        return self.settings.seed

    @property
    def latents_of_model(self) -> tuple[int, ...]:
        """The latents that reach its decoder."""
        return (*self.settings.concats, LATENTS[-1])

    @property
    def comparable(self) -> tuple[Any, ...]:
        """What must be equal in two runs that are compared."""
        asked = what_trains(self.settings).items()
        shared = sorted((key, str(value)) for key, value in asked if key not in ASKED_PER_RUN)
        return self.metrics.fingerprint, *shared


@dataclass(frozen=True)
class LeftOut:
    """A run that the study cannot use, and why."""

    name: str
    status: str  # failed, unfinished, unreadable, other settings, the same run
    reason: str


@dataclass(frozen=True)
class Study:
    """Runs that can be compared: trained alike but for Concats and seed, on the same faces.

    The split is the same in all, or each seed has its own: `split_seed` is then the seed.
    """

    name: str
    folder: Path
    runs: tuple[Finished, ...]
    left_out: tuple[LeftOut, ...]
    others: tuple[Study, ...] = ()  # the same of other specs
    fill: str = "zero"  # what silenced latents are in what `score` reads
    region: str = IN_FRAME  # where the scores are taken that `score` reads

    @property
    def spec(self) -> str:
        """How its runs set what the paper does not name: a name in conf/spec."""
        return _spec_of(self.runs) if self.runs else DEFAULT_SPEC

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """mse, ssim and psnr by (concats, split, seed)."""
        rows = [
            (run.concats, split, run.seed, *(getattr(run.metrics, split)[name] for name in QUALITY))
            for run in self.runs
            for split in SPLITS
        ]
        frame = pd.DataFrame(rows, columns=["concats", "split", "seed", *QUALITY])
        table: pd.DataFrame = frame.set_index(["concats", "split", "seed"]).sort_index()
        return table

    @cached_property
    def latents(self) -> pd.Series:
        """What silencing gave under the study's fill, by what it belongs to.

        From every latents.csv, or from ablation.csv for the fills that are there.
        """
        index = ["concats", "split", "probe", "keep", "score", "seed"]
        frames = [run.latents.assign(concats=run.concats, seed=run.seed) for run in self.runs]
        if self.fill not in FILLS:
            frames = [self.further("ablation")]
        whole = pd.concat(frames) if frames else pd.DataFrame()
        whole = whole.reindex(columns=[*index, "fill", "value"])
        values: pd.Series = whole[whole["fill"] == self.fill].set_index(index)["value"].sort_index()
        return values

    def further(self, name: str) -> pd.DataFrame:
        """What NAME.csv of `facerot.analyse` says of each run that has it, with `concats`, `seed`.

        Empty where none has; a table that is damaged counts as none, and is measured again.
        """
        frames = []
        for run in self.runs:
            table = _further_of(run.folder / f"{name}.csv")
            if table is not None:
                frames.append(table.assign(concats=run.concats, seed=run.seed))
        whole: pd.DataFrame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        return whole

    def mse(self, concats: str, split: str) -> pd.Series:
        """The MSE of a model, by seed; empty where it has no finished run."""
        return _select(self.metrics["mse"], (concats, split))

    def baseline(self, name: str) -> pd.Series:
        """The test MSE of an answer that needs no network, of BASELINES, by seed."""
        values = {run.seed: run.metrics.baselines[name] for run in self.runs}
        found: pd.Series = pd.Series(values, dtype=float).rename_axis("seed").sort_index()
        return found

    def score(
        self, name: str, keep: str, split: str, probe: str = "rgb", concats: str = BASELINE
    ) -> pd.Series:
        """A score of latents.csv in the study's region, by seed; empty where no run has it."""
        return _select(self.latents, (concats, split, probe, keep, self.region + name))

    @cached_property
    def inside(self) -> Study | None:
        """The same study with its scores taken inside the face box.

        None unless every run of the Baseline has them: a claim does not mix regions.
        """
        runs = self.of(BASELINE)
        known = all((run.latents["score"] == f"{IN_FACE}rotation").any() for run in runs)
        return replace(self, region=IN_FACE) if runs and known else None

    @property
    def models(self) -> list[str]:
        """The sets of Concats with a finished run: the paper's in its order, then the others."""
        return list(dict.fromkeys(run.concats for run in self.runs))

    @property
    def unsettled(self) -> list[Finished]:
        """The runs of which it is known that they were stopped while their loss still fell."""
        return [run for run in self.runs if run.metrics.settled is False]

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


def run_folders(outputs: Path, study: str) -> list[Path]:
    """The run folders of a study, sorted; raises SettingsError where there is none."""
    folder = study_folder(outputs, study)
    folders = sorted(path.parent for path in folder.glob("[!.]*/status.json"))
    if not folders:
        raise SettingsError(f"{folder} holds no runs: {_studies(outputs)}")
    return folders


def _studies(outputs: Path) -> str:
    names = sorted({path.parts[-3] for path in outputs.glob("*/[!.]*/status.json")})
    if not names:
        return "train first, for example python -m facerot.train +experiment=table1"
    return f"studies there: {', '.join(names)}; write study=NAME"


def read_study(outputs: Path, name: str) -> Study:
    """Read every run folder of `outputs`/`name`; trains nothing.

    Runs that are trained alike but for Concats and seed belong together. Where there are several
    such groups, those of other specs stand beside the default one, `others`; of one spec, the
    largest group is used.

    Raises SettingsError where there is no run at all.
    """
    found = _of_known_contents([read_run(folder) for folder in run_folders(outputs, name)])
    groups: dict[tuple[Any, ...], list[Finished]] = {}
    for run in found:
        if isinstance(run, Finished):
            groups.setdefault(run.comparable, []).append(run)
    by_size = sorted(map(_of_one_split, groups.values()), key=len, reverse=True)
    used: dict[str, list[Finished]] = {}
    for group in by_size:
        used.setdefault(_spec_of(group), group)
    left_out = [run for run in found if isinstance(run, LeftOut)]
    for group in groups.values():
        ours = used[_spec_of(_of_one_split(group))]
        left_out += [_other(run, ours[0]) for run in group if run not in ours]
    folder = outputs / name
    studies = [_study(name, folder, group, left_out) for group in used.values()]
    studies.sort(key=lambda study: (study.spec != DEFAULT_SPEC, -len(study.runs), study.spec))
    first, *others = studies or [Study(name, folder, (), ())]
    told = tuple(sorted(left_out, key=lambda run: run.name))
    return replace(first, left_out=told, others=tuple(others))


def _of_known_contents(found: list[Finished | LeftOut]) -> list[Finished | LeftOut]:
    """The runs, those of before fingerprints told of contents with that of their later fellows.

    Where these have several, such a run stays by itself.
    """
    whole = {run.metrics.fingerprint for run in found if isinstance(run, Finished)}
    completed: list[Finished | LeftOut] = []
    for run in found:
        if isinstance(run, Finished) and "-" not in run.metrics.fingerprint:
            fellows = [one for one in whole if one.startswith(f"{run.metrics.fingerprint}-")]
            if len(fellows) == 1:
                faces = {**run.metrics.faces, "fingerprint": fellows[0]}
                run = replace(run, metrics=replace(run.metrics, faces=faces))
        completed.append(run)
    return completed


def _of_one_split(group: list[Finished]) -> list[Finished]:
    """The runs whose split is their seed, or those of the most frequent split if they are more."""
    tied = [run for run in group if run.settings.split_seed == run.seed]
    (usual, _), *_ = Counter(run.settings.split_seed for run in group).most_common(1)
    fixed = [run for run in group if run.settings.split_seed == usual]
    return tied if len(tied) > len(fixed) else fixed


def _spec_of(group: Sequence[Finished]) -> str:
    """The spec that most of the runs name: a damaged one, trained like the others, renames none."""
    (spec, _), *_ = Counter(run.settings.spec for run in group).most_common(1)
    return spec


def _study(name: str, folder: Path, group: list[Finished], left_out: list[LeftOut]) -> Study:
    """The study of one group; what was trained twice counts once and is added to `left_out`."""
    runs = {(run.concats, run.seed): run for run in reversed(group)}  # the first of equal ones
    left_out += [_twin(run, runs) for run in group if run not in runs.values()]
    return Study(name, folder, tuple(sorted(runs.values(), key=_in_paper_order)), ())


def read_run(folder: Path) -> Finished | LeftOut:
    """One run folder, whatever is in it."""
    run = Run(folder)
    try:
        metrics, settings = run.metrics(), run.settings()
        if metrics is None:
            return _unfinished(folder.name, run.status())
        if settings is None:
            raise SettingsError(f"{folder / 'config.yaml'} is gone")
        return Finished(folder, settings, metrics, _latents_of(folder, settings))
    except SettingsError as error:
        text = f"{one_line(error)}: train it again, which mends it or says what to do"
        return LeftOut(folder.name, "unreadable", text)


def _unfinished(name: str, status: dict[str, Any]) -> LeftOut:
    known = "failed" if status.get("status") == "failed" else "unfinished"
    goes_on = "still running, or stopped: the same command goes on with it"
    return LeftOut(name, known, printable(str(status.get("error") or goes_on)))


def _latents_of(folder: Path, settings: Settings) -> pd.DataFrame:
    if not settings.latents.fills:
        nothing: pd.DataFrame = pd.DataFrame(columns=list(LATENTS_COLUMNS))
        return nothing
    return read_latents(folder / "latents.csv")


def _further_of(path: Path) -> pd.DataFrame | None:
    """NAME.csv or NAME.parquet of one run; None where there is none, or no whole one."""
    try:
        stamp = read_json(path.with_suffix(".json"))
        if stamp is None:
            return None
        refuse_changed(path, stamp)
        whole = BytesIO(read_bytes(path, MOST_TABLE))
        by_face = path.suffix == ".parquet"
        return pd.read_parquet(whole) if by_face else pd.read_csv(whole, dtype=LABELS)
    except (SettingsError, OSError, ValueError):
        return None


def read_by_face(run: Finished, name: str) -> pd.DataFrame | None:
    """NAME.parquet of `facerot.analyse`, a row a face; None where the run has no whole one."""
    return _further_of(run.folder / f"{name}.parquet")


def read_latents(path: Path) -> pd.DataFrame:
    """latents.csv; raises SettingsError naming what is wrong with it."""
    refuse_changed(path, read_json(path.with_suffix(".json")) or {})
    try:
        text = read_bytes(path, MOST_TABLE).decode()
        table = pd.read_csv(StringIO(text), dtype=dict.fromkeys(KEY, str), keep_default_na=False)
        missing = [column for column in LATENTS_COLUMNS if column not in table]
        if missing:
            raise SettingsError(f"{path} has no column {', '.join(missing)}")
        numbers: pd.DataFrame = table.assign(value=table["value"].astype(float))
    except SettingsError:
        raise
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {reason(error)}") from error
    if numbers.duplicated(list(KEY)).any():
        raise SettingsError(f"{path} is damaged: it says something twice")
    return numbers


def _in_paper_order(run: Finished) -> tuple[int, str, int]:
    place = SETS.index(run.concats) if run.concats in SETS else len(SETS)
    return place, run.concats, run.seed


def _other(run: Finished, used: Finished) -> LeftOut:
    differ = [
        f"{key}={value} instead of {usual}"
        for key, value, usual in differences(run.settings, used.settings)
        if key not in ("concats", "seed")
    ]
    why = ", ".join(differ) or "other faces"
    text = f"{printable(why)}: give it a study=NAME of its own"
    return LeftOut(run.folder.name, "other settings", text)


def _twin(run: Finished, used: Mapping[tuple[str, int], Finished]) -> LeftOut:
    """A run that was trained twice, as facerot 0.1 did where only its measuring differed."""
    first = used[run.concats, run.seed].folder.name
    return LeftOut(run.folder.name, "the same run", f"{first} is used")
