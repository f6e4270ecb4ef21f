"""What the page says of its study in words: what is missing, which runs, what it all rests on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from facerot.config import TRAINS, spec_names, what_decides
from facerot.errors import first_few
from facerot.paper import BASELINE, SETS, model_name
from facerot.runs.metrics import STILL_FELL
from facerot.runs.study import ASKED_PER_RUN, Study


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
