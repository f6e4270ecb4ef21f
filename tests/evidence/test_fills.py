"""Necessity, sufficiency and claims by fill: each from the table that has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerot.evidence.claims import WITHOUT
from facerot.evidence.fills import ALL_FILLS, ablations, claims_by_fill
from facerot.latents import LATENTS
from facerot.runs.study import Study
from tests.evidence.test_answer import analysed
from tests.made_up import World

SCORES = ("mse", "colour_kept", "face_front_match", "face_rotation")


def worth(score: str, keep: str) -> float:
    """latent1 carries all colour, latent5 all else; each other latent the error."""
    return float("1" in keep if score == "colour_kept" else "5" in keep)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Under zero a removed latent costs as told, under optimal a tenth of it."""
    world = World(seeds=3)
    keeps = ("12345", "none", *WITHOUT.values(), *map(str, LATENTS))
    rows: list[tuple[object, ...]] = []
    for keep in keeps:
        for score in SCORES:
            world.set("test", "rgb", keep, score, worth(score, keep))
            rows.append(("rgb", keep, "optimal", score, worth(score, keep) / 10))
    return analysed(world.study(), tmp_path, "ablation", rows, "probe", "keep", "fill")


def test_removed_and_kept_alone_each_under_its_fill(study: Study) -> None:
    table = ablations(study, "test").set_index(["score", "fill", "latent"])
    assert set(table.index.unique("fill")) == {"zero", "optimal"}
    for fill, share in (("zero", 1.0), ("optimal", 0.1)):
        for score, k in (("colour_kept", 1), ("face_rotation", 5)):
            assert table.loc[(score, fill, k), "necessity"].to_numpy() == pytest.approx(share)
            assert table.loc[(score, fill, k), "sufficiency"].to_numpy() == pytest.approx(share)
            assert table.loc[(score, fill, 3), "necessity"].to_numpy() == pytest.approx(0)
        assert (table.loc[("mse", fill, 5), "necessity"] < 0).all()  # an error counts downwards


def test_claims_are_judged_under_the_fills_that_were_measured(study: Study) -> None:
    found = claims_by_fill(study, "test")["latent1-colour"]
    assert list(found) == list(ALL_FILLS)
    assert found["zero"].value == pytest.approx(1)
    assert found["optimal"].value == pytest.approx(0.1)
    assert found["mean"].seeds == found["other"].seeds == 0
    assert "skips-help" not in claims_by_fill(study, "test")  # silences nothing
