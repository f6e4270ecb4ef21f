"""The commands as a user starts them, in processes of their own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.tools import Repeat, busy_cores, command_seconds

TRAIN, REPORT = ("-m", "facerot.train"), ("-m", "facerot.report")
FIRST_STEP = """
import os, sys
from facerot.training.module import FaceRotation
FaceRotation.on_train_batch_end = lambda *_: os._exit(0)
sys.argv = ["train", *sys.argv[1:]]
from facerot.train import main
main()
"""


def start(overrides: list[str]) -> Iterator[Repeat]:
    """seconds to --help and to the end of the first step, and over those of importing torch"""
    for _ in range(5):
        torch = command_seconds("-c", "import torch")
        asked = command_seconds(*TRAIN, "--help")
        with tempfile.TemporaryDirectory() as outputs:
            step = command_seconds("-c", FIRST_STEP, f"outputs={outputs}", *overrides)
        yield {
            "--help, s": asked,
            "first step, s": step,
            "--help / import torch": asked / torch,
            "first step / import torch": step / torch,
        }


def outside(overrides: list[str]) -> Iterator[Repeat]:
    """share of a run of the Baseline that is no training step, and what it goes to"""
    for _ in range(3):
        with tempfile.TemporaryDirectory() as outputs:
            command_seconds(*TRAIN, f"outputs={outputs}", *overrides)
            (path,) = Path(outputs).glob("*/*/metrics.json")
            metrics = json.loads(path.read_text())
        parts, whole = metrics["seconds_of"], metrics["seconds"]
        shares = {part: seconds / whole for part, seconds in parts.items()}
        yield {"outside": 1 - shares["training"], **shares}


def jobs(overrides: list[str]) -> Iterator[Repeat]:
    """time of the paper's models, one job after the other, over that of two at once"""
    for _ in range(2):
        seconds = [sweep_seconds("paper", f"jobs={jobs}", *overrides) for jobs in (1, 2)]
        yield {"speed-up by two jobs": seconds[0] / seconds[1]}


def busy(overrides: list[str]) -> Iterator[Repeat]:
    """time of a run, and of a sweep on all cores, beside a busy process on each over idle ones"""
    for _ in range(3):
        idle = seconds_of_both(overrides)
        with busy_cores():
            beside = seconds_of_both(overrides)
        yield {name: beside[name] / idle[name] for name in idle}


def seconds_of_both(overrides: list[str]) -> Repeat:
    """Of a run of the Baseline by itself, and of a sweep."""
    with tempfile.TemporaryDirectory() as outputs:
        alone = command_seconds(*TRAIN, f"outputs={outputs}", *overrides)
    return {"a run": alone, "a sweep": sweep_seconds("table1", *overrides)}


def sweep_seconds(experiment: str, *overrides: str) -> float:
    """Of an experiment with one seed."""
    with tempfile.TemporaryDirectory() as outputs:
        sweep = (f"+experiment={experiment}", "seed=0", f"outputs={outputs}", *overrides)
        return command_seconds(*TRAIN, *sweep)


def paper(overrides: list[str]) -> Iterator[Repeat]:
    """seconds of the paper's 60 runs, of their analyses and of the report; only where named"""
    with tempfile.TemporaryDirectory() as outputs:
        asked = ("study=paper", f"outputs={outputs}")
        yield {
            "training": command_seconds(*TRAIN, "+experiment=paper", *asked, *overrides),
            "report": command_seconds(*REPORT, *asked),
            "analyses": command_seconds("-m", "facerot.analyse", *asked),
            "report with analyses": command_seconds(*REPORT, *asked),
        }
