"""Photos into memory, and what many of them cost."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence

from facerot.data.datamodule import FacePairs
from tests.benchmarks.tools import Repeat, draw_photos, empty_cache, seconds_of, settings_of

TIMES = ("open, decoding, s", "open, cached, s", "an epoch, s")
PEAK, TENSOR = "memory above the start, MB", "tensor, MB"
COUNTS = (100, 1_000, 10_000, 100_000)  # pairs
MEASURE = """
import json, resource, sys, time
import torch
from facerot.data.datamodule import FacePairs
from tests.benchmarks.tools import settings_of
from tests.benchmarks.training import fit_seconds
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
settings = settings_of(*sys.argv[1:], "trainer.epochs=1", "trainer.evaluate_every=9")
start = time.perf_counter()
faces = FacePairs(settings)
opened = time.perf_counter() - start
tensor = faces.splits["train"].images.nbytes  # that of the test faces too
epoch, _ = fit_seconds(settings, faces)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak = 1024 * (peak - before)
print(json.dumps({"open": opened, "epoch": epoch, "peak": peak, "tensor": tensor}))
"""


def decode(overrides: list[str]) -> Iterator[Repeat]:
    """seconds to open the embedded heads: decoded, from the cache, and their ratio"""
    settings = settings_of(*overrides)
    for _ in range(3):
        with empty_cache():
            cold, warm = (seconds_of(FacePairs, settings) for _ in range(2))
        yield {"cold, s": cold, "warm, s": warm, "cold / warm": cold / warm}


def growth(overrides: list[str], counts: Sequence[int] = COUNTS[:-1]) -> Iterator[Repeat]:
    """how opening, an epoch and memory grow with pairs: over the last decade"""
    found = [of_size(count, overrides) for count in counts]
    sizes = {
        f"{name}, {count} pairs": value
        for count, figures in zip(counts, found)
        for name, value in figures.items()
    }
    last, before = found[-1], found[-2]
    slopes = {f"{name}, exponent": math.log10(last[name] / before[name]) for name in TIMES}
    more = {name: last[name] - before[name] for name in (PEAK, TENSOR)}
    yield {**slopes, "memory that a byte of the tensor takes": more[PEAK] / more[TENSOR], **sizes}


def far_growth(overrides: list[str]) -> Iterator[Repeat]:
    """the same to 100,000 pairs; only where named"""
    yield from growth(overrides, COUNTS)


def of_size(count: int, overrides: list[str]) -> Repeat:
    """What so many pairs cost: first from photos, then from the cache."""
    with empty_cache() as folder:
        draw_photos(folder / "photos", count, 64, 64)
        line = ["data=folder", f"data.root={folder / 'photos'}", *overrides]
        cold, cached = (measured(line) for _ in range(2))
    seconds = (cold["open"], cached["open"], cached["epoch"])
    return {**dict(zip(TIMES, seconds)), PEAK: cached["peak"] / 1e6, TENSOR: cached["tensor"] / 1e6}


def measured(line: list[str]) -> Repeat:
    """What MEASURE prints, in a process of its own."""
    words = [sys.executable, "-c", MEASURE, *line]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    figures: Repeat = json.loads(done.stdout.splitlines()[-1])
    return figures
