"""Kills: SIGKILL while something is written, then the same lines again, to the same bytes.

    python -m tests.attacks.kill [COUNT] [SEED]

Each attempt trains a sweep, serial or parallel, and its report, and is killed once at a moment of
its own; every other time outputs lie in memory, a file system other than that of temporary files.
Attempts are forks of one process that has imported everything.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

import torch

import facerot.training.fit  # noqa: F401  torch and Lightning, once for all forks
from facerot.report.__main__ import main as report
from facerot.train import main as train
from tests.attacks import draw_faces
from tests.conftest import as_user

AIMS = {  # what is written when the kill comes, and how many of its files, or of their changes
    "checkpoint": ("checkpoints/*", 6),
    "metrics": ("*metrics.json*", 2),
    "tables": ("*latents.*", 9),
    "cache": ("facerot/**/*", 3),
    "report": ("report/**/*", 40),
}
MEMORY = "/dev/shm"  # the other file system
SWEEP = ("budget=smoke", "model.channels=2", "latents.fills=[zero]", "trainer.epochs=4",
         "trainer.evaluate_every=2", "concats=[],[2]", "-m")  # fmt: skip
SERIAL, PARALLEL = ("jobs=1",), ("jobs=2",)
REPORT = "heads-smoke/report/"
OF_ITS_MOMENT = ("seconds", "seconds_of", "time", "pid", "git_commit")


@dataclass(frozen=True)
class Place:
    """Where an attempt works: always the same paths, empty before it starts."""

    disk: Path
    outputs: Path
    faces: Path
    parallel: bool

    def clear(self) -> None:
        for folder in (self.disk, self.outputs):
            shutil.rmtree(folder, ignore_errors=True)
        self.disk.mkdir()

    def start(self, and_report: bool) -> int:
        """The process group that works here; what it says goes to the file `said`."""
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            self._work(and_report)
        return child

    def _work(self, and_report: bool) -> None:
        said = os.open(self.disk / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        there, code = f"outputs={self.outputs}", 0
        at_once = PARALLEL if self.parallel else SERIAL
        lines = [(train, [*SWEEP, there, f"data.root={self.faces}", *at_once])]
        lines += [(report, ["study=heads-smoke", there])] if and_report else []
        try:
            for main, line in lines:
                with as_user(line, self.disk, str(self.disk / "cache")):
                    main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        os._exit(code)

    def said(self) -> str:
        """The end of what was said here."""
        return (self.disk / "said").read_text()[-400:]


def left(outputs: Path) -> dict[str, bytes]:
    """All that lies there in the end but events and the words of sweeps, by its name."""
    return {
        str(path.relative_to(outputs)): lasting(path)
        for path in outputs.rglob("*")
        if path.is_file() and ".sweeps" not in path.parts and not path.name.startswith("events.")
    }


def differing(there: dict[str, bytes], whole: dict[str, bytes]) -> list[str]:
    """The names of what only one of two has, or both have with other contents."""
    return sorted(name for name in {*there, *whole} if there.get(name) != whole.get(name))


def lasting(path: Path) -> bytes:
    """The contents of a file without what differs between two undisturbed runs."""
    if path.name == "last.ckpt":  # holds the seconds of its training too
        return str(torch.load(path, weights_only=True)["global_step"]).encode()
    whole = path.read_bytes()
    if path.name not in ("metrics.json", "status.json"):
        return whole
    record = json.loads(whole)
    return json.dumps({k: v for k, v in record.items() if k not in OF_ITS_MOMENT}).encode()


def changes(place: Place, aim: str) -> dict[Path, int]:
    """The files that an aim is at, with the time of their last change."""
    pattern, _ = AIMS[aim]
    folders = {"cache": place.disk / "cache", "report": place.outputs / "heads-smoke"}
    runs = (place.outputs / "heads-smoke").glob("[!r]*_seed-*")
    found = {}
    for folder in [folders[aim]] if aim in folders else runs:
        for path in folder.glob(pattern):
            try:
                found[path] = path.stat().st_mtime_ns
            except OSError:
                continue  # gone since it was listed
    return found


def killed(place: Place, aim: str, chance: Random) -> bool:
    """Start, and kill at one of the changes that an aim is at; False where all ended before."""
    child, count = place.start(and_report=aim == "report"), 0
    seen: dict[Path, int] = {}
    wanted = chance.randint(1, AIMS[aim][1])
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        now = changes(place, aim)
        count += sum(seen.get(path) != moment for path, moment in now.items())
        seen = now
        if count >= wanted:
            time.sleep(chance.uniform(0, 0.004))
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
    return False


def ended(child: int) -> int:
    """The exit code of a process."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attempt(place: Place, whole: dict[str, bytes], aim: str, chance: Random) -> str:
    """Kill once, do it again: `same`, or what is wrong."""
    place.clear()
    if not killed(place, aim, chance):
        return "too late"
    code = ended(place.start(and_report=aim == "report"))
    if code != 0:
        return f"exit code {code}: {place.said()}"
    wanted = {k: v for k, v in whole.items() if aim == "report" or not k.startswith(REPORT)}
    other = differing(left(place.outputs), wanted)
    return f"other: {', '.join(other[:5])}" if other else "same"


def main(count: int, seed: int) -> int:
    """Kill so many times and print what became of it; 1 where something else came out."""
    ends: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=MEMORY) as memory:
        disk, faces = Path(folder, "here"), Path(folder, "faces.zip")
        draw_faces(faces)
        several = [
            Place(disk, outputs / "outputs", faces, parallel)
            for parallel, outputs in product((False, False, True), (disk, Path(memory)))
        ]
        undisturbed = {}
        for place in several[:2]:
            place.clear()
            assert ended(place.start(and_report=True)) == 0, place.said()
            undisturbed[place.outputs] = left(place.outputs)
        for number in range(count):
            aim, place = list(AIMS)[number % len(AIMS)], several[number % len(several)]
            chance = Random(f"{seed}-{number}")
            while (end := attempt(place, undisturbed[place.outputs], aim, chance)) == "too late":
                pass
            ends[aim, end.split(":")[0]] += 1
            if end != "same":
                print(f"{seed}-{number} {aim}, {place}: {end}", flush=True)
    for (aim, end), times in sorted(ends.items()):
        print(f"{aim:12} {end:10} {times}")
    same = sum(times for (_, end), times in ends.items() if end == "same")
    print(f"{count} kills of seed {seed}: {same} ended like the undisturbed sweep")
    return int(same < count)


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(asked + [60, 0][len(asked) :])))
