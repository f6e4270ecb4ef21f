"""A tiny face set drawn here, the commands run as a user runs them, and one study that tests share.

Commands run in this process unless a test needs a process of its own (to kill it, or to see what
it imports): starting torch and Lightning takes some five seconds each time. One thread a process,
as the networks are tiny.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import hydra
import numpy as np
import pytest
from filelock import FileLock
from PIL import Image, ImageDraw

from facerot.analyse import main as analyse_main
from facerot.config import CONF, Settings
from facerot.measure.__main__ import main as measure_main
from facerot.report.__main__ import main as report_main
from facerot.train import main as train_main
from facerot.validate import resolve

PERSONS = 12
YAWS = (-90, -45, 0, 45, 90)
FAILING = "no<b>where"  # a root that does not exist, in a text that HTML would take for a tag

Done = subprocess.CompletedProcess[str]
InProcess = Callable[..., "str | None"]
Command = Callable[..., Done]


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


@contextmanager
def as_user(arguments: list[str], cwd: Path, cache: str) -> Iterator[None]:
    """The command line, the folder and the cache of somebody who runs a command."""
    argv, home, environment = sys.argv, Path.cwd(), dict(os.environ)
    sys.argv = ["command", *arguments]
    os.chdir(cwd)
    os.environ["XDG_CACHE_HOME"] = cache
    try:
        yield
    finally:
        sys.argv = argv
        os.chdir(home)
        os.environ.clear()
        os.environ.update(environment)
        for name in logging.root.manager.loggerDict:  # Hydra turns off those of quiet commands
            logging.getLogger(name).disabled = False


def run_main(main: Callable[[], None], *arguments: str, cwd: Path, cache: str) -> Done:
    """A command's main(), run in this process: its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with as_user([*arguments], cwd, cache), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    if isinstance(code, str):  # as Python itself does it
        print(code, file=err)
    status = code if isinstance(code, int) else int(code is not None)
    return Done([*arguments], status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One folder for all workers of this test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


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
    """The environment of a user with an empty cache."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def in_process(tmp_path: Path, environment: dict[str, str]) -> InProcess:
    """Runs a command's main() in a folder of the test's own; returns its exit message, if any.

    What it prints is left to capsys.
    """

    def run(main: Callable[[], None], *overrides: str) -> str | None:
        with as_user([*overrides], tmp_path, environment["XDG_CACHE_HOME"]):
            try:
                main()
            except SystemExit as end:
                return str(end.code)
        return None

    return run


def training_line(faces_zip: Path, overrides: tuple[str, ...]) -> list[str]:
    """What follows `facerot.train`: the tiny faces, one fill, no other processes.

    Unless a test says otherwise.
    """
    usual = {"data.root": str(faces_zip), "latents.fills": "[zero]", "jobs": "1"}
    named = {word.split("=")[0] for word in overrides}
    rest = [f"{name}={value}" for name, value in usual.items() if name not in named]
    return ["budget=smoke", *rest, *overrides]


@pytest.fixture(scope="session")
def command(faces_zip: Path, environment: dict[str, str]) -> Command:
    """`facerot.train` on the tiny faces, in a folder of the test's choice."""

    def run(*overrides: str, cwd: Path) -> Done:
        line = training_line(faces_zip, overrides)
        return run_main(train_main, *line, cwd=cwd, cache=environment["XDG_CACHE_HOME"])

    return run


@pytest.fixture(scope="session")
def measure(environment: dict[str, str]) -> Command:
    """`facerot.measure` in a folder of the test's choice."""

    def run(*overrides: str, cwd: Path) -> Done:
        return run_main(measure_main, *overrides, cwd=cwd, cache=environment["XDG_CACHE_HOME"])

    return run


@pytest.fixture(scope="session")
def analyse(environment: dict[str, str]) -> Command:
    """`facerot.analyse` in a folder of the test's choice, one run after the other."""

    def run(*overrides: str, cwd: Path) -> Done:
        line = [*overrides] if any("jobs" in word for word in overrides) else [*overrides, "jobs=1"]
        return run_main(analyse_main, *line, cwd=cwd, cache=environment["XDG_CACHE_HOME"])

    return run


@pytest.fixture(scope="session")
def report(environment: dict[str, str]) -> Command:
    """`facerot.report` in a folder of the test's choice."""

    def run(*overrides: str, cwd: Path) -> Done:
        return run_main(report_main, *overrides, cwd=cwd, cache=environment["XDG_CACHE_HOME"])

    return run


@pytest.fixture(scope="session")
def tiny_settings(
    faces_zip: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The settings of a tiny network, for tests that train without the command."""
    with (
        as_user([], tmp_path_factory.mktemp("home"), environment["XDG_CACHE_HOME"]),
        hydra.initialize_config_dir(str(CONF), version_base="1.3"),
    ):
        few = ["model.channels=2", "trainer.evaluate_every=9", "threads=1"]  # epochs: 2, of smoke
        cfg = hydra.compose("train", ["budget=smoke", f"data.root={faces_zip}", *few])
        return resolve(cfg, Settings)


@pytest.fixture(scope="session")
def process(faces_zip: Path, environment: dict[str, str]) -> Command:
    """`python -m facerot.train` in a process of its own."""

    def run(*overrides: str, cwd: Path) -> Done:
        line = [sys.executable, "-m", "facerot.train", *training_line(faces_zip, overrides)]
        return subprocess.run(
            line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def studied(shared_folder: Path, command: Command) -> Path:
    """A folder whose study heads-smoke is half done; not to be changed, see `copied`.

    The U-Net and the auto-encoder with seeds 0, 1, 3 (2 would test nobody) and both fills, Concat2
    and {2,4} with one seed, Concat3 with another learning rate, Concat4 failed.
    """
    cwd, fills = shared_folder / "studied", "latents.fills=[zero,mean]"
    with FileLock(shared_folder / "studied.lock"):
        if not cwd.exists():
            cwd.mkdir()
            done = command("+experiment=table1", "seed=0,1,3", fills, cwd=cwd)
            assert "6 trained, 0 resumed, 0 skipped, 0 failed" in done.stdout, done.stderr
            done = command("concats=[2],[2,4]", fills, "-m", cwd=cwd)
            assert done.returncode == 0, done.stderr
            done = command("concats=[3]", "trainer.learning_rate=0.002", cwd=cwd)
            assert done.returncode == 0, done.stderr
            assert command("concats=[4]", f"data.root='{FAILING}'", cwd=cwd).returncode == 1
    return cwd


@pytest.fixture
def copied(studied: Path, tmp_path: Path) -> Path:
    """A copy of the study `studied` in the test's own folder: the folder of its runs."""
    shutil.copytree(studied / "outputs", tmp_path / "outputs")
    return tmp_path / "outputs" / "heads-smoke"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the shared study come first: of two workers one then gets all of them.

    The other would only wait until it is trained.
    """
    items.sort(key=lambda item: "studied" not in getattr(item, "fixturenames", ()))
