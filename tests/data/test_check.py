"""The command that looks at a face set before training, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerot.data.check import main
from tests.conftest import InProcess, draw_head

Check = Callable[..., "tuple[str, str | None]"]

FORMATS = {"a": ("front.jpg", "left.jpg"), "b": ("front.png", "left.webp")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten persons, two views each; one also has a view that no yaw is known of."""
    root = tmp_path / "faces"
    for seed, person in enumerate("abcdefghij"):
        (root / person).mkdir(parents=True)
        for name, yaw in zip(FORMATS.get(person, ("front.png", "left.png")), (0, -45)):
            draw_head(seed, yaw, 96).convert("RGB").save(root / person / name)
    draw_head(1, 20).save(root / "b" / "half.png")
    (root / "notes.txt").write_text("nothing")
    return root


@pytest.fixture
def check(root: Path, in_process: InProcess, capsys: pytest.CaptureFixture[str]) -> Check:
    """The command on those faces: what it prints, and its exit message."""

    def run(*overrides: str) -> tuple[str, str | None]:
        end = in_process(main, "data=folder", f"data.root={root}", *overrides)
        return capsys.readouterr().out, end

    return run


def test_it_says_what_is_there_and_draws_pairs(root: Path, environment: dict[str, str]) -> None:
    line = [sys.executable, "-m", "facerot.data.check", "data=folder", f"data.root={root}"]
    done = subprocess.run(line, cwd=root.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for text in (
        "22 files, 20 views",
        "1 files are no view, such as b/half.png",
        "such as   a/left.jpg -> a/front.jpg",
        "-45 (10), 0 (10)",
        "96x96 (20)",
        "JPEG RGB (2)",
        "WEBP RGB (1)",
        "10 persons, 10 pairs (yaw -45 -> 0)",
        "train 9 pairs of 9 persons, test 1 pairs of 1 persons",
        "1 files of view 'half', which has no yaw",
    ):
        assert text in done.stdout
    with Image.open(root.parent / "outputs" / "folder-check_-45_to_0.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape == (2 * (14 + 2 * 64), 2 * 11 * 64, 3)
    sources, targets = pixels[28:156], pixels[156:]
    assert not np.array_equal(sources, targets)


def test_eye_band_and_face_box_are_drawn_or_said_to_be_unknown(
    root: Path, check: Check, tmp_path: Path
) -> None:
    said, _ = check()
    assert "Without data.eye_band and data.face_box the scores there are left out." in said
    said, _ = check("data.eye_band=[0.25,0.5]", "data.face_box=[0.25,0.125,0.75,0.875]")
    assert "Look at it: do the eye band (cyan) and face box (yellow) fit?" in said
    with Image.open(tmp_path / "outputs" / "folder-check_-45_to_0.png") as sheet:
        half = sheet.convert("RGB").resize((sheet.width // 2, sheet.height // 2), 0)
    pixels = np.asarray(half)[14:].reshape(2, 64, -1, 64, 3).swapaxes(1, 2).reshape(-1, 64, 64, 3)
    for face in pixels:
        assert (face[[16, 32], 50::2] == (0, 255, 255)).all()
        assert (face[8:57, [16, 48]] == (255, 255, 0)).all()
        assert (face[[8, 56], 16:49] == (255, 255, 0)).all()


def test_it_names_bad_photos_and_photos_under_several_persons(root: Path, check: Check) -> None:
    (root / "c" / "front.png").write_bytes(b"")
    with Image.open(root / "d" / "left.png") as photo:
        photo.resize((200, 200)).save(root / "e" / "left.png", "JPEG", quality=70)
    (root / "f" / "left.png").write_bytes((root / "d" / "left.png").read_bytes())
    (root / "h" / "left.png").write_bytes((root / "h" / "front.png").read_bytes())  # no leak
    said, line = check()
    assert line is not None
    assert line.startswith("facerot: ")
    assert "h/" not in line
    assert "c/front.png (empty file)" in line
    assert "1 photos are there under several persons" in line
    assert "d/left.png = e/left.png = f/left.png." in line
    assert "9 pairs" in said


def test_what_pairs_nothing_is_shown_and_refused(check: Check) -> None:
    said, line = check("source_yaw=90")
    assert "-45 (10), 0 (10)" in said
    assert "nothing is paired at source_yaw=[90.0]" in str(line)
    assert "source_yaw=-45" in str(check("source_yaw=-44")[1])


def test_fewer_training_persons_are_counted_and_too_many_refused(check: Check) -> None:
    said, line = check("train_persons=4")
    assert line is None
    assert "train 4 pairs of 4 persons (of 9), test 1 pairs of 1 persons" in said
    said, line = check("train_persons=10")
    assert "only 9 training persons" in str(line)
    assert "\n" not in str(line)


def test_a_matted_set_is_drawn_over_its_background_and_photos_without_a_wall_named(
    root: Path, check: Check, tmp_path: Path
) -> None:
    for number, photo in enumerate(sorted(root.glob("*/*.*g")) + sorted(root.glob("*/*.webp"))):
        head = draw_head(number, 0, 96)
        behind = Image.linear_gradient("L").resize(head.size).point(lambda grey: 180 + grey // 8)
        wall = behind.convert("RGB")
        wall.paste(head, mask=head)
        wall.save(photo, quality=95)
    assert check("data.matte=wall", "data.background=plain")[1] is None
    with Image.open(tmp_path / "outputs" / "folder-check_-45_to_0.png") as sheet:
        assert sheet.getpixel((4, 32)) == (204, 204, 204)
    Image.effect_noise((96, 96), 200).convert("RGB").save(root / "c" / "front.png")
    said, line = check("data.matte=wall")
    assert "1 photos cannot be used: c/front.png (no smooth wall" in str(line)
    assert "9 pairs" in said


def test_a_set_of_bad_photos_alone_is_refused(root: Path, check: Check) -> None:
    for photo in root.glob("*/*.*g"):
        photo.write_bytes(b"no photo")
    (root / "b" / "left.webp").unlink()
    said, line = check()
    assert "10 (" not in said.split("sizes")[1].splitlines()[0]
    assert "19 photos cannot be used" in str(line)


def test_eyes_outside_of_the_band_are_said_and_a_band_proposed(root: Path, check: Check) -> None:
    names = [f"{person}/{view}.png" for person in "cdefghij" for view in ("left", "front")]
    yaws = {"left": -45, "front": 0}
    rows = [f"{name},{name[0]},{yaws[name[2:-4]]},day {name[0] > 'f'},38,40" for name in names]
    header = "path,person,yaw,session,eye1_x,eye1_y"
    (root / "eyes.csv").write_text("\n".join([header, *rows]))
    said, line = check("data.manifest=eyes.csv", "data.eye_band=[0.5,0.65]")
    assert line is None
    assert "16 of 16 outside of data.eye_band=[0.5, 0.65]: try [0.34,0.49]" in said
    assert "both photos of a pair have the same 'session' in the manifest" in said
    said, _ = check("data.manifest=eyes.csv")
    assert "data.eye_band=None: try [0.34,0.49]" in said
    said, _ = check("data.manifest=eyes.csv", "data.eye_band=[0.35,0.5]")
    assert "the eyes lie at rows 0.42 to 0.42 of the cut photos" in said
    assert "outside of data" not in said


def test_photos_smaller_than_they_are_used_at_are_counted(check: Check) -> None:
    assert "are smaller than" not in check()[0]
    assert "20 of 20 photos are smaller than size=128 once they are cut" in check("size=128")[0]
