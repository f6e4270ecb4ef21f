"""A tiny face set drawn here, and the command run as a user runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

PERSONS = 12
YAWS = (-90, -45, 0, 45, 90)

InProcess = Callable[..., "str | None"]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def draw_head(person: int, yaw: int, size: int = 64) -> Image.Image:
    """A round head in the person's colours whose eyes and mouth move with the yaw."""
    skin, eyes, mouth = np.random.default_rng(person).integers(40, 255, (3, 3)).tolist()
    picture = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((12, 6, 52, 60), fill=(*skin, 255))
    middle = 32 + 16 * np.sin(np.radians(yaw))
    for x in (middle - 8, middle + 8):
        draw.ellipse((x - 3, 24, x + 3, 30), fill=(*eyes, 255))
    draw.rectangle((middle - 7, 44, middle + 7, 48), fill=(*mouth, 255))
    return picture


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def faces_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .zip in the layout of the embedded heads: PERSONS persons, YAWS yaws."""
    path = tmp_path_factory.mktemp("faces") / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for person in range(PERSONS):
            for yaw in YAWS:
                archive.writestr(f"{person:04d}/yaw{yaw}.png", png(draw_head(person, yaw)))
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user with an empty cache; one thread, as the networks are tiny."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return {**os.environ, "XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> InProcess:
    """Runs a command's main() in a folder of the test's own; returns its exit message, if any.

    In this process, as starting one for each of many refusals would take minutes.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", environment["XDG_CACHE_HOME"])

    def run(main: Callable[[], None], *overrides: str) -> str | None:
        monkeypatch.setattr(sys, "argv", ["command", *overrides])
        try:
            main()
        except SystemExit as end:
            return str(end.code)
        return None

    return run


@pytest.fixture(scope="session")
def command(faces_zip: Path, environment: dict[str, str]) -> Command:
    """`python -m facerot.train` on the tiny faces, in a folder of the test's choice."""

    def run(*overrides: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "facerot.train", "budget=smoke"]
        if not any(word.startswith("data.root=") for word in overrides):
            line.append(f"data.root={faces_zip}")
        line += overrides
        return subprocess.run(
            line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
        )

    return run
