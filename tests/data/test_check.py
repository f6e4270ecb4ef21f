"""The command that looks at a face set before training, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw_head

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


def check(
    root: Path, environment: dict[str, str], *overrides: str
) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "facerot.data.check", "data=folder", f"data.root={root}"]
    return subprocess.run(
        [*line, *overrides], cwd=root.parent, env=environment, capture_output=True, text=True
    )


def test_it_says_what_is_there_and_draws_pairs(root: Path, environment: dict[str, str]) -> None:
    done = check(root, environment)
    assert done.returncode == 0, done.stderr
    for text in (
        "22 files, 20 views",
        "2 files are no view, such as b/half.png, notes.txt",
        "-45 (10), 0 (10)",
        "96x96 (20)",
        "JPEG RGB (2)",
        "WEBP RGB (1)",
        "10 persons, 10 pairs (yaw -45 -> 0)",
        "1 files of view 'half', which has no yaw",
    ):
        assert text in done.stdout
    with Image.open(root.parent / "outputs" / "folder-check.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape == (2 * (14 + 2 * 64), 2 * 10 * 64, 3)
    sources, targets = pixels[28:156], pixels[156:]
    assert not np.array_equal(sources, targets)


def test_it_names_bad_photos_and_photos_under_two_persons(
    root: Path, environment: dict[str, str]
) -> None:
    (root / "c" / "front.png").write_bytes(b"")
    with Image.open(root / "d" / "left.png") as photo:
        photo.resize((200, 200)).save(root / "e" / "left.png", "JPEG", quality=70)
    done = check(root, environment)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("facerot: ")
    assert "c/front.png (empty file)" in line
    assert "1 photos are there under two persons (a leak): d/left.png = e/left.png" in line
    assert "9 pairs" in done.stdout


def test_what_pairs_nothing_is_shown_and_refused(root: Path, environment: dict[str, str]) -> None:
    done = check(root, environment, "source_yaw=90")
    assert done.returncode == 1
    assert "-45 (10), 0 (10)" in done.stdout
    assert "nothing is paired at source_yaw=[90.0]" in done.stderr
    wrong = check(root, environment, "source_yaw=-44")
    assert wrong.returncode == 1
    assert "source_yaw=-45" in wrong.stderr
