"""Yaw directions of networks whose latents' roles we set by hand: added, they turn the output."""

from __future__ import annotations

import logging
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

from facerot.config import SPLITS
from facerot.latents import LATENTS
from facerot.measure.direction import FACES, KEY, STEPS, YawReader, direction, half_exchanged
from facerot.measure.tables import FACE, means
from facerot.model import UNet
from tests.made_up_views import REGIONS, YAWS, MadeUpViews
from tests.planted import Roles, planted

PERSONS = 12
ROUNDING = 1e-3  # degrees
SPAN = max(YAWS) - min(YAWS)  # degrees between source and target: one unit
BY_2 = Roles(colour={1: 1.0}, side={2: 1.0})
BY_5 = Roles(colour={1: 1.0}, side={}, undo_side=-1.0)  # what it takes away, taken away
CARRIERS = {2: BY_2, 5: BY_5}


@cache
def table_of(roles: Roles) -> pd.DataFrame:
    return direction(planted(roles), MadeUpViews(PERSONS), REGIONS)


def read(roles: Roles, start: str, added: str, score: str = "yaw") -> pd.DataFrame:
    """The mean of a score, a row a split, a column for each number of steps."""
    table = means(table_of(roles)).query("start == @start and added == @added and score == @score")
    found: pd.DataFrame = table.pivot(index="split", columns="steps", values="value")
    return found


def per_unit(roles: Roles, added: int, score: str = "yaw") -> npt.NDArray[np.float64]:
    """Degrees that one unit more turns the output, for each start and split."""
    starts = [read(roles, start, str(added), score) for start in ("source", "target")]
    return np.concatenate([np.polyfit(found.columns, found.T, 1)[0] for found in starts])


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_output_turns_along_the_direction_of_the_latent_that_carries_the_view(
    carrier: int,
) -> None:
    roles = CARRIERS[carrier]
    for k in LATENTS:
        degrees = per_unit(roles, k)
        if k == carrier:
            assert degrees.min() > 0.3 * SPAN
        else:
            assert np.abs(degrees).max() < ROUNDING


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_step_turns_a_side_to_the_front_and_a_step_back_turns_a_front(carrier: int) -> None:
    roles = CARRIERS[carrier]
    for start, towards in (("source", 1), ("target", -1)):
        as_it_is = read(roles, start, "none")[0.0]
        gain = towards * (read(roles, start, str(carrier)).sub(as_it_is, axis=0))
        assert (gain[1.0 * towards] > 0.3 * SPAN).all()
        assert (gain[-0.5 * towards] < 0).all()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_direction_dealt_by_chance_does_not_turn(carrier: int) -> None:
    roles = CARRIERS[carrier]
    assert np.abs(per_unit(roles, carrier, "yaw_shuffled")).max() < 0.2 * SPAN


def test_all_latents_at_once_are_as_if_the_input_had_been_turned() -> None:
    all_of_them, the_carrier = (read(BY_2, "source", added) for added in ("12345", "2"))
    pd.testing.assert_frame_equal(all_of_them, the_carrier, atol=1e-3)


def test_what_is_read_of_photos_is_stated_for_persons_not_learnt_from() -> None:
    photos = table_of(BY_2).query("start == 'photo'")
    error = photos[photos["score"] == "error"].groupby("split", observed=True)["value"].mean()
    assert set(error.index) == set(SPLITS)
    assert error.max() < 0.25 * SPAN, "a third of it by chance"


def test_a_picture_that_shows_no_view_matches_none() -> None:
    reader = YawReader(MadeUpViews(PERSONS).gallery("train"), REGIONS)
    grey = torch.full((1, 3, 32, 32), 0.5)
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for picture in (grey, noise):
        assert reader(picture, np.array(["nobody"]))["match"].item() < 0.3
    assert read(BY_2, "source", "none", "match").to_numpy().min() > 0.5


def test_a_row_is_a_face_with_its_steps_and_the_yaw_it_began_with() -> None:
    table = table_of(BY_2)
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert not table.duplicated([*KEY, *FACE, "score"]).any()
    assert set(table["steps"]) == {0.0, *STEPS}
    for start, yaw in (("source", min(YAWS)), ("target", max(YAWS))):
        rows = table[table["start"] == start]
        assert set(rows["yaw"]) == {yaw}
        assert rows["person"].nunique() == 2 * min(FACES, PERSONS)


def test_of_a_network_with_one_latent_it_is_all_there_is() -> None:
    torch.manual_seed(0)
    alone = UNet((), channels=(2, 2, 2, 2, 2)).eval()
    table = direction(alone, MadeUpViews(PERSONS), REGIONS)
    assert set(table["added"]) == {"none", "5"}
    assert not table.duplicated([*KEY, *FACE, "score"]).any()


def test_half_of_the_pairs_are_exchanged() -> None:
    x, y = torch.zeros(9, 3, 2, 2), torch.ones(9, 3, 2, 2)
    ((first, second),) = half_exchanged([(x, y)])
    assert first.mean(dim=(1, 2, 3)).sum() == 5
    torch.testing.assert_close(first + second, torch.ones_like(x))


@pytest.mark.parametrize(("persons", "yaws"), [(2, YAWS), (9, (0.0,))])
def test_without_persons_or_yaws_to_learn_from_none_is_read(
    persons: int, yaws: tuple[float, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(direction(planted(BY_2), MadeUpViews(persons, yaws), REGIONS)) == 0
    assert "yaw is not read: too few training persons or yaws" in caplog.text
