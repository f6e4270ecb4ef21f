"""Removing and keeping alone under other fills: planted roles, and brute force on noise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from facerot.config import SPLITS
from facerot.latents import keep_label, keep_ones, removals, remove
from facerot.measure.ablation import DONORS, NOBODY, ablated, ablation, donors_of
from facerot.measure.scores import FaceScores, Regions
from facerot.measure.silencing import KEY, averages, silence
from facerot.measure.tables import FACE
from tests.measure.test_patching import Persons
from tests.measure.test_planted import COLOUR_BY_1, REGIONS
from tests.measure.test_silencing import Noise, network
from tests.planted import Roles, planted

ROUNDING = 1e-7


class Some(Persons):
    """A few of the made-up faces: what is fitted to 1x1 latents of 1024 channels takes its time."""

    def __init__(self, count: int) -> None:
        super().__init__(two_coloured=False)
        self.count = count

    def batches(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in super().batches(split):
            yield x[: self.count], y[: self.count]

    def people(self, split: str) -> pd.DataFrame:
        few: pd.DataFrame = super().people(split)[: self.count]
        return few


FEW = Some(5)


@cache
def table_of(roles: Roles) -> pd.DataFrame:
    return ablation(planted(roles), FEW, REGIONS)


def means(table: pd.DataFrame, score: str, split: str) -> pd.Series:
    """The mean of a score by fill and what is kept."""
    whole = averages(table).query("split == @split and probe == 'rgb' and score == @score")
    found: pd.Series = whole.set_index(["fill", "keep"])["value"]
    return found


def test_it_has_the_columns_of_silencing_and_its_masks() -> None:
    table = table_of(COLOUR_BY_1)
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert not table.duplicated([*KEY, *FACE, "score"]).any()
    named = [*removals((1, 2, 3, 4, 5)).values(), *keep_ones((1, 2, 3, 4, 5)).values(), ()]
    assert set(table["keep"]) == {keep_label(keep) for keep in named}
    assert set(table["fill"]) == {"other", "optimal"}
    assert ablated((5,)) == [(5,), ()]  # the auto-encoder: all and alone are one


def test_the_optimal_constants_cost_no_more_than_zeros_or_means_where_they_were_fitted() -> None:
    net, faces = network(), Noise(6, 4)
    usual = means(silence(net, faces, ["zero", "mean"], REGIONS), "mse", "train")
    found = means(ablation(net, faces, REGIONS), "mse", "train")["optimal"]
    for fill in ("zero", "mean"):
        assert (found <= usual[fill][found.index] + ROUNDING).all(), fill
    assert (found < usual["mean"][found.index] - 1e-5).any()  # the search finds something


def test_the_optimal_constants_of_planted_networks_cost_no_more_either() -> None:
    usual = means(silence(planted(COLOUR_BY_1), FEW, ["zero", "mean"], REGIONS), "mse", "train")
    found = means(table_of(COLOUR_BY_1), "mse", "train")["optimal"]
    for fill in ("zero", "mean"):
        assert (found <= usual[fill][found.index] + ROUNDING).all(), fill


def test_what_is_kept_does_not_depend_on_the_fill() -> None:
    table = table_of(COLOUR_BY_1)
    for score in ("mse", "face_rotation", "colour_kept"):
        found = means(table, score, "test")
        assert found["other", "12345"] == pytest.approx(found["optimal", "12345"])


def test_the_planted_latent_is_necessary_and_suffices_for_colour() -> None:
    """latent5 brings the light that colour needs to be seen, so both are kept."""
    found = means(table_of(COLOUR_BY_1), "colour_kept", "test")
    for fill in ("other", "optimal"):
        removed = {k: found[fill, keep_label(remove((1, 2, 3, 4, 5), k))] for k in (1, 2, 3, 4)}
        assert removed[1] < 0.3
        assert min(removed[k] for k in (2, 3, 4)) == pytest.approx(1)


def test_another_persons_latent_brings_the_other_persons_colour() -> None:
    """By hand, for one donor after the other."""
    network, table = planted(COLOUR_BY_1), table_of(COLOUR_BY_1)
    ((x, y),) = FEW.batches("test")
    rows = donors_of(FEW.people("test"))
    found = []
    with torch.inference_mode():
        latents = network.encode(x)
        for donor in rows:
            given: list[Tensor] = list(latents)
            given[0] = network.encode(x[torch.from_numpy(donor)])[0]
            output, full = network.decode(given), network.decode(latents)
            found.append(FaceScores(x, y, REGIONS).claimed(output, full)["colour_kept"])
    wanted = torch.stack(found).mean(dim=0).numpy()
    one = table.query("split == 'test' and keep == '2345' and fill == 'other'")
    values = one[one["score"] == "colour_kept"]["value"]
    np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("persons", [1, 2, 3, 9])
def test_donors_are_other_persons_at_the_same_yaw(persons: int) -> None:
    rows = [
        (f"p{person}", "", yaw, False)
        for person in range(persons) for yaw in (-45.0, -45.0, 45.0)
    ]  # fmt: skip
    people = pd.DataFrame(rows, columns=FACE)
    found = donors_of(people)
    assert found.shape == (DONORS, len(people))
    for row, person, yaw in zip(range(len(people)), people["person"], people["yaw"]):
        given = [donor for donor in found[:, row] if donor != NOBODY]
        assert len(given) == min(DONORS, persons - 1)
        assert len(set(people["person"][given]) - {person}) == len(given)
        assert set(people["yaw"][given]) <= {yaw}


def test_where_there_is_nobody_else_there_is_no_score() -> None:
    table = ablation(network(), Noise(1, 1), Regions())
    other = table["fill"] == "other"
    silenced = table["keep"] != "25"
    assert table[other & silenced]["value"].isna().all()
    assert table[~other]["value"].notna().all()
    assert set(table["split"]) == set(SPLITS)
