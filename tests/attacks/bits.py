"""The same bytes whatever is around a sweep, and with the same sweep beside it.

    python -m tests.attacks.bits [COUNT]

Serial or parallel, warm or cold cache, another working directory, locale, time zone, order of
hashes; then COUNT times the same sweep started twice, every other time a parallel one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.attacks import draw_faces
from tests.attacks.kill import PARALLEL, SERIAL, SWEEP, differing, left

AROUND: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {  # on the line, in the environment
    "alone": (SERIAL, {}),
    "a cold cache": (SERIAL, {"XDG_CACHE_HOME": "cold"}),
    "a parallel sweep": (PARALLEL, {}),
    "a German locale": (SERIAL, {"LC_ALL": "de_DE.UTF-8"}),
    "the C locale without UTF-8": (SERIAL, {"LC_ALL": "C", "PYTHONUTF8": "0"}),
    "the time zone of Tokyo": (SERIAL, {"TZ": "Asia/Tokyo"}),
    "another order of hashes": (SERIAL, {"PYTHONHASHSEED": "7"}),
}


def start(home: Path, here: Path, name: str) -> subprocess.Popen[str]:
    """The sweep in a folder of its own."""
    here.mkdir(exist_ok=True)
    line, environment = AROUND[name]
    return subprocess.Popen(
        [sys.executable, "-m", "facerot.train", *SWEEP, f"data.root={home / 'faces.zip'}", *line],
        cwd=here,
        env={**os.environ, "XDG_CACHE_HOME": str(home / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def two_at_once(home: Path, here: Path, whole: dict[str, bytes], number: int) -> str:
    """Start the same sweep twice; `once` where each run was trained once and came out the same."""
    name = ("alone", "a parallel sweep")[number % 2]
    first = start(home, here, name)
    time.sleep(Random(number).uniform(0, 3))
    both = (first, start(home, here, name))
    said = [process.communicate()[0] for process in both]
    counts = [
        re.findall(r"^(\d+) trained, 0 resumed, (\d+) skipped, 0 failed$", text, re.M)
        for text in said
    ]
    trained = sum(int(count) for found in counts for count, _ in found)
    codes = [process.returncode for process in both]
    other = differing(left(here / "outputs"), whole)
    as_wanted = codes == [0, 0] and trained == 2 and not other
    return "once" if as_wanted else f"{codes}, {trained} trained, {other[:5]}: {said}"


def main(count: int) -> int:
    """Print what came out the same and what did not; 1 where something did not."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        draw_faces(home / "faces.zip")
        whole: dict[str, bytes] = {}
        for name in AROUND:
            process = start(home, home / name, name)
            said, _ = process.communicate()
            found = left(home / name / "outputs")
            whole = whole or found
            other = differing(found, whole)
            same = process.returncode == 0 and not other
            print(f"{name}: {'the same' if same else (other[:5], said)}", flush=True)
            wrong += not same
        for number in range(count):
            end = two_at_once(home, home / str(number), whole, number)
            print(f"two at once, {number}: {end}", flush=True)
            wrong += end != "once"
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*[int(word) for word in sys.argv[1:]] or [20]))
