"""Damaged records: one run's damage is one line, and what can be mended is."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from facerot.runs.study import Finished, LeftOut, read_run, read_study
from tests.conftest import Command

LINE = ("model.channels=2", "study=two", "concats=[],[2]", "-m")
ONE, OTHER = "autoencoder_seed-0", "unet_concats-2_seed-0"
Damage = Callable[[bytes], bytes]

DAMAGES: dict[str, Damage] = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "binary": lambda whole: bytes(random.Random(0).randbytes(300)),
    "a list": lambda whole: b"[1, 2]",
    "a number": lambda whole: b"7",
    "nested": lambda whole: b"[" * 60_000 + b"]" * 60_000,
    "growing": lambda whole: b"a: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "no text": lambda whole: whole.replace(b'": "', b'": ["').replace(b'",\n', b'"],\n'),
}


def cut_at_a_line_end(whole: bytes) -> bytes:
    return whole[: whole.index(b"\n", len(whole) // 2) + 1]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    """A folder with two finished runs; not to be changed."""
    cwd = tmp_path_factory.mktemp("two")
    done = command(*LINE, cwd=cwd)
    assert "2 trained" in done.stdout, done.stderr
    return cwd


@pytest.fixture
def folder(two: Path, tmp_path: Path) -> Path:
    """The folder of one of the two, in a copy in the test's own folder."""
    shutil.copytree(two / "outputs", tmp_path / "outputs")
    (found,) = (tmp_path / "outputs" / "two").glob(f"{ONE}*")
    return found


def spoil(path: Path, damage: Damage) -> None:
    path.write_bytes(damage(path.read_bytes()))


@pytest.mark.parametrize("how", ["cut", "empty", "no text"])
def test_damaged_metrics_are_recorded_again_from_the_checkpoint(
    folder: Path, command: Command, how: str
) -> None:
    kept = {path: path.read_bytes() for path in (folder / "latents.csv", *folder.glob("weights*"))}
    before = json.loads((folder / "metrics.json").read_text())
    spoil(folder / "metrics.json", DAMAGES[how])
    done = command(*LINE, cwd=folder.parents[2])
    assert done.returncode == 0, done.stderr
    assert "1 resumed, 1 skipped, 0 failed" in done.stdout
    assert "metrics.json is damaged" in done.stdout
    assert "tested and recorded again" in done.stdout
    after = json.loads((folder / "metrics.json").read_text())
    of_its_moment = {"seconds": 0, "seconds_of": {}}
    assert {**after, **of_its_moment} == {**before, **of_its_moment}
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.parametrize("how", ["cut", "no text"])
def test_a_damaged_status_matters_where_nothing_else_tells_what_was_trained(
    folder: Path, command: Command, how: str
) -> None:
    spoil(folder / "status.json", DAMAGES[how])
    done = command(*LINE, cwd=folder.parents[2])
    assert "2 skipped, 0 failed" in done.stdout, done.stderr
    (folder / "metrics.json").unlink()  # nothing tells of the faces any more
    refused = command(*LINE, cwd=folder.parents[2])
    assert refused.returncode == 1
    assert "1 skipped, 1 failed" in refused.stdout
    (line,) = refused.stderr.strip().splitlines()
    assert "status.json is damaged" in line
    assert "force=true" in line
    shutil.rmtree(folder / "checkpoints")  # nothing was trained: nothing to be careful with
    done = command(*LINE, cwd=folder.parents[2])
    assert "1 trained, 0 resumed, 1 skipped, 0 failed" in done.stdout, done.stderr


@pytest.mark.parametrize("how", ["cut", "empty", "nested", "growing"])
def test_a_run_whose_settings_are_damaged_is_refused_and_stays(
    folder: Path, command: Command, measure: Command, how: str
) -> None:
    spoil(folder / "config.yaml", DAMAGES[how])
    before = {path: path.read_bytes() for path in folder.glob("[!.]*.*")}
    refused = command(*LINE, cwd=folder.parents[2])
    measured = measure("study=two", cwd=folder.parents[2])
    for done in (refused, measured):
        assert done.returncode == 1
        (line,) = done.stderr.strip().splitlines()
        assert "config.yaml " in line
        assert "force=true" in line
    assert "1 skipped, 1 failed" in refused.stdout
    assert "measured already" in measured.stdout
    left_out = read_run(folder)
    assert isinstance(left_out, LeftOut)
    assert left_out.status == "unreadable"
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("latents.csv", cut_at_a_line_end),
        ("latents.parquet", DAMAGES["cut"]),
        ("latents.json", DAMAGES["a list"]),
    ],
)
def test_damaged_tables_are_noticed_and_measured_again_to_the_same_bytes(
    folder: Path, command: Command, measure: Command, name: str, damage: Damage
) -> None:
    whole = {path: path.read_bytes() for path in folder.glob("latents.*")}
    assert len(whole) == 3
    spoil(folder / name, damage)
    told = name != "latents.parquet"  # which the report does not read
    assert isinstance(read_run(folder), LeftOut) == told
    done = measure("study=two", cwd=folder.parents[2])
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in whole} == whole
    spoil(folder / name, damage)
    done = command(*LINE, cwd=folder.parents[2])
    assert "2 skipped, 0 failed" in done.stdout, done.stderr
    assert "measured again" in done.stdout
    assert {path: path.read_bytes() for path in whole} == whole


def test_a_table_of_before_there_were_checksums_is_read_and_not_measured_again(
    folder: Path, measure: Command
) -> None:
    path = folder / "latents.json"
    stamp = json.loads(path.read_text())
    assert set(stamp.pop("sha256")) == {"latents.csv", "latents.parquet"}
    path.write_text(json.dumps(stamp))
    assert isinstance(read_run(folder), Finished)
    assert measure("study=two", cwd=folder.parents[2]).stdout.count("measured already") == 2


def test_whatever_a_record_holds_the_run_is_read_or_left_out_in_one_line(folder: Path) -> None:
    chance = random.Random(12)
    names = ("metrics.json", "status.json", "config.yaml", "latents.json", "latents.csv")
    whole = {name: (folder / name).read_bytes() for name in names}
    left_out = 0
    for _ in range(150):
        name = chance.choice(names)
        (folder / name).write_bytes(mutated(whole[name], chance))
        found = read_run(folder)
        if isinstance(found, LeftOut):
            left_out += 1
            assert found.reason.isprintable()
        (folder / name).write_bytes(whole[name])
    assert 50 < left_out < 150
    assert isinstance(read_run(folder), Finished)


def mutated(whole: bytes, chance: random.Random) -> bytes:
    """A few bytes or one value of a record changed, or a part of it gone, doubled or moved."""
    start, end = sorted(chance.choices(range(len(whole) + 1), k=2))
    part = whole[start:end]
    values = (b"null", b"[]", b"{}", b"-1", b"1e999", b'"text"', b"true", b"9" * 400, b"*", b"\0")
    at = chance.randrange(len(whole))
    stop = next((i for i in range(at, len(whole)) if whole[i : i + 1] in b",\n:"), at)
    return chance.choice(
        [
            whole[:start] + whole[end:],
            whole[:start] + part + part + whole[end:],
            whole[:at] + bytes([chance.randrange(256)]) + whole[at + 1 :],
            whole[:at] + chance.choice(values) + whole[stop:],
            whole[: whole.rfind(b" ", 0, at) + 1] + chance.choice(values) + whole[stop:],
        ]
    )


def test_a_run_that_names_another_spec_stays_with_those_it_is_trained_like(copied: Path) -> None:
    before = read_study(copied.parent, copied.name)
    path = before.runs[0].folder / "config.yaml"
    path.write_text(path.read_text().replace("spec: default", "spec: mine"))
    study = read_study(copied.parent, copied.name)
    assert study.spec == before.spec
    assert [run.folder for run in study.runs] == [run.folder for run in before.runs]
