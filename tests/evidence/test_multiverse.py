"""Which settings decide: several specs in one study, none of them dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from facerot.evidence.claims import judge_all
from facerot.evidence.multiverse import Spec, sentence, specs_of
from facerot.paper import AE, BASELINE
from facerot.runs.run import Run
from facerot.runs.study import read_study
from tests.conftest import Command
from tests.made_up import made_up_run, usual_settings, write

SEEDS = (0, 1, 2)
GAPS = {"default": 0.01, "slow": 0.02, "far": -0.01, "noisy": 0.0}  # MSE(AE) - MSE(U-Net)


def settings_of(spec: str) -> dict[str, Any]:
    """What a spec changes."""
    usual = usual_settings()
    slow = {"trainer": replace(usual.trainer, learning_rate=1e-4)}
    changed: dict[str, dict[str, Any]] = {
        "default": {},
        "slow": slow,
        "far": {"source_yaw": [-90.0]},
        "noisy": {"source_yaw": [-90.0], **slow},
    }
    return {**changed[spec], "spec": spec}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of four specs, three seeds each, whose splits are their seeds; and a stray run."""
    folder = tmp_path / "outputs" / "made-up"
    for spec, gap in GAPS.items():
        for seed in SEEDS:
            for concats, mse in ((AE, 0.05 + gap + gap * 0.01 * seed), (BASELINE, 0.05)):
                both = (mse, mse + (0.01 * (seed - 1) if spec == "noisy" and concats == AE else 0))
                asked = {**settings_of(spec), "split_seed": seed}
                write(made_up_run(folder / spec, concats, seed, both, **asked))
    for path in folder.glob("*/*"):
        path.rename(folder / f"{path.name}_{path.parent.name}")
        if not list(path.parent.iterdir()):
            path.parent.rmdir()
    write(made_up_run(folder, BASELINE, 7, (0.05, 0.05), size=96))
    return tmp_path


def test_every_spec_is_judged_and_none_is_dropped(study: Path) -> None:
    read = read_study(study / "outputs", "made-up")
    assert read.spec == "default"
    assert [one.spec for one in read.others] == ["far", "noisy", "slow"]
    assert {one.seeds(BASELINE) == list(SEEDS) for one in (read, *read.others)} == {True}
    (stray,) = read.left_out
    assert "size=96 instead of 64" in stray.reason
    specs = specs_of(read, judge_all(read))
    assert specs[0].changed == {}
    changed = {spec.name: spec.changed for spec in specs}
    assert changed["slow"] == {"trainer.learning_rate": 1e-4}
    assert changed["noisy"] == {"source_yaw": [-90.0], "trainer.learning_rate": 1e-4}
    told = sentence("skips-help", "test", specs)
    assert told == (
        "holds in 2, as by default; fails in 1, turned by far; open in 1: noisy (of 4 specs)"
    )


def test_another_face_set_is_one_change_and_an_unknown_claim_is_not_judged(study: Path) -> None:
    settings = usual_settings()
    folder = study / "outputs" / "made-up"
    theirs = replace(settings.data, name="london", root="elsewhere")
    for seed in SEEDS:
        run = made_up_run(folder, BASELINE, seed, (0.05, 0.05), spec="theirs", data=theirs,
                          split_seed=seed)  # fmt: skip
        metrics = replace(run.metrics, faces={**run.metrics.faces, "fingerprint": "theirs"})
        write(replace(run, folder=folder / f"theirs_{seed}", metrics=metrics))
    read = read_study(study / "outputs", "made-up")
    specs = specs_of(read, judge_all(read))
    changed = {spec.name: spec.changed for spec in specs}
    assert changed["theirs"]["data"] == "london"
    assert list(changed["theirs"]) == ["data"]
    assert sentence("concat2-best-single", "test", specs) == "not judged (of 0 specs)"
    assert sentence("skips-help", "test", [*specs, *specs_named(specs, "far", "again")]).endswith(
        "fails in 2, turned by far, again; open in 1: noisy (of 5 specs)"
    )


def specs_named(specs: list[Spec], name: str, new: str) -> list[Spec]:
    return [replace(spec, name=new) for spec in specs if spec.name == name]


def test_the_page_tells_which_settings_decide(study: Path, report: Command) -> None:
    done = report("study=made-up", cwd=study)
    assert done.returncode == 0, done.stderr
    place = study / "outputs" / "made-up" / "report"
    html = (place / "index.html").read_text()
    assert "Which settings decide" in html
    assert "turned by far" in html
    table = pd.read_csv(place / "tables" / "multiverse.csv")
    skips = table[(table["claim"] == "skips-help") & (table["faces"] == "test")]
    verdicts = dict(zip(skips["spec"], skips["verdict"]))
    assert verdicts == {"default": "holds", "slow": "holds", "far": "fails", "noisy": "open"}
    for name in ("multiverse", "curve_skips-help"):
        assert (place / "figures" / f"{name}.png").exists()


def test_a_run_keeps_its_spec(study: Path) -> None:
    folder = next((study / "outputs" / "made-up").glob("*_slow"))
    settings = Run(folder).settings()
    assert settings is not None
    assert settings.spec == "slow"
