"""What can be read from latents, on networks whose latents' roles we set by hand."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

from facerot.config import SPLITS, Settings
from facerot.data.datamodule import FacePairs
from facerot.latents import PLACES
from facerot.measure.decodability import KEY, decodability
from facerot.measure.scores import Regions
from facerot.measure.tables import FACE, means
from facerot.model import UNet
from tests.made_up_views import REGIONS, YAWS, MadeUpViews
from tests.measure.test_planted import COLOUR_BY_1
from tests.planted import planted

PERSONS = 40
LUMA_ALONE = ("latent3", "latent4", "latent5", "up5", "up4", "up3")
NOTHING = 1e-6


def without_latent4() -> UNet:
    """A network whose latent4, and so its latent5, is the same for every input."""
    net = deepcopy(planted(COLOUR_BY_1))
    with torch.no_grad():
        for weight in net.down4.parameters():
            weight.zero_()
    return net


@cache
def table_of(silenced: bool = False) -> pd.DataFrame:
    net = without_latent4() if silenced else planted(COLOUR_BY_1)
    return decodability(net, MadeUpViews(PERSONS), REGIONS)


def score(
    what: str,
    name: str,
    places: Sequence[str] = PLACES,
    reader: str = "ridge",
    silenced: bool = False,
) -> npt.NDArray[np.float64]:
    """The means of a score in some places, train and test."""
    table = means(table_of(silenced))
    table = table.query("what == @what and score == @name and reader == @reader")
    rows = table["place"].isin(places)
    found: npt.NDArray[np.float64] = table[rows]["value"].to_numpy(dtype=float)
    assert len(found) == len(places) * len(SPLITS)
    return found


def test_colour_is_read_where_it_is_carried_and_nowhere_else() -> None:
    carried = [place for place in PLACES if place not in LUMA_ALONE]
    assert score("face_colour", "explained", carried).min() > 0.98
    assert score("face_colour", "explained", LUMA_ALONE).max() < 0.1


def test_yaw_is_read_where_the_luma_is() -> None:
    assert score("yaw", "explained").min() > 0.95
    assert score("yaw", "error").max() < 10
    assert score("yaw", "explained", ["latent5"], reader="nearest").min() > 0.8


def test_a_person_is_found_where_the_luma_is() -> None:
    for what, name in (("person", "accuracy"), ("front", "explained"), ("side", "explained")):
        assert score(what, name, ["latent5"]).min() > 0.9
    assert score("person", "accuracy_shuffled").max() < 4 / PERSONS


def test_nothing_is_read_from_a_latent_that_is_always_the_same() -> None:
    silent = ["latent4", "latent5", "up5", "up4", "up3"]
    for what in ("yaw", "face_colour", "front", "side"):
        found = score(what, "explained", silent, silenced=True)
        assert np.abs(found).max() < NOTHING
    assert score("person", "accuracy", silent, silenced=True).max() <= 1 / PERSONS
    assert score("yaw", "explained", ["latent3"], silenced=True).min() > 0.95


@pytest.mark.parametrize("what", ["yaw", "face_colour", "front", "side"])
def test_labels_dealt_anew_lie_at_chance(what: str) -> None:
    assert np.abs(score(what, "explained_shuffled")).max() < 0.1


def test_a_row_is_a_view_and_what_is_read_of_it() -> None:
    table = table_of()
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert not table.duplicated([*KEY, *FACE, "score"]).any()
    turned = table[table["what"] == "person"]
    assert set(turned["yaw"]) == {yaw for yaw in YAWS if yaw != 0}
    assert "landmarks" not in set(table["what"])


def test_views_of_one_yaw_are_read_for_what_differs_between_them() -> None:
    fronts = MadeUpViews(6, yaws=(0.0,))
    assert len(decodability(planted(COLOUR_BY_1), fronts, Regions())) == 0
    read = decodability(planted(COLOUR_BY_1), fronts, REGIONS)
    assert set(read["what"]) == {"face_colour", "background_colour"}


def test_too_few_persons_are_left_out_and_said(
    tiny_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    net = UNet(channels=(2, 4, 4, 4, 4)).eval()
    faces = FacePairs(replace(tiny_settings, test_fraction=0.1))
    with caplog.at_level(logging.WARNING):
        table = decodability(net, faces, REGIONS)
    assert faces.people("test")["person"].nunique() < 3
    assert "test: too few persons to read latents" in caplog.text
    assert set(table["split"]) == {"train"}
    assert set(table["what"]) == {
        "yaw",
        "face_colour",
        "background_colour",
        "front",
        "side",
        "person",
    }
