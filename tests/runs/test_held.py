"""Which process works on a run: one, of all machines, and the next one when it is gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import Timeout

from facerot.runs import files
from facerot.runs.files import held

HOLD = """\
import sys, time
from pathlib import Path
from facerot.runs.files import held
with held(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def left_by_a_killed_process(tmp_path: Path) -> Path:
    """The file of a place that a process held when it was killed."""
    place = tmp_path / ".run.lease"
    with subprocess.Popen([sys.executable, "-c", HOLD, place], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Timeout), held(place, "it", wait=False):
            pass
        other.kill()
    assert place.exists()
    return place


def test_what_a_killed_process_held_is_free(
    left_by_a_killed_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(left_by_a_killed_process, "it", wait=False):
        pass
    assert not left_by_a_killed_process.exists()
    assert capsys.readouterr().out == ""


def test_what_a_lost_machine_held_is_free_after_a_while(
    left_by_a_killed_process: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(files, "LEASE", 1.0)
    told = re.sub("host=.*", "host=elsewhere", left_by_a_killed_process.read_text())
    left_by_a_killed_process.write_text(re.sub("duration=.*", "duration=1.0", told))
    with pytest.raises(Timeout), held(left_by_a_killed_process, "it", wait=False):
        pass
    with held(left_by_a_killed_process, "it"):
        pass
    assert capsys.readouterr().out == "it: another process works on it; waiting for its end\n"


def test_who_seemed_dead_and_was_taken_over_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "LEASE", 0.3)
    ended = []
    before = signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    try:
        with held(tmp_path / "it", "it"):
            os.replace(tmp_path / "it", tmp_path / "taken")
            (tmp_path / "it").write_text("another's")
            time.sleep(1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == [True]
    assert capsys.readouterr().err.startswith("it: another process took it")
