"""What was analysed becomes figures: from a real study, with what it is drawn from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from facerot.report import turn
from facerot.report.page import Lacking
from facerot.report.style import Picture, look
from facerot.report.tables import Table
from facerot.report.turn import decodability
from facerot.runs.study import read_study
from tests.conftest import Command
from tests.evidence.test_answer import analysed
from tests.made_up import World

UNET = "unet_concats-1234_seed-0"
Entries = dict[str, "Table | Picture"]


def drawn(outputs: Path) -> Entries:
    with look():
        found = list(turn.entries(read_study(outputs, "heads-smoke")))
    return {entry.name: entry for entry in found if not isinstance(entry, Lacking)}


@pytest.fixture(scope="module")
def entries(studied: Path, tmp_path_factory: pytest.TempPathFactory, analyse: Command) -> Entries:
    """The part of the page of one Baseline, analysed."""
    cwd = tmp_path_factory.mktemp("analysed")
    shutil.copytree(studied / "outputs" / "heads-smoke" / UNET, cwd / "outputs/heads-smoke" / UNET)
    done = analyse("study=heads-smoke", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return drawn(cwd / "outputs")


def test_each_analysis_has_its_figure(entries: Entries) -> None:
    analyses = {"ablation", "claims-by-fill", "dose", "spectrum", "patching"}
    assert analyses <= set(entries)
    assert next(iter(entries)) == "answer"  # first what came out, then what it rests on
    for entry in entries.values():
        if isinstance(entry, Picture):
            assert all(ax.has_data() for ax in entry.figure.axes if ax.axison), entry.name


def test_each_person_is_shown_with_each_latent_of_another(entries: Entries) -> None:
    figure = entries["patched-faces"]
    assert isinstance(figure, Picture)
    (block,) = figure.blocks
    assert list(block.columns[4:]) == [f"latent{k}" for k in range(1, 6)]
    targets = [row[1] for row in block.grid]
    others = [row[2] for row in block.grid]
    for target, other, row in zip(targets, others, block.grid):
        assert any(np.array_equal(other, one) for one in targets)
        assert not np.array_equal(other, target)
        assert any(not np.array_equal(face, row[3]) for face in row[4:])


def test_what_can_be_read_is_drawn_of_what_was_read(tmp_path: Path) -> None:
    rows = [
        ("yaw", place, reader, score, 0.5)
        for place in ("input", "latent5", "output")
        for reader in ("ridge", "nearest")
        for score in ("explained", "explained_shuffled")
    ]
    columns = "what", "place", "reader"
    study = analysed(World(seeds=3).study(), tmp_path, "decodability", rows, *columns)
    (picture,) = decodability.entries(study)
    assert isinstance(picture, Picture)
    yaw, *empty = picture.figure.axes
    assert yaw.has_data()
    assert not any(ax.axison for ax in empty)


def test_without_analyses_shapley_values_alone_are_shown(studied: Path) -> None:
    assert set(drawn(studied / "outputs")) == {"answer", "network", "shapley", "interaction"}
