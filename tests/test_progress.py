"""What is said of work that goes on, where no bar shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerot import progress
from tests.conftest import Command


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line whenever there is something to say."""
    monkeypatch.setattr(progress, "EVERY", 0)


@pytest.mark.usefixtures("at_once")
def test_lines_tell_of_training_evaluating_and_measuring(command: Command, tmp_path: Path) -> None:
    done = command("concats=[]", "model.channels=2", cwd=tmp_path)
    run = "outputs/heads-smoke/autoencoder_seed-0_"
    lines = [line.partition(": ") for line in done.stdout.splitlines() if line.startswith(run)]
    said = [text for _, _, text in lines]
    assert said[0].startswith("epoch 1 of 2, 0:0")
    assert "epoch 1 of 2, evaluating" in said
    assert any(text.startswith("epoch 2 of 2, loss 0.") for text in said)
    assert any(", MSE train 0." in text and ", MSE test 0." in text for text in said)
    assert "trained, evaluating" in said
    assert said[-1].startswith("trained; MSE")


def test_no_line_comes_before_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.of("a run"):
        assert list(progress.bar(range(100), "counting", "number")) == list(range(100))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("at_once")
def test_a_line_names_the_work_how_far_it_is_and_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def endless() -> Iterator[int]:
        yield from range(3)

    with progress.of("a run"):
        assert list(progress.bar(range(3), "counting", "number")) == [0, 1, 2]
    assert list(progress.bar(endless(), "counting", "number")) == [0, 1, 2]
    assert capsys.readouterr().out.splitlines() == [
        "a run: counting, number 1 of 3, 0:00 left",
        "a run: counting, number 2 of 3, 0:00 left",
        "counting, number 1",
        "counting, number 2",
    ]
    assert progress.left(time.monotonic() - 65, 1, 3) == "2:10 left"
