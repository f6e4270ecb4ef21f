"""Dose: curves of networks whose latents' roles are set by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from facerot.measure.dose import FACTORS, dose
from facerot.measure.silencing import silence
from facerot.measure.tables import means
from tests.measure.test_patching import FACES
from tests.measure.test_planted import COLOUR_BY_1, REGIONS, TURNED_BY_5
from tests.planted import Roles, planted


@cache
def curves(roles: Roles) -> pd.Series:
    table = means(dose(planted(roles), FACES, REGIONS))
    found: pd.Series = table.set_index(["split", "score", "latent", "factor"])["value"]
    return found.sort_index()


def test_the_more_of_the_planted_latent_the_more_of_what_it_carries() -> None:
    colour = curves(COLOUR_BY_1)["test", "colour_kept", 1]
    assert list(colour.index) == list(FACTORS)
    assert (np.diff(colour[:1.0]) > 0).all()
    assert colour[1.25] < colour[1.0] == 1  # more colour than there is
    turn = curves(TURNED_BY_5)["test", "face_rotation", 5]
    assert (np.diff(turn) > 0).all()


def test_a_latent_that_carries_nothing_has_a_flat_curve() -> None:
    for score in ("mse", "colour_kept", "face_rotation"):
        for k in (3, 4):
            curve = curves(TURNED_BY_5)["test", score, k]
            assert np.ptp(curve) < 1e-6


def test_without_any_of_it_a_latent_is_removed() -> None:
    removed = silence(planted(TURNED_BY_5), FACES, ["zero"], REGIONS)
    found = removed.query("split == 'test' and probe == 'rgb' and keep == '1234'")
    found = found.groupby("score", observed=True)["value"].mean()
    curve = curves(TURNED_BY_5)["test"].unstack(["latent", "factor"])[5, 0.0]
    for score in curve.index:
        assert curve[score] == pytest.approx(found[score], abs=1e-5)
