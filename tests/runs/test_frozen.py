"""Runs that earlier versions left, kept as they were: resumed, measured and reported today.

tests/frozen/<version>/ holds a tiny face set and the study `frozen`: a finished Baseline, and a
network with Concat2 that was killed after epoch 4 of 40.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import facerot
from facerot.config import CONF
from facerot.runs.study import read_study
from tests.conftest import Command, Done

FROZEN = sorted((Path(__file__).parents[1] / "frozen").iterdir())
FINISHED = ("data.root=faces.zip", "train_persons=null", "model.channels=2", "study=frozen",
            "latents.fills=[zero]")  # fmt: skip
KILLED = (*FINISHED, "concats=[2]", "trainer.epochs=40", "trainer.checkpoint_every=4")
COLUMNS = ["split", "probe", "keep", "fill", "score"]
ROUNDING = 1e-5  # of correlations: another order of sums shows where an output is nearly flat
CORRELATIONS = "match|rotation|lowpass"
# Scores that have kept their name and got another definition, which their new numbers must follow.
REDEFINED = (
    "tile_purity",  # of the response since version 2, of the output before
    "boundary_shift",  # since version 2 not defined where the output has no colour edges
)


@pytest.fixture(params=FROZEN, ids=lambda path: path.name)
def frozen(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the folder that holds the faces and outputs of one version."""
    path: Path = shutil.copytree(request.param, tmp_path / "frozen")
    return path


def run_of(frozen: Path, concats: str) -> Path:
    (folder,) = (frozen / "outputs" / "frozen").glob(f"unet_concats-{concats}_*")
    return folder


def latents(folder: Path) -> pd.Series:
    table = pd.read_csv(folder / "latents.csv", dtype={"keep": str})
    values: pd.Series = table.set_index(COLUMNS)["value"]
    return values


def assert_goes_on(done: Done) -> None:
    assert "goes on after step 4" in done.stdout, done.stderr
    assert "resumed;" in done.stdout, done.stderr


def test_a_finished_run_is_skipped_a_killed_one_goes_on_and_both_are_reported(
    frozen: Path, command: Command, report: Command
) -> None:
    weights = (run_of(frozen, "1234") / "weights.safetensors").read_bytes()
    done = command(*FINISHED, cwd=frozen)
    assert "skipped" in done.stdout, done.stderr
    assert (run_of(frozen, "1234") / "weights.safetensors").read_bytes() == weights
    assert_goes_on(command(*KILLED, cwd=frozen))
    told = report("study=frozen", cwd=frozen)
    assert told.returncode == 0, told.stderr
    assert "frozen: 1 finished runs" in told.stdout
    assert "trainer.epochs=40 instead of 2" in told.stdout


def test_measuring_reproduces_what_was_measured_then(frozen: Path, measure: Command) -> None:
    folder = run_of(frozen, "1234")
    before = latents(folder).drop(list(REDEFINED), level="score")
    done = measure("study=frozen", cwd=frozen)
    assert done.returncode == 0, done.stderr
    assert f"{folder.name}: latents measured (not measured yet)" in done.stdout
    assert "not finished, left alone" in done.stdout
    after = latents(folder)
    assert {"mixing_rr", "edges_found", *REDEFINED} <= set(after.index.unique("score"))
    faces = pd.read_parquet(folder / "latents.parquet")
    words = faces.astype(dict.fromkeys(COLUMNS, str))
    averaged = words.groupby(COLUMNS)["value"].mean().astype(float)
    assert len(before.index.intersection(averaged.index)) > 0.8 * len(before)  # all but lowpass
    correlated = before.index.get_level_values("score").str.contains(CORRELATIONS)
    for these, atol in ((correlated, ROUNDING), (~correlated, 1e-9)):
        then = before[these]
        pd.testing.assert_series_equal(after[then.index], then, rtol=1e-6, atol=atol)
        shared = then.index.intersection(averaged.index)
        np.testing.assert_allclose(averaged[shared], then[shared], rtol=1e-6, atol=atol)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("latents.fills=[zero,mean]", "latents.fills"),
        ("data.eye_band=[0.3,0.5]", "data.eye_band"),
        ("data.face_box=[0.1,0.1,0.8,0.9]", "data.face_box"),
    ],
)
def test_measuring_otherwise_trains_nothing_and_stays(
    frozen: Path, command: Command, measure: Command, asked: str, why: str
) -> None:
    folder = run_of(frozen, "1234")
    kept = ("weights.safetensors", "metrics.json", "checkpoints/last.ckpt")
    before = {name: (folder / name).read_bytes() for name in kept}
    assert "measured again (not measured yet)" in command(*FINISHED, cwd=frozen).stdout
    again = command(*FINISHED, asked, cwd=frozen)
    assert f"skipped, measured again (measured with {why}=" in again.stdout, again.stderr
    assert {name: (folder / name).read_bytes() for name in kept} == before
    assert "measured already" in measure("study=frozen", cwd=frozen).stdout
    assert "skipped;" in command(*FINISHED, asked, cwd=frozen).stdout
    assert len(list((frozen / "outputs" / "frozen").glob("[!.]*"))) == 2
    assert set(latents(folder).index.get_level_values("fill")) <= {"zero", "mean"}


def test_a_run_that_was_trained_twice_counts_once(frozen: Path, report: Command) -> None:
    folder = run_of(frozen, "1234")
    shutil.copytree(folder, folder.parent / "unet_concats-1234_seed-0_ffffff")
    told = report("study=frozen", cwd=frozen)
    assert told.returncode == 0, told.stderr
    assert "frozen: 1 finished runs" in told.stdout
    assert f"the same run: unet_concats-1234_seed-0_ffffff: {folder.name} is used" in told.stdout


def test_a_setting_of_tomorrow_orphans_nothing(
    frozen: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Adds model.dropout, whose default is what is done today, to a copy of the package."""
    package = Path(facerot.__file__).parent
    copy = tmp_path / "tomorrow"
    shutil.copytree(package, copy / "facerot", ignore=shutil.ignore_patterns("heads.zip"))
    shutil.copytree(CONF, copy / "conf")
    config = copy / "facerot" / "config.py"
    widths = "    channels: list[int] = field(metadata=setting(read=_channels))\n"
    text = config.read_text()
    assert text.count(widths) == 1
    config.write_text(text.replace(widths, widths + "    dropout: float = 0.0\n"))
    with (copy / "conf" / "model" / "unet.yaml").open("a") as file:
        file.write("dropout: 0.0\n")

    def run(module: str, *overrides: str) -> Done:
        line = [sys.executable, "-m", f"facerot.{module}", *overrides]
        there = {**environment, "PYTHONPATH": str(copy)}
        return subprocess.run(line, cwd=frozen, env=there, capture_output=True, text=True)

    finished = run("train", "budget=smoke", *FINISHED)
    assert "skipped" in finished.stdout, finished.stderr
    assert_goes_on(run("train", "budget=smoke", *KILLED))
    assert "dropout: 0.0" in (run_of(frozen, "2") / "config.yaml").read_text()
    told = run("report", "study=frozen")
    assert "frozen: 1 finished runs" in told.stdout, told.stderr
    assert "model.dropout" not in told.stdout


def test_faces_of_before_are_known_by_names_and_sizes_later_ones_by_their_contents(
    frozen: Path, command: Command
) -> None:
    assert "measured again" in command(*FINISHED, cwd=frozen).stdout
    assert "trained;" in command(*FINISHED, "concats=[]", cwd=frozen).stdout
    assert len(read_study(frozen / "outputs", "frozen").runs) == 2  # compared with each other

    with zipfile.ZipFile(frozen / "faces.zip") as archive:
        photos = {name: archive.read(name) for name in archive.namelist()}
    name, photo = max(photos.items())
    photos[name] = photo[:-1] + bytes([photo[-1] ^ 1])  # the size stays
    with zipfile.ZipFile(frozen / "faces.zip", "w") as archive:
        for each, content in photos.items():
            archive.writestr(each, content)
    assert "skipped;" in command(*FINISHED, cwd=frozen).stdout
    refused = command(*FINISHED, "concats=[]", cwd=frozen)
    assert refused.returncode == 1
    assert "was made from other faces" in refused.stderr


def test_a_setting_that_this_version_does_not_know_is_refused_with_the_version(
    frozen: Path, command: Command, report: Command
) -> None:
    folder = run_of(frozen, "1234")
    config = folder.rename(folder.parent / "unet_concats-1234_seed-0") / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 0\nwings: 2"))
    refused = command("data.root=faces.zip", "study=frozen", cwd=frozen)
    assert refused.returncode == 1
    (line,) = refused.stderr.strip().splitlines()
    version = json.loads((config.parent / "metrics.json").read_text())["versions"]["facerot"]
    assert f"written by facerot {version}" in line
    assert "unknown setting 'wings'" in line
    told = report("study=frozen", cwd=frozen)
    assert f"unreadable: {config.parent.name}" in told.stdout


def test_other_training_settings_are_refused_with_the_version(
    frozen: Path, command: Command
) -> None:
    folder = run_of(frozen, "1234")
    os.rename(folder, folder.parent / "unet_concats-1234_seed-0")
    refused = command("data.root=faces.zip", "study=frozen", cwd=frozen)
    assert refused.returncode == 1
    assert "was made with model.channels=[2, 4, 8, 16, 16]" in refused.stderr
    assert "by facerot" in refused.stderr
