"""The command that measures finished runs again, and the tables it leaves."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facerot.latents import PROBES, masks
from facerot.runs.run import Run
from tests.conftest import Command

KEY = ["split", "probe", "keep", "fill"]
FACE = ["person", "session", "yaw", "mirrored"]
FILES = ("latents.parquet", "latents.csv", "latents.json")


def test_a_row_a_face_and_score_whose_means_are_latents_csv(studied: Path) -> None:
    folder = studied / "outputs" / "heads-smoke" / "unet_concats-24_seed-0"
    faces = pd.read_parquet(folder / "latents.parquet")
    assert list(faces.columns) == [*KEY, *FACE, "score", "value"]
    assert not faces.duplicated([*KEY, *FACE, "score"]).any()
    people = faces.groupby("split", observed=True)["person"].agg(set)
    assert {split: len(names) for split, names in people.items()} == {"train": 10, "test": 2}
    assert not people["train"] & people["test"]
    for probe in PROBES:
        kept = faces[faces["probe"] == probe]["keep"].unique()
        assert len(kept) == len(masks((2, 4, 5), probe))
    means = faces.groupby([*KEY, "score"], observed=True)["value"].mean()
    table = pd.read_csv(folder / "latents.csv", dtype={"keep": str})
    listed = table.set_index([*KEY, "score"])["value"]
    shared = listed.index.intersection(means.index)
    assert len(shared) > 0.8 * len(listed)
    np.testing.assert_allclose(means[shared], listed[shared], rtol=1e-6)
    lowpass = [f"lowpass_{sigma:g}" for sigma in (0.5, 1, 2, 4, 8)]
    by_sigma = means.unstack("score")[lowpass].dropna()
    largest = by_sigma.max(axis=1)
    found = listed.unstack("score").loc[largest.index]
    np.testing.assert_allclose(found["lowpass"], largest, rtol=1e-6)
    sigmas = by_sigma.idxmax(axis=1).str.removeprefix("lowpass_").astype(float)
    np.testing.assert_array_equal(found["lowpass_sigma"], sigmas)


def test_what_is_measured_already_is_skipped_and_a_changed_definition_is_noticed(
    copied: Path, measure: Command, tmp_path: Path
) -> None:
    folder = copied / "unet_concats-2_seed-0"
    before = {name: (folder / name).read_bytes() for name in FILES}
    stamp = json.loads(before["latents.json"])
    (folder / "latents.json").write_text(json.dumps({**stamp, "version": 0}))
    (copied / "unet_concats-24_seed-0" / "latents.parquet").unlink()
    done = measure("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = {line.split(": ")[0].split("/")[-1]: line for line in done.stdout.splitlines()}
    assert "measured (definitions of version 0, now 2)" in said[folder.name]
    assert "measured (not measured yet)" in said["unet_concats-24_seed-0"]
    assert sum("measured already" in line for line in said.values()) == 7
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_a_fill_is_added_to_those_that_are_there(
    copied: Path, measure: Command, tmp_path: Path
) -> None:
    (folder,) = copied.glob("unet_concats-3_*")  # was measured with zero alone
    before = pd.read_csv(folder / "latents.csv", dtype={"keep": str})
    done = measure("study=heads-smoke", "fills=[mean]", cwd=tmp_path)
    assert f"{folder.name}: latents measured (measured with latents.fills=" in done.stdout
    after = pd.read_csv(folder / "latents.csv", dtype={"keep": str})
    assert set(after["fill"]) == {"zero", "mean"}
    kept = after[after["fill"] == "zero"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    assert "measured already" in measure("fills=[zero]", "study=heads-smoke", cwd=tmp_path).stdout


def test_measuring_killed_in_the_middle_ends_with_the_same_bytes(
    copied: Path, measure: Command, tmp_path: Path, environment: dict[str, str]
) -> None:
    runs = [path for path in copied.glob("[!.]*") if (path / "metrics.json").exists()]
    whole = {path / name: (path / name).read_bytes() for path in runs for name in FILES}
    for path in whole:
        path.unlink()
    child = subprocess.Popen(
        [sys.executable, "-m", "facerot.measure", "study=heads-smoke"],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(copied.glob("*/latents.parquet")) and time.monotonic() < deadline:
        time.sleep(0.005)
    seed = int(os.environ.get("KILL_SEED", time.time_ns() % 1000))
    delay = random.Random(seed).uniform(0, 1)
    print(f"KILL_SEED={seed}: killed after {delay:.3f} s")
    time.sleep(delay)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not all(path.exists() for path in whole), "killed too late to test anything"
    done = measure("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in whole} == whole


def test_runs_that_cannot_be_measured_are_named_once_the_others_are(
    copied: Path, measure: Command, tmp_path: Path, faces_zip: Path
) -> None:
    (copied / "autoencoder_seed-0" / "weights.safetensors").unlink()
    (copied / "autoencoder_seed-1_split-1" / "weights.safetensors").write_bytes(b"no weights")
    for name in ("autoencoder_seed-0", "autoencoder_seed-1_split-1", "autoencoder_seed-3_split-3"):
        (copied / name / "latents.json").unlink()
    done = measure("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: 2 runs were not measured: ")
    assert "autoencoder_seed-0: " in line
    assert "holds no network of ours" in line
    assert (copied / "autoencoder_seed-3_split-3" / "latents.json").exists()

    (copied / "autoencoder_seed-3_split-3" / "latents.json").unlink()
    other = tmp_path / "other.zip"
    other.write_bytes(faces_zip.read_bytes().replace(b"0003/", b"9003/"))
    refused = measure("study=heads-smoke", f"root={other}", cwd=tmp_path)
    assert "autoencoder_seed-3_split-3: " in refused.stderr
    assert "other faces" in refused.stderr
    shutil.copy(faces_zip, other)
    moved = measure("study=heads-smoke", f"root={other}", cwd=tmp_path)
    assert "autoencoder_seed-3_split-3: latents measured" in moved.stdout


def test_a_run_that_another_process_works_on_is_named(
    copied: Path, measure: Command, tmp_path: Path
) -> None:
    folder = copied / "autoencoder_seed-0"
    (folder / "latents.json").unlink()
    with Run(folder).held():
        done = measure("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 1
    assert "autoencoder_seed-0: another process is working on it" in done.stderr
    assert measure("study=heads-smoke", cwd=tmp_path).returncode == 0


def test_without_fills_nothing_is_silenced_until_it_is_wanted(
    command: Command, report: Command, measure: Command, tmp_path: Path
) -> None:
    line = ("budget=smoke", "model.channels=2", "concats=[]", "latents.fills=[]")
    assert "trained;" in command(*line, cwd=tmp_path).stdout
    (folder,) = (tmp_path / "outputs" / "heads-smoke").glob("[!.]*")
    assert not list(folder.glob("latents.*"))
    assert "1 finished runs" in report("study=heads-smoke", cwd=tmp_path).stdout
    assert "latents measured" in measure("study=heads-smoke", cwd=tmp_path).stdout
    assert all((folder / name).exists() for name in FILES)
    assert "skipped;" in command(*line, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["study=heads-smok"], "train first"),
        (["fills=[zeros]"], "did you mean 'zero'?"),
        (["fills=[]"], "empty"),
        (["fils=[zero]"], "did you mean 'fills'?"),
        (["device=gpu"], "device=gpu"),
        (["threads=0"], "at least 1"),
    ],
)
def test_bad_input_gets_one_clear_line(
    measure: Command, tmp_path: Path, overrides: list[str], says: str
) -> None:
    done = measure(*overrides, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: ")
    assert says in line
