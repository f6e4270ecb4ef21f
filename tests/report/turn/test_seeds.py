"""The figures of several seeds: drawn where runs can be compared, a line where they are too few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facerot.evidence.seeds import cka_table
from facerot.report.page import Lacking
from facerot.report.style import Picture
from facerot.report.turn import seeds
from facerot.runs.study import Study
from tests.evidence.test_seeds import cloud, run_with_pictures, with_geometry

PERSONS = [f"p{row}" for row in range(8)]


def study(folder: Path, count: int) -> Study:
    """Seeds of which every other is lighter without latent3, each a little different."""
    shifts = [40 * (seed % 2) + seed for seed in range(count)]
    runs = [run_with_pictures(folder, seed, shift) for seed, shift in enumerate(shifts)]
    placed = [with_geometry(run, cloud(run.seed, seeds=8), PERSONS) for run in runs]
    return Study("made-up", folder, tuple(placed), ())


def lacking(found: list[Picture | Lacking]) -> list[str]:
    return [one.text for one in found if isinstance(one, Lacking)]


def test_ten_seeds_are_asked_for_two_behaviours(tmp_path: Path) -> None:
    found = list(seeds.entries(study(tmp_path, 10)))
    apart, alike = found
    assert isinstance(apart, Picture)
    assert isinstance(alike, Picture)
    assert (apart.name, alike.name) == ("seeds", "cka")
    titled = {ax.get_title().split("\n")[0]: ax for ax in apart.figure.axes if ax.get_title()}
    assert list(titled) == ["all", "-1", "-2", "-3", "-4", "-5"]
    order = [int(label.get_text()) % 2 for label in titled["-3"].get_xticklabels()]
    assert sorted(order) in (order, order[::-1]), "the two behaviours stand side by side"
    assert "p = " in titled["-3"].get_title()


def test_fewer_are_shown_and_it_is_said_what_they_are_too_few_for(tmp_path: Path) -> None:
    found = list(seeds.entries(study(tmp_path, 4)))
    assert [one.name for one in found if isinstance(one, Picture)] == ["seeds", "cka"]
    (said,) = lacking(found)
    assert said.startswith("Whether latent3 has two behaviours: needs 10 seeds of one split")


def test_pictures_that_are_gone_are_named(tmp_path: Path) -> None:
    four = study(tmp_path, 4)
    (four.runs[1].folder / "faces" / "test_rgb.png").unlink()
    first, _ = lacking(list(seeds.entries(four)))
    assert first.startswith("How far seeds draw apart: ")


@pytest.mark.parametrize("count", [0, 2])
def test_of_fewer_than_three_nothing_is_said(tmp_path: Path, count: int) -> None:
    assert list(seeds.entries(study(tmp_path, count))) == []


def test_seeds_with_splits_of_their_own_are_not_compared(tmp_path: Path) -> None:
    four = study(tmp_path, 4)
    tied = (replace(run, settings=replace(run.settings, split_seed=run.seed)) for run in four.runs)
    assert list(seeds.entries(replace(four, runs=tuple(tied)))) == []


def test_each_latent_is_drawn_at_its_own_likeness(tmp_path: Path) -> None:
    four = study(tmp_path, 4)
    for run in four.runs:  # latent5 has its faces elsewhere in each seed
        points = cloud(run.seed, seeds=8)
        elsewhere = np.random.default_rng(100 + run.seed).normal(size=points.shape)
        with_geometry(run, points, PERSONS, elsewhere)
    _, alike, *_ = seeds.entries(four)
    assert isinstance(alike, Picture)
    lines = [np.asarray(line.get_data(), float) for line in alike.figure.axes[0].lines]
    means = [line[1, 0] for line in lines if line.shape[1] == 2][:5]
    table = cka_table(four.runs, "test")
    pairs = table[table["seed"] < table["other"]]
    np.testing.assert_allclose(means, pairs.groupby("latent")["cka"].mean())
    assert means[4] != means[0]
