"""The experiments: which runs they ask for, and what a sweep survives."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import hydra
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from PIL import Image

from facerot.config import CONF, Settings, spec_names
from facerot.paper import AE, SETS, TABLES
from facerot.report.__main__ import main as report_main
from facerot.runs.run import Run
from facerot.train import main as train_main
from facerot.validate import resolve
from tests.conftest import Command, InProcess, run_main, training_line

EVERY_SET = {
    "".join(map(str, chosen)) or AE for n in range(5) for chosen in combinations("1234", n)
}
SPECS = spec_names()
EXPERIMENTS = {
    **{name: (set(table.mse), 5) for name, table in TABLES.items()},
    "seeds": ({"1234"}, 10),
    "all_concats": (EVERY_SET, 5),
    "paper": (set(SETS), 5),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_asks_for_its_runs_once_and_for_nothing_else(name: str) -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = [f"+experiment={name}"]
        asked = hydra.compose("train", overrides, return_hydra_config=True)
        usual = hydra.compose("train")
    assert str(asked.hydra.mode) == "RunMode.MULTIRUN"
    swept = {key: values(key, text) for key, text in asked.hydra.sweeper.params.items()}
    del asked.hydra
    ties = "" if name == "seeds" else "${seed}"
    assert OmegaConf.to_container(asked)["split_seed"] == (ties or 0)  # type: ignore[index, call-overload]
    asked.split_seed = 0
    assert asked == usual
    sets, seeds = EXPERIMENTS[name]
    found = ["".join(map(str, concats)) or AE for concats in swept.pop("concats")]
    assert sorted(found) == sorted(sets)
    assert swept == {"seed": list(range(seeds))}


def test_the_runs_of_several_yaws_are_a_study_of_their_own() -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        asked = hydra.compose("train", ["+experiment=yaws"], return_hydra_config=True)
    assert values("seed", asked.hydra.sweeper.params.seed) == list(range(5))
    assert values("concats", asked.hydra.sweeper.params.concats) == [[1, 2, 3, 4]]
    assert asked.source_yaw == [-90, -60, -45, -30]
    assert asked.study == "heads-yaws-quick"


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_is_named_as_its_file_and_can_be_trained(spec: str) -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        settings = resolve(hydra.compose("train", [f"spec={spec}", "roots.london=there"]), Settings)
        usual = resolve(hydra.compose("train"), Settings)
    assert settings.spec == spec
    if spec == "default":
        assert settings.roots.pop("london") == "there"
        assert settings == replace(usual, roots={})


def test_the_multiverse_goes_through_the_files_of_its_specs(
    command: Command, tmp_path: Path
) -> None:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        asked = hydra.compose("train", ["+experiment=multiverse"], return_hydra_config=True)
    params = dict(asked.hydra.sweeper.params)
    assert params["spec"] == "glob(*)"
    assert values("concats", params["concats"]) == [[], [2], [1, 2, 3, 4]]
    few = ("spec=glob(norm*)", "seed=0", "concats=[]", "trainer.epochs=1")
    done = command("+experiment=multiverse", *few, cwd=tmp_path)
    assert "2 trained, 0 resumed, 0 skipped, 0 failed" in done.stdout, done.stderr
    study = tmp_path / "outputs" / "multiverse-smoke"
    made_with = [Run(path.parent).settings() for path in study.glob("*/metrics.json")]
    assert sorted(one.spec for one in made_with if one) == ["norm-instance", "norm-none"]


def test_a_spec_without_its_faces_is_missing_not_failed(
    in_process: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    says = "needs roots.london=PATH: its folder or .zip"
    sweep = ("spec=glob(london*)", "seed=0", "concats=[]", "budget=smoke", "jobs=1")
    assert in_process(train_main, "+experiment=multiverse", *sweep) is None
    told = capsys.readouterr().out
    assert "0 trained, 0 resumed, 0 skipped, 0 failed, 4 missing" in told
    assert told.count(says) == 4
    assert in_process(train_main, "spec=london-36") == "1"
    assert capsys.readouterr().err == f"facerot: spec=london-36 {says}\n"


def test_another_face_set_beside_the_default_one_has_folders_of_its_own(
    in_process: InProcess, faces_zip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poses = {"yaw-90.png": "left_profile", "yaw0.png": "front"}
    with ZipFile(faces_zip) as faces:
        for name in faces.namelist():
            person, view = name.split("/")
            if view in poses:
                photo = tmp_path / f"photos/neutral_{poses[view]}/{int(person):03}_03.jpg"
                photo.parent.mkdir(parents=True, exist_ok=True)
                Image.open(faces.open(name)).convert("RGB").save(photo)
    line = ("concats=[]", "budget=smoke", "trainer.epochs=1", "latents.fills=[]", "study=both")
    specs = ("spec=default,london-90", "-m", "roots.london=photos", "jobs=1")
    assert in_process(train_main, *line, *specs) is None
    assert "2 trained, 0 resumed, 0 skipped, 0 failed" in capsys.readouterr().out
    assert in_process(report_main, "study=both") is None
    told = capsys.readouterr().out
    assert "both: 1 finished runs, 1 more of 1 other specs" in told
    assert "specs without a finished run: background-plain, " in told


def values(key: str, text: str) -> list[Any]:
    """What a sweep over `key=text` goes through."""
    override = OverridesParser.create().parse_override(f"{key}={text}")
    return list(override.sweep_iterator()) if override.is_sweep_override() else [override.value()]


def test_what_two_experiments_share_is_trained_once(
    copied: Path, command: Command, tmp_path: Path
) -> None:
    second = command("+experiment=seeds", "seed=0,3", cwd=tmp_path)
    assert "1 trained, 0 resumed, 1 skipped, 0 failed" in second.stdout, second.stderr


def test_a_sweep_killed_twice_ends_like_one_run_through(
    command: Command, tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    line = ["+experiment=table1", "seed=0,1", "trainer.epochs=20", "trainer.checkpoint_every=2",
            "trainer.evaluate_every=10"]  # fmt: skip
    whole = command(*line, "outputs=whole", cwd=tmp_path)
    assert "4 trained" in whole.stdout, whole.stderr
    killed = tmp_path / "killed" / "heads-smoke"
    seed = int(os.environ.get("KILL_SEED", time.time_ns() % 1000))
    moments = random.Random(seed)
    for finished in (1, 2):  # the runs that are done when the kill comes, at the least
        delay = moments.uniform(0, 1)
        print(f"KILL_SEED={seed}: killed {delay:.3f} s after run {finished}")
        kill_sweep(
            training_line(faces_zip, tuple(line)), tmp_path, environment, killed, finished, delay
        )
    assert len(list(killed.glob("*/metrics.json"))) < 4, "killed too late to test anything"

    last = command(*line, "outputs=killed", cwd=tmp_path)
    counts = re.findall(r"(\d+) (trained|resumed|skipped|failed)", last.stdout)
    told = {status: int(number) for number, status in counts}
    assert told["skipped"] >= 2
    assert told["skipped"] + told["resumed"] + told["trained"] == 4
    for folder in (tmp_path / "whole" / "heads-smoke").glob("[!.]*"):
        one, other = (
            json.loads((place / folder.name / "metrics.json").read_text())
            for place in (folder.parent, killed)
        )
        for key in ("train", "test", "baselines", "parameters", "faces"):
            assert one[key] == other[key]


MINE = """# @package _global_
{defaults}
model: {{channels: 2}}
trainer: {{epochs: 1}}
latents: {{fills: []}}
hydra:
  mode: MULTIRUN
  sweeper: {{params: {{concats: '[],[2]'}}}}
"""


@pytest.mark.parametrize(
    ("says", "defaults"),
    [
        ("", "defaults:\n  - override /budget: smoke"),
        ("budget=smoke is a label here, the settings are those of budget=quick", "budget: smoke"),
        ("spec=sgd is a label here, the settings are those of spec=default", "spec: sgd"),
    ],
)
def test_an_experiment_of_ones_own_chooses_its_budget_and_spec(
    faces_zip: Path, environment: dict[str, str], tmp_path: Path, says: str, defaults: str
) -> None:
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "two.yaml").write_text(MINE.format(defaults=defaults))
    line = ["--config-dir=mine", "+experiment=two", f"data.root={faces_zip}", "jobs=1"]
    done = run_main(train_main, *line, cwd=tmp_path, cache=environment["XDG_CACHE_HOME"])
    counts = "0 trained, 0 resumed, 0 skipped, 2 failed" if says else "2 trained"
    assert counts in done.stdout, done.stderr
    assert done.returncode == int(bool(says))
    assert says in done.stderr + done.stdout
    runs = list((tmp_path / "outputs").glob("heads-*/[!.]*/metrics.json"))
    assert [path.parts[-3] for path in runs] == ([] if says else ["heads-smoke"] * 2)


def kill_sweep(
    overrides: list[str],
    cwd: Path,
    environment: dict[str, str],
    study: Path,
    finished: int,
    delay: float,
) -> None:
    """Start a sweep into `killed`, and kill it `delay` seconds after that many runs have ended."""
    line = [sys.executable, "-m", "facerot.train", *overrides, "outputs=killed"]
    child = subprocess.Popen(
        line, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(list(study.glob("*/metrics.json"))) < finished and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
