"""A trained network on photos of one's own, run as a user runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerot.panels import CAPTION_HEIGHT, Pixels
from facerot.rotate import main
from tests.conftest import InProcess, draw_head

SIZE, SCALE = 64, 4  # px of a face, and of each of its pixels in what is written

Rotate = Callable[..., "str | None"]


@pytest.fixture(scope="module")
def run_folder(studied: Path) -> Path:
    """A run of the network with Concat2 and Concat4."""
    return studied / "outputs" / "heads-smoke" / "unet_concats-24_seed-0"


@pytest.fixture
def rotate(in_process: InProcess) -> Rotate:
    """The command, run in this process."""
    return partial(in_process, main)


def faces_of(strip: Path) -> list[Pixels]:
    """The faces of a strip, left to right."""
    with Image.open(strip) as picture:
        pixels = np.asarray(picture)[2 * CAPTION_HEIGHT :: SCALE, ::SCALE]
    return np.split(pixels, pixels.shape[1] // SIZE, axis=1)


def test_photos_are_turned_and_each_latent_is_removed(
    run_folder: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    photo = draw_head(3, -45).convert("RGB")
    (tmp_path / "photos").mkdir()
    photo.save(tmp_path / "photos" / "né 1.png")
    photo.resize((200, 200)).save(tmp_path / "photos" / "b.JPG")
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    line = [sys.executable, "-m", "facerot.rotate", f"run={run_folder}", "input=photos"]
    subprocess.run(line, cwd=tmp_path, env=environment, check=True)
    assert sorted(path.name for path in (tmp_path / "rotated").iterdir()) == [
        "b.png", "b_strip.png", "né 1.png", "né 1_strip.png"
    ]  # fmt: skip
    seen, output, *removed = faces_of(tmp_path / "rotated" / "né 1_strip.png")
    assert np.array_equal(seen, np.asarray(photo))
    with Image.open(tmp_path / "rotated" / "né 1.png") as turned:
        assert np.array_equal(output, np.asarray(turned)[::SCALE, ::SCALE])
    assert len(removed) == 3  # latent2, latent4 and latent5
    assert not any(np.array_equal(output, face) for face in removed)


def test_weights_keep_and_probe(run_folder: Path, tmp_path: Path, rotate: Rotate) -> None:
    def faces(*overrides: str) -> list[Pixels]:
        assert rotate("input=a.png", "force=true", *overrides) is None
        return faces_of(tmp_path / "rotated" / "a_strip.png")

    draw_head(3, -45).convert("RGB").save(tmp_path / "a.png")
    shutil.copy(run_folder / "weights.safetensors", tmp_path / "bare.safetensors")
    usual = f"weights={run_folder / 'weights.safetensors'}"
    whole, bare = faces(usual), faces("weights=bare.safetensors")
    assert all(np.array_equal(one, other) for one, other in zip(whole, bare, strict=True))
    some = faces(usual, "keep=[5,2]")
    assert np.array_equal(some[1], whole[3])  # 2 and 5 are kept: 4 is removed
    assert len(some) == 4
    mosaic = faces(usual, "probe=mosaic")
    assert (np.sort(mosaic[0], axis=-1)[:, :, :2] == 0).all()
    cut = faces(usual, "crop=[0.25,0.25,0.75,0.75]")
    assert not np.array_equal(cut[0], whole[0])


def test_photos_that_cannot_be_used_are_named_once_the_others_are_written(
    run_folder: Path, tmp_path: Path, rotate: Rotate
) -> None:
    draw_head(3, -45).save(tmp_path / "good.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.png").write_text("no photo")
    weights = f"weights={run_folder / 'weights.safetensors'}"
    assert rotate(weights, "input=[empty.jpg,good.png,text.png]") == (
        "facerot: 2 photos cannot be used: empty.jpg (empty file); text.png (not a picture)"
    )
    assert (tmp_path / "rotated" / "good.png").exists()


def test_nothing_is_written_over_an_input_and_over_the_rest_with_force_alone(
    run_folder: Path, tmp_path: Path, rotate: Rotate
) -> None:
    weights = f"weights={run_folder / 'weights.safetensors'}"
    draw_head(3, -45).save(tmp_path / "a.png")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a_strip.png").symlink_to(tmp_path / "a.png")
    photo = (tmp_path / "a.png").read_bytes()
    for out in (".", "elsewhere"):
        for force in ("force=false", "force=true"):
            line = rotate(weights, "input=a.png", f"out={out}", force)
            assert line is not None
            assert "1 photos of the input would be written over" in line
            assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "elsewhere"]
    assert (tmp_path / "a.png").read_bytes() == photo

    assert rotate(weights, "input=a.png") is None
    turned = tmp_path / "rotated" / "a.png"
    before = turned.read_bytes()
    turned.write_text("mine")
    line = rotate(weights, "input=a.png")
    assert line is not None
    assert "2 files are there already" in line
    assert "force=true" in line
    assert turned.read_text() == "mine"
    assert rotate(weights, "input=a.png", "force=true") is None
    assert turned.read_bytes() == before


@pytest.mark.parametrize("name", ["input", "weights", "checkpoint", "config.yaml"])
def test_files_that_never_end_are_refused(
    run_folder: Path, tmp_path: Path, rotate: Rotate, name: str
) -> None:
    draw_head(3, -45).save(tmp_path / "a.png")
    shutil.copy(run_folder / "weights.safetensors", tmp_path / "w.safetensors")
    pipe = tmp_path / (name if "." in name else "pipe.png")
    os.mkfifo(pipe)
    asked = {"weights": "w.safetensors", "input": "a.png"}
    for file in [pipe] if "." in name else [pipe, Path("/dev/zero")]:
        line = {**asked, **({} if "." in name else {name: str(file)})}
        if "checkpoint" in line:
            del line["weights"]
        said = rotate(*(f"{key}={value}" for key, value in line.items()))
        assert said is not None
        assert "no regular file" in said


def test_folders_of_folders_and_patterns_keep_their_places(
    run_folder: Path, tmp_path: Path, rotate: Rotate, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("x/left.png", "x/front.png", "y/left.png", "y/deep [1]/left.JPG")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        draw_head(seed, 0).convert("RGB").save(tmp_path / "in" / name)
    (tmp_path / "in" / "y" / "notes.txt").write_text("no photo")

    def written(*overrides: str) -> list[str]:
        assert rotate(f"run={run_folder}", *overrides) is None
        printed = capsys.readouterr().out.splitlines()
        return [line for line in printed if not line.startswith("far from")]

    everything = [f"{name}.png" for name in ("x/front", "x/left", "y/deep [1]/left", "y/left")]
    assert written("input=in", "out=all") == [f"all/{name}" for name in everything]
    assert written("input=in/*/left.png", "out=some") == ["some/x/left.png", "some/y/left.png"]
    assert written("input=in/y*", "out=y") == ["y/y/deep [1]/left.png", "y/y/left.png"]
    assert written('input="in/y/deep [1]/left.JPG"', "out=one") == ["one/left.png"]
    assert written("input=.", "out=here", "force=true")[-1].startswith("here/y/")
    again = written("input=.", "out=here", "force=true")
    assert not any("here/here" in line for line in again), "its own pictures were turned"


def test_a_photo_far_from_the_training_faces_is_named_in_one_line(
    run_folder: Path, tmp_path: Path, rotate: Rotate, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(run_folder / "faces" / "train_rgb.png") as sheet:
        sheet.crop((0, 0, SIZE, SIZE)).save(tmp_path / "known.png")
    Image.new("RGB", (40, 50), "white").save(tmp_path / "white.png")
    checkpoint = f"checkpoint={run_folder / 'checkpoints' / 'last.ckpt'}"
    assert rotate(checkpoint, "input=known.png") is None
    assert capsys.readouterr().out == "rotated/known.png\n"
    assert rotate(checkpoint, "input=[known.png,white.png]", "force=true") is None
    *_, line = capsys.readouterr().out.splitlines()
    assert line.endswith(
        ": white.png (enlarged from 40 px, another colour behind, a smoother background)"
    )
    shutil.copy(run_folder / "weights.safetensors", tmp_path)
    assert rotate("weights=weights.safetensors", "input=white.png", "force=true") is None
    assert capsys.readouterr().out.endswith("white.png (enlarged from 40 px)\n")


def test_photos_of_one_name_do_not_overwrite_each_other(
    run_folder: Path, tmp_path: Path, rotate: Rotate
) -> None:
    for seed, name in enumerate(("x/a.png", "y/a.png", "a_2.png", "a.jpg", "a_strip.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        draw_head(seed, 0).convert("RGB").save(tmp_path / name)
    weights = f"weights={run_folder / 'weights.safetensors'}"
    assert rotate(weights, "input=[x/a.png,y/a.png,a_2.png,a.jpg,a_strip.png]") is None
    assert len(list((tmp_path / "rotated").glob("*.png"))) == 10


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["input=a.png"], "run=outputs"),
        (["run=.", "input=a.png"], "run=.: no folder of a run"),
        (["run=.", "weights={weights}", "input=a.png"], "by one of"),
        (["weights={weights}"], "input="),
        (["weights={weights}", "input=nowhere.png"], "nowhere.png"),
        (["weights={weights}", "input=a.png", "keep=[1]"], "only 2, 4, 5"),
        (["weights={weights}", "input=a.png", "keep=2"], "'keep=[2]'"),
        (["weights={weights}", "input=a.png", "probe=grey"], "mosaic"),
        (["weights={weights}", "input=a.png", "crop=[0,0,2,1]"], "crop"),
        (["weights={weights}", "inputs=a.png"], "'input'"),
        (["weights={weights}", "input=a.png", "out=a.png/there"], "out=a.png/there cannot be"),
        (["weights=a.png", "input=a.png"], "no network"),
        (["checkpoint={weights}", "input=a.png"], "no network"),
    ],
)
def test_bad_input_gets_one_clear_line(
    run_folder: Path, tmp_path: Path, rotate: Rotate, overrides: list[str], says: str
) -> None:
    draw_head(3, -45).save(tmp_path / "a.png")
    weights = run_folder / "weights.safetensors"
    line = rotate(*(word.format(weights=weights) for word in overrides))
    assert line is not None
    assert line.startswith("facerot: ")
    assert "\n" not in line
    assert says in line
