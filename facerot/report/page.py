"""The report's page: everything of one study in one HTML file that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from facerot.config import TRAINS, spec_names, what_decides
from facerot.errors import first_few
from facerot.paper import BASELINE, SETS, model_name
from facerot.report.faces import Atlas, Block, as_webp
from facerot.report.glossary import hint, scores_in
from facerot.report.playground import Playground
from facerot.report.style import DPI, Picture
from facerot.report.tables import Table, chip, statistic_text, verdict_text
from facerot.runs.metrics import STILL_FELL
from facerot.runs.study import ASKED_PER_RUN, Study

LARGEST_PAGE = 6_000_000  # characters


@dataclass(frozen=True)
class Shown:
    """A picture on the page, to its last pixel; its files are a PNG and a PDF."""

    name: str
    title: str
    note: str
    png: bytes
    blocks: Sequence[Block] = ()  # its faces, where it has any: shown instead of the picture
    folded: bool = False  # whether it is of a model that is folded away

    @property
    def kind(self) -> str:
        """The macro of the page that shows it."""
        return "faces" if self.blocks else "figure"

    @cached_property
    def base64(self) -> str:
        """The picture as WebP, as text."""
        with Image.open(BytesIO(self.png)) as picture:
            return as_webp(picture)

    @property
    def width(self) -> int:
        """Its width in CSS px, at the size it was drawn for."""
        return self._side(16)

    @property
    def height(self) -> int:
        """Its height in CSS px."""
        return self._side(20)

    def _side(self, offset: int) -> int:
        pixels = int.from_bytes(self.png[offset : offset + 4], "big")  # of the PNG's header
        return round(pixels * 96 / DPI)


@dataclass(frozen=True)
class Facts:
    """Names and what belongs to each."""

    name: str
    title: str
    pairs: Sequence[tuple[str, str]]
    kind: str = "facts"


@dataclass(frozen=True)
class OfModel:
    """What is shown of one model, open or folded under its heading."""

    title: str
    entries: Sequence[Table | Picture | Shown | Facts | Playground]
    open: bool
    kind: str = "of_model"


@dataclass(frozen=True)
class Lacking:
    """What cannot be shown, and why; said at the top of the page."""

    text: str


@dataclass(frozen=True)
class Part:
    """A part of the page under one heading, ready to be written."""

    anchor: str
    title: str
    entries: Sequence[Table | Shown | Facts | Playground | OfModel]

    def flat(self) -> Iterator[Table | Picture | Shown | Facts | Playground]:
        """Its entries, those of a model one by one."""
        for entry in self.entries:
            yield from entry.entries if isinstance(entry, OfModel) else [entry]


def render(study: Study, lacking: Sequence[str], parts: Iterable[Part]) -> str:
    """The page, as HTML; `lacking` is what the paper has and the study does not.

    The playground has as many networks as fit beside all else.
    """
    filled = [part for part in parts if part.entries]
    rest = _render(study, lacking, [_playing(part, 0) for part in filled])
    room = LARGEST_PAGE - len(rest)
    return _render(study, lacking, [_playing(part, room) for part in filled])


def _playing(part: Part, room: int) -> Part:
    """The part with as much of a playground as fits."""
    fit = (entry.within(room) if isinstance(entry, Playground) else entry for entry in part.entries)
    return replace(part, entries=list(fit))


def _render(study: Study, lacking: Sequence[str], parts: Sequence[Part]) -> str:
    entries = [entry for part in parts for entry in part.flat()]
    shown = [entry for entry in entries if isinstance(entry, Shown)]
    atlases = {
        folded: Atlas(
            (block for one in shown if one.folded == folded for block in one.blocks), folded
        )
        for folded in (False, True)
    }
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            study=study,
            about=about(study),
            missing=lacking,
            anchors={entry.name: re.split("[.:] ", entry.title)[0] for entry in entries},
            chip=chip,
            statistic_text=statistic_text,
            verdict_text=verdict_text,
            parts=parts,
            atlases=atlases,
        )
    )


def render_alone(title: str, entry: Playground) -> str:
    """A page with a playground and nothing else, as HTML."""
    return (
        _environment().get_template("playground/alone.html.jinja").render(title=title, entry=entry)
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("facerot.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    environment.globals |= {"hint": hint, "scores_in": scores_in}
    return environment


def missing(study: Study) -> list[str]:
    """What the paper's tables and figures still need, a line a model; of several specs, which.

    A model is expected to have every seed that any model other than the Baseline has, since the
    Baseline alone may have more (`experiment=seeds`).
    """
    expected = {run.seed for run in study.runs if run.concats != BASELINE}
    expected = expected or set(study.seeds(BASELINE))
    if study.others:
        there = {study.spec, *(one.spec for one in study.others)}
        absent = [name for name in spec_names() if name not in there]
        return [f"specs without a finished run: {', '.join(absent)}"] if absent else []
    absent = [model_name(concats) for concats in SETS if not study.of(concats)]
    lines = [f"models without a finished run: {', '.join(absent)}"] if absent else []
    for concats in SETS:
        lacks = sorted(expected - set(study.seeds(concats)))
        if study.of(concats) and lacks:
            lines.append(f"{model_name(concats)}: seed{'s' * (len(lacks) > 1)} {_list(lacks)}")
    return lines


def about(study: Study) -> list[tuple[str, str]]:
    """What the heading tells: faces, yaws, persons, budget, steps, and what calls for care."""
    if not study.runs:
        return []
    first = study.runs[0]
    faces, _, split = first.metrics.faces["summary"].partition("; left out")[0].partition("; ")
    splits = {run.settings.split_seed for run in study.runs}
    drawn = f" (seed {first.seed}; each seed draws its own)" if len(splits) > 1 else ""
    steps = _all(run.metrics.steps or f"{run.metrics.epochs} epochs" for run in study.runs)
    unit = "" if "epochs" in steps else " steps"
    unknown = first.settings.data.unknown_regions
    unsettled = [run.folder.name for run in study.unsettled]
    everything = [run for one in (study, *study.others) for run in one.runs]
    wrecks = [run.folder.name for run in everything if run.metrics.is_wreck]
    told = {
        "Faces": faces,
        "Split": split and split + drawn,
        "Seeds": seeds_told(study),
        "Budget": f"{first.metrics.budget}, {steps}{unit}",
        "Left out": f"the scores that need {unknown}: of this face set nobody said it"
        * bool(unknown),
        "Not settled": f"{STILL_FELL}: {first_few(unsettled, ', ')}" * bool(unsettled),
        "Worse than the mean face": f"{first_few(wrecks, ', ')}: on test faces the mean training "
        "face has less MSE; they count all the same" * bool(wrecks),
    }
    return [(name, text) for name, text in told.items() if text]


def seeds_told(study: Study) -> str:
    """Which seeds there are of which model."""
    seeds = {model_name(concats): _list(study.seeds(concats)) for concats in study.models}
    if len(seeds) > 1 and len(set(seeds.values())) == 1:
        return f"{seeds.popitem()[1]} of every model"
    return "; ".join(f"{name}: {listed}" for name, listed in seeds.items())


def rests_on(study: Study) -> list[tuple[str, str]]:
    """Which runs, faces, settings, versions and code the report rests on."""
    if not study.runs:
        return [("Runs", "none has finished")]
    settings = sorted(what_decides(study.runs[0].settings, TRAINS).items())
    metrics = [run.metrics for run in study.runs]
    hours = sum(each.seconds for each in metrics) / 3600
    return [
        ("Seeds", seeds_told(study)),
        ("Faces", _all(each.faces["summary"] for each in metrics)),
        ("Fingerprint of the faces", _all(each.fingerprint for each in metrics)),
        (
            "Settings",
            _list(f"{name}={value}" for name, value in settings if name not in ASKED_PER_RUN),
        ),
        ("Versions", _all(_versions(each.versions) for each in metrics)),
        ("Commits", _all(each.git_commit for each in metrics)),
        ("Devices", _all(each.device for each in metrics)),
        ("Training time", f"{hours:.2f} h in all"),
    ]


def _versions(found: dict[str, str]) -> str:
    return _list(f"{name} {value}" for name, value in found.items())


def _all(values: Iterable[Any]) -> str:
    return "; ".join(dict.fromkeys(map(str, values)))


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
