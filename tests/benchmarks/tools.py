"""What benchmarks share: settings, clocks, faces made up, a neighbour on each core."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from PIL import Image

from facerot.config import CONF, Settings
from facerot.validate import resolve

REPEATS = 5
WIDE = "model.channels=32"  # 32, 64, 128, 256, 256

Repeat = dict[str, float]  # figures by name
Benchmark = Callable[[list[str]], Iterator[Repeat]]  # of settings; yields a repeat at a time


def settings_of(*overrides: str) -> Settings:
    """The settings of a run."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return resolve(hydra.compose("train", list(overrides)), Settings)


def seconds_of(work: Callable[..., Any], *given: Any, **named: Any) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work(*given, **named)
    return time.perf_counter() - start


def command_seconds(*words: str, **environment: str) -> float:
    """How long Python takes with these words, in a process of its own; raises where it fails."""
    line, around = [sys.executable, *words], {**os.environ, **environment}
    return seconds_of(subprocess.run, line, check=True, capture_output=True, env=around)


@contextmanager
def empty_cache() -> Iterator[Path]:
    """A folder in which no photo is cached, for this process and those it starts."""
    usual = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if usual is not None:
                os.environ["XDG_CACHE_HOME"] = usual


@contextmanager
def busy_cores() -> Iterator[None]:
    """A process on each core that never rests."""
    line = [sys.executable, "-c", "while True: pass"]
    children = [subprocess.Popen(line) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def draw_photos(folder: Path, persons: int, width: int, height: int) -> None:
    """PERSON/left.jpg and front.jpg: smooth colours with some grain, as heavy as photos are."""
    for person in range(persons):
        (folder / f"{person:06d}").mkdir(parents=True)
        for at, view in enumerate(("left", "front")):
            rng = np.random.default_rng([person, at])
            coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), float)
            grain = rng.normal(0, 4, smooth.shape[:2])[..., None]
            photo = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
            photo.save(folder / f"{person:06d}" / f"{view}.jpg", quality=90)
