"""The command that analyses finished runs, and the tables it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facerot.analyse import NAMES
from facerot.measure.tables import FACE
from facerot.runs.run import Run
from tests.conftest import Command, Done

UNET = "unet_concats-24_seed-0"


def files(folder: Path) -> Iterator[Path]:
    for name in NAMES:
        yield from (folder / f"{name}.{kind}" for kind in ("parquet", "csv", "json"))


def lines(done: Done) -> dict[str, str]:
    """The closing table's line of each run."""
    _, table = done.stdout.split("\nrun ")
    return {line.split()[0]: line for line in table.splitlines()[1:]}


@pytest.fixture
def few(copied: Path) -> Path:
    """A study of two models with one seed: the folder of its runs."""
    for folder in copied.glob("[!.]*"):
        if folder.name not in (UNET, "autoencoder_seed-0"):
            shutil.rmtree(folder)
    return copied


def test_every_analysis_leaves_a_row_a_face_whose_means_are_its_csv(
    few: Path, analyse: Command, tmp_path: Path
) -> None:
    done = analyse("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(lines(done)) == {UNET, "autoencoder_seed-0"}
    for name in NAMES:
        faces = pd.read_parquet(few / UNET / f"{name}.parquet")
        assert not faces.duplicated([column for column in faces if column != "value"]).any(), name
        table = pd.read_csv(few / UNET / f"{name}.csv", dtype={"keep": str})
        *key, value = table.columns
        assert value == "value"
        assert not set(key) & set(FACE)
        averaged = faces.groupby(key, observed=True)["value"].mean()
        of_faces = table[~table["score"].str.contains("lowpass")]  # one of a set of faces
        means = of_faces.set_index(key)["value"]
        assert not means.empty
        np.testing.assert_allclose(means, averaged[means.index], rtol=1e-5, atol=1e-7)


def test_what_is_there_is_skipped_and_what_has_changed_is_done_again(
    few: Path, analyse: Command, tmp_path: Path
) -> None:
    assert analyse("study=heads-smoke", cwd=tmp_path).returncode == 0
    before = {path: path.read_bytes() for path in files(few / UNET)}
    again = analyse("study=heads-smoke", cwd=tmp_path)
    assert lines(again)[UNET].split()[1:] == ["there"] * len(NAMES)
    (stamp,) = (path for path in before if path.name == f"{NAMES[0]}.json")
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "version": 0}))
    done = analyse("study=heads-smoke", cwd=tmp_path)
    assert f"{UNET}: {NAMES[0]} done again (definitions of version 0, now " in done.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_only_does_what_it_names(few: Path, analyse: Command, tmp_path: Path) -> None:
    done = analyse("study=heads-smoke", "only=[dose]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in files(few / UNET) if path.exists()} == {"dose"}


def test_runs_that_cannot_be_analysed_are_named_once_the_others_are(
    copied: Path, analyse: Command, tmp_path: Path
) -> None:
    (copied / "autoencoder_seed-0" / "weights.safetensors").unlink()
    strange = copied / "autoencoder_seed-1_split-1"
    (strange / "weights.safetensors").write_bytes(b"no weights")
    exchanged = copied / "autoencoder_seed-3_split-3" / "weights.safetensors"
    shutil.copy(copied / UNET / "weights.safetensors", exchanged)
    with Run(copied / "unet_concats-2_seed-0").held():
        done = analyse("study=heads-smoke", "only=[dose]", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: 4 runs were not analysed: ")
    said = lines(done)
    assert "weights.safetensors is gone" in said["autoencoder_seed-0"]
    assert "holds no network of ours" in said[strange.name]
    assert "the weights are another run's or another version's" in said[exchanged.parent.name]
    assert "another process is working on it" in said["unet_concats-2_seed-0"]
    (other,) = copied.glob("unet_concats-3_*")
    assert "left alone, other settings: trainer.learning_rate=0.002" in said[other.name]
    assert not (other / "dose.csv").exists()
    assert (copied / UNET / "dose.csv").exists()


def test_tables_stay_where_the_weights_are_gone(
    few: Path, analyse: Command, tmp_path: Path
) -> None:
    assert analyse("study=heads-smoke", "only=[dose]", cwd=tmp_path).returncode == 0
    (few / UNET / "weights.safetensors").unlink()
    assert analyse("study=heads-smoke", "only=[dose]", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["study=heads-smok"], "train first"),
        (["only=[doses]"], "did you mean 'dose'?"),
        (["only=[dose,dose]"], "names dose twice"),
        (["only=[]"], "empty"),
        (["device=gpu"], "device=gpu"),
        (["threads=0"], "at least 1"),
    ],
)
def test_bad_input_gets_one_clear_line(
    analyse: Command, tmp_path: Path, overrides: list[str], says: str
) -> None:
    done = analyse(*overrides, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: ")
    assert says in line


def test_of_the_models_asked_for_alone(few: Path, analyse: Command, tmp_path: Path) -> None:
    asked = ("study=heads-smoke", "only=[dose]")
    assert set(lines(analyse(*asked, "concats=[4,2]", cwd=tmp_path))) == {UNET}
    assert set(lines(analyse(*asked, "concats=[]", cwd=tmp_path))) == {"autoencoder_seed-0"}
    assert "concats" in analyse(*asked, "concats=[7]", cwd=tmp_path).stderr


def test_two_runs_at_once_leave_the_bytes_of_one_after_the_other(
    few: Path, analyse: Command, tmp_path: Path
) -> None:
    asked = ("study=heads-smoke", "only=[dose]")
    bytes_of = []
    for jobs in (1, 2):
        done = analyse(*asked, f"jobs={jobs}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert set(lines(done)) == {UNET, "autoencoder_seed-0"}
        tables = sorted(few.glob("*/dose.*"))
        bytes_of.append({path: path.read_bytes() for path in tables})
        for path in tables:
            path.unlink()
    assert len(bytes_of[0]) == 2 * 3
    assert bytes_of[0] == bytes_of[1]
    assert "jobs=0 must be at least 1" in analyse(*asked, "jobs=0", cwd=tmp_path).stderr
