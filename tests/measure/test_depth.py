"""Depth: networks that make the target at a place we chose, and what is read before and after."""

from __future__ import annotations

import logging
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from facerot.config import SPLITS
from facerot.data.gallery import WHO, Gallery
from facerot.latents import PLACES
from facerot.measure.depth import KEY, depth
from facerot.measure.scores import blur
from facerot.measure.tables import FACE, means
from tests.made_up_views import REGIONS, SIZE, TRAITS, MadeUpViews
from tests.planted import MIDDLE, folded

PERSONS = 16
SIGNS = {-90.0: 1.0, -45.0: -1.0, 0.0: 1.0}  # of what a view shows, from MIDDLE on
MADE_AT = ("latent3", "latent4", "up4", "up3")


class Folded(MadeUpViews):
    """Persons lighter than MIDDLE from the front and at -90, and as much darker at -45.

    So a linear reader tells nothing of the front until views are folded at MIDDLE, and then
    nothing of the side.
    """

    def __init__(self, source_yaw: tuple[float, ...] = (-90.0, -45.0)) -> None:
        super().__init__(PERSONS, tuple(SIGNS))
        self.source_yaw = source_yaw

    def gallery(self, split: str) -> Gallery:
        """The views of one split, those of a person one after the other."""
        generator = torch.Generator().manual_seed(SPLITS.index(split))
        traits = blur(torch.randn(TRAITS, SIZE, SIZE, generator=generator), 1.5)
        shares = torch.randn(PERSONS, TRAITS, generator=generator)
        shown = torch.einsum("pt,tij->pij", shares, traits / traits.std())
        luma = MIDDLE + torch.einsum(
            "y,pij->pyij", torch.tensor(list(SIGNS.values())), (0.2 + 0.03 * shown).clamp(0.02, 0.4)
        )
        images = luma.flatten(0, 1)[:, None].expand(-1, 3, -1, -1).mul(255).round().byte()
        rows = [(f"{split}{one:02}", "", yaw, False) for one in range(PERSONS) for yaw in SIGNS]
        return Gallery(images, pd.DataFrame(rows, columns=WHO), self.source_yaw, 0.0)


@cache
def table_of(place: str) -> pd.DataFrame:
    return depth(folded(place), Folded(), REGIONS)


def explained(place: str, what: str, score: str = "explained") -> pd.DataFrame:
    """What is read at each of PLACES, a column a split."""
    table = means(table_of(place)).query("what == @what and score == @score")
    by_place = table.pivot(index="place", columns="split", values="value")
    found: pd.DataFrame = by_place.loc[list(PLACES)]
    return found


@pytest.mark.parametrize("place", MADE_AT)
def test_the_target_is_read_from_where_it_is_made_and_the_source_no_longer(place: str) -> None:
    source, target = (explained(place, what) for what in ("source", "target"))
    made = PLACES.index(place)
    assert source[: made + 1].min().min() > 0.9
    assert source[made + 1 :].max().max() < 0.1
    assert target[:made].max().max() < 0.1
    assert target[made:].min().min() > 0.9


def test_of_labels_dealt_anew_nothing_is_read() -> None:
    for what in ("source", "target"):
        assert np.abs(explained("up4", what, "explained_shuffled")).max().max() < 0.3


def test_a_row_is_a_view_at_a_source_yaw() -> None:
    table = table_of("up4")
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert not table.duplicated([*KEY, *FACE, "score"]).any()
    assert set(table["yaw"]) == {-90.0, -45.0}
    assert set(depth(folded("up4"), Folded((-90.0,)), REGIONS)["yaw"]) == {-90.0}


def test_too_few_persons_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(depth(folded("up4"), MadeUpViews(2), REGIONS)) == 0
    assert "test: too few persons to read source and target" in caplog.text
