"""How far a sweep is whose jobs run in other processes: what they say, and how many are done."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from tqdm import tqdm

from facerot import progress
from facerot.errors import SettingsError
from facerot.runs.files import read_json

RUNNING = "running"  # the word of a job that has begun
NOT_ENDED = (RUNNING, "interrupted", "not started")  # a cluster starts such jobs again
NO_TIME = ("skipped", "missing")  # words of jobs that took no time
LOOK_EVERY = 1.0  # seconds


class Watch:
    """Prints what the jobs write into NUMBER.log, and below it a bar, or a line every half minute.

    Args:
        folder: of the sweep, where each job leaves its word in NUMBER.json.
        jobs: how many there are.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        self.folder, self.jobs = folder, jobs
        self.ended: dict[int, str] = {}  # the last word of each job that has left it
        self.running = 0
        self.read: dict[int, int] = {}  # so many bytes of each log
        self.since, self.over = time.monotonic(), Event()
        self.bar = tqdm(
            total=jobs, unit="run", leave=False, disable=not progress.is_shown(),
            bar_format="{n_fmt} of {total_fmt} runs done |{bar:20}| {desc}",
        )  # fmt: skip
        self.thread = Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End, once all has been printed."""
        self.over.set()
        self.thread.join()
        self.bar.close()

    def _watch(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            self._look()
        self._look()

    def _look(self) -> None:
        with suppress(OSError):  # of files that are being made or have gone
            there = {entry.name for entry in os.scandir(self.folder)}
            left = [number for number in range(self.jobs) if number not in self.ended]
            words = {number: self._word(number) for number in left if f"{number}.json" in there}
            for number in left:
                if f"{number}.log" in there:
                    self._print_log(number)
            self.running = sum(word == RUNNING for word in words.values())
            self.ended |= {number: word for number, word in words.items() if word not in NOT_ENDED}
        self._tell()

    def _word(self, number: int) -> str:
        with suppress(SettingsError):
            return str((read_json(self.folder / f"{number}.json") or {}).get("status", RUNNING))
        return RUNNING

    def _print_log(self, number: int) -> None:
        """Print the whole lines that have come, whatever bytes are in them."""
        with (self.folder / f"{number}.log").open("rb") as log:
            log.seek(self.read.get(number, 0))
            lines, newline, _ = log.read().rpartition(b"\n")
        self.read[number] = self.read.get(number, 0) + len(lines + newline)
        if newline:
            self._print(lines.decode(errors="replace"))

    def _print(self, text: str) -> None:
        with tqdm.external_write_mode(sys.stdout):
            print(text, flush=True)

    def _tell(self) -> None:
        self.bar.n = len(self.ended)
        self.bar.set_description_str(self._state())
        progress.tell(lambda: f"{len(self.ended)} of {self.jobs} runs done, {self._state()}")

    def _state(self) -> str:
        words = list(self.ended.values())
        worked = sum(word not in NO_TIME for word in words)
        rest = self.jobs - len(words)
        left = f", {progress.left(self.since, worked, worked + rest)}" if worked else ""
        return f"{self.running} running, {words.count('failed')} failed{left}"


def write_into(log: Path) -> None:
    """Let this process, one of a sweep's, write what it says into a file; its parent prints it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    progress.leave_to_parent()
