"""Speed as ratios within one run, so that other work on the machine cancels: `make bench`.

    python -m tests.benchmarks [NAME ...] [SETTING=VALUE ...]

Prints the median of each figure with its smallest and largest repeat, and writes them all to
outputs/bench/NAME.json. Without names all but those of ASKED_FOR, which take long.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from statistics import median

import torch

from tests.benchmarks import data, runs, training
from tests.benchmarks.tools import Benchmark, Repeat

ALL: dict[str, Benchmark] = {
    "steps": training.steps,
    "template": training.template,
    "flops": training.flops,
    "masks": training.masks,
    "start": runs.start,
    "outside": runs.outside,
    "jobs": runs.jobs,
    "busy": runs.busy,
    "decode": data.decode,
    "growth": data.growth,
    "far-growth": data.far_growth,
    "paper": runs.paper,
}
ASKED_FOR = ("far-growth", "paper")
FOLDER = Path("outputs/bench")


def summary(repeats: list[Repeat]) -> list[str]:
    """A line a figure: median, smallest and largest of its repeats."""
    lines = []
    for name in repeats[0]:
        values = [repeat[name] for repeat in repeats]
        spread = f"[{min(values):.3g}, {max(values):.3g}]" if len(values) > 1 else ""
        lines.append(f"  {name:44} {median(values):8.3g}  {spread}")
    return lines


def main(words: list[str]) -> None:
    """Run what is named, and keep what came out."""
    names = [word for word in words if "=" not in word]
    unknown = [name for name in names if name not in ALL]
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}: there are {', '.join(ALL)}")
    overrides = [word for word in words if "=" in word]
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    for name in names or [name for name in ALL if name not in ASKED_FOR]:
        benchmark = ALL[name]
        print(f"{name}: {(benchmark.__doc__ or '').splitlines()[0]}", flush=True)
        repeats = list(benchmark(overrides))
        print("\n".join(summary(repeats)), flush=True)
        record = {**machine, "settings": overrides, "repeats": repeats}
        (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
