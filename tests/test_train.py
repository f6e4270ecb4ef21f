"""The command, run as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import Command, training_line

RUN_FILES = (
    *("config.yaml", "status.json", "metrics.json", "weights.safetensors", "checkpoints/last.ckpt"),
    *("latents.csv", "latents.parquet", "latents.json", "faces/figure6_test.png"),
    *("faces/train_rgb.png",),
)


def read(folder: Path, name: str = "metrics.json") -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / name).read_text())
    return value


def scalar_steps(events: Path, tag: str) -> list[int]:
    board = EventAccumulator(str(events)).Reload()
    return [event.step for event in board.Scalars(tag)] if tag in board.Tags()["scalars"] else []


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "latents.csv").open() as file:
        return list(csv.DictReader(file))


def run_of(studied: Path, name: str) -> Path:
    return studied / "outputs" / "heads-smoke" / f"{name}_seed-0"


def test_a_run_is_recorded(studied: Path) -> None:
    for name in ("unet_concats-1234", "unet_concats-24", "autoencoder"):
        folder = run_of(studied, name)
        assert all((folder / file).exists() for file in RUN_FILES)
        assert read(folder, "status.json")["status"] == "finished"
        metrics = read(folder)
        assert metrics["seed"] == 0
        assert metrics["data"] == "heads"
        assert set(metrics["baselines"]) == {"copy_input", "mean_face"}
        assert all(metrics[split]["mse"] > 0 for split in ("train", "test"))
        assert set(metrics["seconds_of"]) == {"training", "evaluation", "measuring"}
        assert all(seconds > 0 for seconds in metrics["seconds_of"].values())
        assert sum(metrics["seconds_of"].values()) == pytest.approx(metrics["seconds"], abs=0.02)


def test_a_run_whose_loss_still_falls_is_marked(command: Command, tmp_path: Path) -> None:
    done = command(
        "concats=[]",
        "trainer.schedule=constant",
        "trainer.learning_rate=0.02",
        "trainer.epochs=1,2",
        "-m",
        cwd=tmp_path,
    )
    one, two = (line for line in done.stdout.splitlines() if " trained  " in line)
    assert "settled" not in one
    assert two.endswith("not settled")
    found = [
        read(folder)["settled"] for folder in (tmp_path / "outputs" / "heads-smoke").glob("a*")
    ]
    assert sorted(found, key=str) == [False, None]


def test_bfloat16_trains_other_weights_and_measures_them_as_ever(
    command: Command, tmp_path: Path
) -> None:
    done = command("concats=[2]", "trainer.precision=float32,bfloat16", "-m", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    usual, low = sorted((tmp_path / "outputs" / "heads-smoke").glob("unet_concats-2_seed-0*"))
    pairs = zip(*(load_file(run / "weights.safetensors").values() for run in (usual, low)))
    away = [float((one.float() - other.float()).abs().max()) for one, other in pairs]
    assert 0 < max(away) < 0.05
    for run in (usual, low):
        (kept,) = (
            float(row["value"])
            for row in rows(run)
            if [row[name] for name in ("split", "probe", "keep", "fill", "score")]
            == ["test", "rgb", "25", "zero", "mse"]
        )
        assert read(run)["test"]["mse"] == pytest.approx(kept, rel=1e-6)


def test_the_checkpoint_loads_with_weights_only(studied: Path) -> None:
    checkpoint = run_of(studied, "unet_concats-24") / "checkpoints" / "last.ckpt"
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["hyper_parameters"]["concats"] == [2, 4]


@pytest.mark.parametrize(
    ("name", "latents"),
    [("unet_concats-1234", "12345"), ("unet_concats-24", "245"), ("autoencoder", "5")],
)
def test_latents_csv_has_every_mask_of_the_model_and_no_other(
    studied: Path, name: str, latents: str
) -> None:
    found = rows(run_of(studied, name))
    every = {
        "".join(k for k, on in zip(latents, switches) if on) or "none"
        for switches in product((True, False), repeat=len(latents))
    }
    removed = {latents} | {latents.replace(k, "") or "none" for k in latents}
    for split, fill in product(("train", "test"), ("zero", "mean")):
        for probe in ("rgb", "r", "g", "b", "mosaic"):
            keeps = {
                row["keep"]
                for row in found
                if (row["split"], row["probe"], row["fill"]) == (split, probe, fill)
            }
            assert keeps == (every if probe == "rgb" else removed)


def test_latents_csv_agrees_with_metrics_and_with_itself(studied: Path) -> None:
    folder = run_of(studied, "unet_concats-1234")
    metrics, values = read(folder), {}
    for row in rows(folder):
        key = tuple(row[name] for name in ("split", "probe", "keep", "fill", "score"))
        assert key not in values
        values[key] = float(row["value"])
    for split, score in product(("train", "test"), ("mse", "psnr", "ssim")):
        value = values[split, "rgb", "12345", "zero", score]
        assert value == pytest.approx(metrics[split][score], rel=1e-4)
    for split, fill in product(("train", "test"), ("zero", "mean")):
        assert values[split, "rgb", "12345", fill, "colour_kept"] == 1
        for channel in "rgb":
            leaked = [
                values[split, channel, "1345", fill, f"leakage_{channel}{other}"] for other in "rgb"
            ]
            assert sum(leaked) == pytest.approx(1, abs=1e-5)
    zero, mean = (values["test", "rgb", "none", fill, "mse"] for fill in ("zero", "mean"))
    assert zero != mean


def test_tensorboard_holds_curves_panels_histograms_and_hyperparameters(studied: Path) -> None:
    folder = run_of(studied, "unet_concats-1234")
    tags: dict[str, set[str]] = {"scalars": set(), "images": set(), "histograms": set()}
    for file in folder.glob("events*"):
        board = EventAccumulator(str(file)).Reload()
        for kind in tags:
            tags[kind] |= set(board.Tags()[kind])
    assert {"loss", "mse/train", "mse/test", "learning_rate"} <= tags["scalars"]
    assert "hp_metric" not in tags["scalars"]
    panels = {f"{name}/{split}" for name in ("faces", "figure5", "figure6", "figure8", "figure9")
              for split in ("train", "test")}  # fmt: skip
    assert panels <= tags["images"]
    assert {f"latent{k}/test" for k in range(1, 6)} <= tags["histograms"]


def test_every_spelling_lands_in_the_same_folder(command: Command, tmp_path: Path) -> None:
    first = command("+concats=[4,2]", "-m", cwd=tmp_path)
    assert "1 trained" in first.stdout, first.stderr
    again = command("concats=[2,4],[4,2]", "trainer.epochs=2", "-m", cwd=tmp_path)
    assert "2 skipped" in again.stdout, again.stderr
    folders = list((tmp_path / "outputs" / "heads-smoke").glob("[!.]*"))
    assert [folder.name for folder in folders] == ["unet_concats-24_seed-0"]


def test_seed_zero_is_a_seed_and_equal_seeds_give_equal_bits(
    studied: Path, process: Command, tmp_path: Path
) -> None:
    done = process("seed=0,1", "split_seed=${seed}", "concats=[]", "-m", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    weights = {
        (place, seed): load_file(
            place / "outputs" / "heads-smoke" / f"autoencoder_seed-{name}" / "weights.safetensors"
        )
        for place, (seed, name) in product((studied, tmp_path), enumerate(("0", "1_split-1")))
    }
    name = "down3.0.weight"
    for seed in (0, 1):
        one, other = weights[studied, seed], weights[tmp_path, seed]
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert not torch.equal(weights[studied, 0][name], weights[studied, 1][name])


def test_a_killed_run_resumes_to_the_same_bits(
    command: Command, tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    line = ["trainer.epochs=30", "trainer.evaluate_every=30", "trainer.checkpoint_every=4"]
    assert command(*line, "outputs=whole", cwd=tmp_path).returncode == 0
    child = subprocess.Popen(
        [sys.executable, "-m", "facerot.train", "outputs=killed",
         *training_line(faces_zip, tuple(line))],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    killed = tmp_path / "killed" / "heads-smoke"
    deadline = time.monotonic() + 120
    while not list(killed.glob("*/checkpoints/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    (folder,) = killed.glob("[!.]*")
    assert not (folder / "metrics.json").exists(), "killed too late to test anything"

    before = set(folder.glob("events*"))
    resumed = command(*line, "outputs=killed", cwd=tmp_path)
    assert "resumed" in resumed.stdout
    steps = [scalar_steps(file, "loss") for file in set(folder.glob("events*")) - before]
    assert min(step for found in steps for step in found) >= 4, "started over"
    whole = tmp_path / "whole" / "heads-smoke" / folder.name
    for file in ("weights.safetensors", "latents.csv", "latents.parquet"):
        assert (folder / file).read_bytes() == (whole / file).read_bytes()
    assert read(folder)["test"] == read(whole)["test"]


def test_a_failing_job_stops_no_other_and_leaves_its_error(
    command: Command, tmp_path: Path, faces_zip: Path
) -> None:
    roots = f"data.root=nowhere,{faces_zip}"
    done = command("concats=[2]", roots, "seed=0,1", "study=mixed", "-m", cwd=tmp_path)
    assert done.returncode == 1
    assert "2 failed" in done.stdout.splitlines()[-1]
    assert "2 trained" in done.stdout.splitlines()[-1]

    done = command("data.root=nowhere", cwd=tmp_path)
    assert done.returncode == 1
    (folder,) = (tmp_path / "outputs" / "heads-smoke").glob("[!.]*")
    status = read(folder, "status.json")
    assert status["status"] == "failed"
    assert "nowhere" in status["error"]
    retried = command(cwd=tmp_path)
    assert retried.returncode == 0
    assert read(folder, "status.json")["status"] == "finished"


def test_a_finished_run_is_kept_unless_forced(
    copied: Path, command: Command, tmp_path: Path, faces_zip: Path
) -> None:
    folder = copied / "unet_concats-2_seed-0"
    before = (folder / "metrics.json").stat().st_mtime_ns

    skipped = command("concats=[2]", cwd=tmp_path)
    assert "skipped;" in skipped.stdout
    other = tmp_path / "other.zip"
    other.write_bytes(faces_zip.read_bytes().replace(b"0003/", b"9003/"))
    refused = command("concats=[2]", f"data.root={other}", cwd=tmp_path)
    assert refused.returncode == 1
    assert "other faces" in refused.stderr
    assert (folder / "metrics.json").stat().st_mtime_ns == before

    forced = command("concats=[2]", "force=true", cwd=tmp_path)
    assert "trained" in forced.stdout, forced.stderr
    assert (folder / "metrics.json").stat().st_mtime_ns > before


def test_photos_left_out_are_counted_in_the_record(
    command: Command, tmp_path: Path, faces_zip: Path
) -> None:
    root = tmp_path / "faces.zip"
    with zipfile.ZipFile(faces_zip) as whole, zipfile.ZipFile(root, "w") as spoilt:
        for name in whole.namelist():
            spoilt.writestr(name, b"" if name == "0002/yaw0.png" else whole.read(name))
    refused = command(f"data.root={root}", cwd=tmp_path)
    assert refused.returncode == 1
    assert "0002/yaw0.png (empty file)" in refused.stderr.splitlines()[-1]
    done = command(f"data.root={root}", "data.on_bad=skip", cwd=tmp_path)
    assert "0002/yaw0.png (empty file)" in done.stdout
    (folder,) = (tmp_path / "outputs" / "heads-smoke").glob("[!.]*")  # the same run, tried again
    assert read(folder)["faces"]["left_out"]["photos that cannot be used"] == 1
    assert "11 persons, 11 pairs" in read(folder)["faces"]["summary"]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["concats=2,4"], "'concats=[2,4]'"),
        (["concats=2,4", "-m"], "'concats=[2],[4]' -m"),
        (["seed=0,1"], "add -m"),
        (["budget=smok"], "did you mean 'smoke'?"),
        (["-m", "budget=quick,ful"], "did you mean 'full'?"),
        (["data=lodnon"], "did you mean 'london'?"),
        (["+experiment=tabel1"], "did you mean 'table1'?"),
        (["experiment=table1"], "+experiment=table1"),
        (["model.channels={a: 1}"], "model.channels"),
        (["seed=${sed}"], "sed"),
        (["model=null"], "choose from"),
        (["size=[64"], "at input '[64'"),
        (["threads=0"], "threads=0"),
        (["concats=2"], "'concats=[2]'"),
        (["concats=[5]"], "no Concat5"),
        (["concats=[2,2]"], "'concats=[2]'"),
        (["concat=[2]"], "'concats'"),
        (["+trainer.epoch=3"], "'trainer.epochs'"),
        (["trainer.epochs=many"], "trainer.epochs"),
        (["trainer.epochs=0"], "at least 1"),
        (["source_yaw=10"], "source_yaw=0"),
        (["source_yaw=-45,45"], "'source_yaw=[-45,45]'"),
        (["model=autoencoder", "concats=[2]"], "no Concats"),
        (["data=london", "data.root=???"], "data.root=PATH"),
        (["data.root=nowhere.zip"], "no such folder or .zip"),
        (["size=50"], "32 or 64"),
        (["latents.fills=[zeros]"], "'zero'"),
        (["trainer.optimizer=adamm"], "'adam'"),
        (["data.on_bad=skipp"], "'skip'"),
        (["test_fraction=1.5"], "(0, 1)"),
    ],
)
def test_bad_input_gets_one_clear_line(
    command: Command, tmp_path: Path, overrides: list[str], says: str
) -> None:
    done = command(*overrides, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: ")
    assert says in line
    assert not (tmp_path / "outputs").exists() or overrides == ["data.root=nowhere.zip"]


def test_a_refusal_comes_before_torch(process: Command, tmp_path: Path) -> None:
    done = process("concats=[5]", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    code = "import sys, facerot.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_budget_counts_steps(command: Command, tmp_path: Path) -> None:
    steps = ("trainer.epochs=null", "trainer.steps=5", "trainer.batch_size=3")  # 4 a epoch
    done = command(*steps, "concats=[]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs" / "heads-smoke").glob("[!.]*")
    assert (read(folder)["epochs"], read(folder)["steps"]) == (2, 8)


def test_one_cycle_may_peak_in_its_first_step(command: Command, tmp_path: Path) -> None:
    done = command("trainer.epochs=10", "trainer.evaluate_every=10", "concats=[]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_overrides_may_follow_the_flag_of_a_sweep(command: Command, tmp_path: Path) -> None:
    done = command("+concats=[2,4]", "-m", "seed=0,1", "trainer.epochs=1", cwd=tmp_path)
    assert "2 trained, 0 resumed, 0 skipped, 0 failed" in done.stdout, done.stderr
    assert done.stdout.startswith("2 runs, one after the other\nheads: "), "somebody else speaks"
    assert done.stdout.count("MSE: the squared difference") == 1
