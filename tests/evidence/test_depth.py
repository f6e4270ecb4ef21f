"""Where the target takes over from the source, of tables whose answer we know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.evidence.answer import answers
from facerot.evidence.depth import crossing, crossings, drawn, shares
from facerot.latents import PLACES
from facerot.runs.study import Study
from tests.evidence.test_answer import analysed, said, study
from tests.made_up import World

SPLIT = "test"


def deep(folder: Path, takes_over: str, several: bool = True) -> Study:
    """A study whose Baselines read the source up to a place and the target from there on."""
    made = PLACES.index(takes_over)
    rows = [
        (place, what, "explained", 0.8 if (what == "target") == (at >= made) else 0.2)
        for at, place in enumerate(PLACES)
        for what in ("source", "target")
    ]
    asked = study(lambda keep: 0.2 * (5 in keep) - 0.5 * (2 in keep))
    told = analysed(asked, folder, "depth", rows, "place", "what")
    yaws = [-90.0, -45.0] if several else [-45.0]
    runs = (replace(run, settings=replace(run.settings, source_yaw=yaws)) for run in told.runs)
    return replace(told, runs=tuple(runs))


@given(st.integers(1, len(PLACES) - 1), st.floats(0.51, 1), st.floats(0, 0.5))
def test_the_crossing_is_between_the_places_on_either_side(
    made: int, before: float, after: float
) -> None:
    share = np.where(np.arange(len(PLACES)) < made, before, after)
    found = crossing(share)
    assert made - 1 < found <= made
    share[made + 1 :] = 0.9  # what Concats bring back later does not count
    assert crossing(share) == found
    assert np.isnan(crossing(np.full(len(PLACES), before)))
    assert np.isnan(crossing(np.full(len(PLACES), after)))


def test_a_share_is_of_what_is_read_and_half_where_nothing_is(tmp_path: Path) -> None:
    found = shares(deep(tmp_path, "latent4"), SPLIT)
    assert list(found.columns) == list(PLACES)
    assert found["input"].between(0.7, 0.9).all()
    assert found["latent4"].between(0.1, 0.3).all()
    rows = [(place, what, "explained", -0.5) for place in PLACES for what in ("source", "target")]
    asked = study(lambda keep: 0.0)
    nothing = analysed(asked, tmp_path, "depth", rows, "place", "what")
    assert (shares(nothing, SPLIT) == 0.5).all().all()
    assert crossings(nothing, SPLIT).empty


@pytest.mark.parametrize(("takes_over", "says"), [("latent4", "encoder"), ("up3", "decoder")])
def test_the_answer_names_where_the_target_takes_over(
    tmp_path: Path, takes_over: str, says: str
) -> None:
    planted = deep(tmp_path, takes_over)
    np.testing.assert_allclose(crossings(planted, SPLIT), PLACES.index(takes_over) - 0.5, atol=0.05)
    assert f"takes over from the source in the {says}" in said(answers(planted))
    assert "The output tells more of the target" in said(answers(planted))


def test_of_one_source_yaw_what_would_be_drawn_alone_is_told(tmp_path: Path) -> None:
    single = deep(tmp_path, "latent4", several=False)
    assert "takes over" not in said(answers(single))


def test_what_is_drawn_so_far_is_that_of_the_keep_sets() -> None:
    world = World(seeds=3)
    for number, keep in enumerate(("5", "45", "345", "2345", "12345")):
        world.set(SPLIT, "rgb", keep, "face_front_match", 0.1 * number)
    found = drawn(world.study(), SPLIT, "front").astype(float)
    assert list(found.columns) == ["up5", "up4", "up3", "up2", "output"]
    np.testing.assert_allclose(found, [[0.0, 0.1, 0.2, 0.3, 0.4]] * 3)


@pytest.mark.parametrize(("alone", "says"), [(0.5, "beyond the mean face"), (0.1, "less of")])
def test_what_latent5_draws_is_told_against_the_mean_face(alone: float, says: str) -> None:
    """A face drawn of means alone is frontal, too: 0.3 here."""
    world = World(seeds=3)
    for keep, match in (("5", alone), ("none", 0.3), ("345", 0.4), ("12345", 0.4)):
        for stage in (keep, *(("45",) if keep == "5" else ())):
            world.set("test", "rgb", stage, "face_front_match", match)
            world.set("test", "rgb", stage, "face_side_match", 0.0)
            world.set("test", "rgb", stage, "face_rotation", match)
    study = world.study()
    mild = [replace(run, latents=run.latents.assign(fill="mean")) for run in study.runs]
    found = [one.sentence for one in answers(replace(study, runs=tuple(mild)))]
    assert any("Of latent5 alone" in sentence and says in sentence for sentence in found)
