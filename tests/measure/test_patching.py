"""Patching: what follows the donor of a latent, on networks whose latents' roles we set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from facerot.config import SPLITS
from facerot.data.datamodule import Batch
from facerot.data.gallery import Gallery
from facerot.latents import LATENTS, keep_label, keep_sets
from facerot.measure.patching import (
    KEY,
    OTHER,
    follows,
    patched,
    patched_alone,
    patched_but_one,
    patched_each,
    patching,
    pictures,
    swapped_in,
)
from facerot.measure.tables import FACE
from facerot.measure.tables import means as means_of
from facerot.model import UNet
from tests.measure.test_planted import (
    COLOUR_BY_1,
    COLOUR_BY_2,
    NEVER_TURNED,
    PERSONS,
    REGIONS,
    TURNED_BY_5,
    MadeUpFaces,
)
from tests.planted import Roles, planted

NOTHING = 1e-6
IN_WINDOWS = ("", "face_")


class Persons(MadeUpFaces):
    """The made-up faces, each of a person of its own."""

    def people(self, split: str) -> pd.DataFrame:
        people = super().people(split)
        people["person"] = [f"{split}{row}" for row in range(len(people))]
        return people

    def galleries(self, background: str | None = None) -> dict[str, Gallery]:
        """The same persons at the yaw 0: their targets."""
        found = {}
        for split in SPLITS:
            ((_, y),) = self.batches(split)
            pixels = (y * 255).round().to(torch.uint8)
            people = self.people(split).assign(yaw=0.0)
            found[split] = Gallery(pixels, people, [-45.0], 0.0)
        return found


FACES = Persons(two_coloured=False)


@cache
def table_of(roles: Roles) -> pd.DataFrame:
    return patching(planted(roles), FACES, REGIONS)


def means(roles: Roles, score: str, split: str, donor: str = OTHER) -> pd.Series:
    """The mean of a score by what is patched."""
    table = means_of(table_of(roles)).query("split == @split and donor == @donor")
    found: pd.Series = table[table["score"] == score].set_index("patched")["value"]
    return found


ROLES = [
    (COLOUR_BY_1, "colour", 1),
    (COLOUR_BY_2, "colour", 2),
    (TURNED_BY_5, "colour", 1),
    (TURNED_BY_5, "front", 5),
    (TURNED_BY_5, "side", 2),
    (NEVER_TURNED, "structure", 2),
    (NEVER_TURNED, "side", 2),
    (COLOUR_BY_1, "structure", 5),
    (COLOUR_BY_1, "front", 5),
]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("prefix", IN_WINDOWS)
@pytest.mark.parametrize(("roles", "score", "carrier"), ROLES)
def test_what_a_latent_carries_follows_its_donor(
    roles: Roles, score: str, carrier: int, prefix: str, split: str
) -> None:
    found = means(roles, prefix + score, split)
    alone = {k: found[str(k)] for k in LATENTS}
    without = {k: found[keep_label([one for one in LATENTS if one != k])] for k in LATENTS}
    assert max(alone, key=lambda k: alone[k]) == carrier
    assert min(without, key=lambda k: without[k]) == carrier


@pytest.mark.parametrize("roles", [COLOUR_BY_1, TURNED_BY_5, NEVER_TURNED])
def test_nothing_follows_the_donor_of_a_latent_that_does_nothing(roles: Roles) -> None:
    table = table_of(roles)
    idle = table[table["patched"].isin(["3", "4", "34"])]
    for score, prefix in product(("colour", "structure", "front", "side"), IN_WINDOWS):
        values = idle.loc[idle["score"] == prefix + score, "value"].dropna()
        assert len(values) > 0
        assert values.abs().max() < NOTHING


def test_what_one_latent_brings_another_takes_away() -> None:
    front, side = (means(TURNED_BY_5, score, "test") for score in ("front", "side"))
    assert front["5"] == pytest.approx(front["12345"], rel=0.25)
    assert side["5"] == pytest.approx(-side["2"], rel=0.25)
    assert side["12345"] == pytest.approx(0, abs=0.05)


def test_a_turned_face_comes_with_the_latent_that_turns_it() -> None:
    turned, itself = (means(TURNED_BY_5, f"rotation_{face}", "test") for face in "ba")
    assert turned["12345"] > 0.5
    assert turned["5"] > turned["none"] + 0.2
    assert itself["2"] > itself["none"], "its own side view is gone, which latent5 took away"
    whose = means(TURNED_BY_5, "identity_b", "test")
    assert whose["12345"] == 1
    assert whose["none"] == 0


def test_no_subset_stays_and_all_of_them_become_the_donor() -> None:
    table = table_of(TURNED_BY_5)
    for patch, wanted in (("none", 0), ("12345", 1)):
        rows = table[(table["patched"] == patch) & table["score"].isin(["colour", "structure"])]
        np.testing.assert_allclose(rows["value"], wanted, atol=1e-5)


def test_the_frontal_photo_of_a_person_turns_what_was_never_turned() -> None:
    rotation = means(NEVER_TURNED, "rotation_a", "test", donor="0")
    assert rotation["none"] < -0.5
    assert rotation["2"] > 0.5, "latent2 carries the view as it is"
    assert rotation["5"] == pytest.approx(rotation["none"], abs=NOTHING)
    table = table_of(NEVER_TURNED)
    own = table[table["donor"] == "0"]
    assert own.loc[own["score"] == "front", "value"].isna().all(), "one person has one front"


def test_a_row_is_a_face_with_its_donor_and_the_seed_draws_it() -> None:
    table = table_of(COLOUR_BY_1)
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert not table.duplicated([*KEY, *FACE, "score"]).any()
    whole = table.query("donor == @OTHER and patched == '12345'")
    drawn = whole[whole["score"] == "identity_b"].set_index("person")["value"]
    assert len(drawn) == 2 * 3 * PERSONS
    assert (drawn == 1).all(), "what is all the donor's shows the donor"
    assert (whole.loc[whole["score"] == "identity_a", "value"] == 0).all(), "another person"
    again, otherwise = (
        patching(planted(COLOUR_BY_1), FACES, REGIONS, seed=seed) for seed in (0, 1)
    )
    pd.testing.assert_frame_equal(again, table)
    assert not otherwise["value"].equals(table["value"])


class Alone(Persons):
    """One face in each split."""

    def batches(self, split: str) -> Iterator[Batch]:
        for x, y in super().batches(split):
            yield x[:1], y[:1]

    def people(self, split: str) -> pd.DataFrame:
        first: pd.DataFrame = super().people(split).iloc[:1]
        return first

    def galleries(self, background: str | None = None) -> dict[str, Gallery]:
        return {
            split: one.where(one.people["yaw"] == 1) for split, one in super().galleries().items()
        }


def test_a_person_alone_has_no_donor() -> None:
    table = patching(planted(COLOUR_BY_1), Alone(two_coloured=False), REGIONS)
    assert len(table) == 0
    assert len(means_of(table)) == 0


def network(concats: tuple[int, ...]) -> UNet:
    torch.manual_seed(0)
    return UNet(concats, channels=(2, 4, 4, 4, 4)).eval()


@torch.inference_mode()
@pytest.mark.parametrize("concats", [(), (2,), (1, 2, 3, 4)])
def test_a_patch_is_a_pass_with_the_donors_latents(concats: tuple[int, ...]) -> None:
    net, faces = network(concats), torch.rand(2, 3, 3, 64, 64)
    a, b = (net.encode(x) for x in faces)
    every = patched_each(net, a, b)
    assert list(every) == keep_sets(net.latents)
    for subset, output in every.items():
        mixed = [(b if k in subset else a)[k - 1] for k in LATENTS]
        torch.testing.assert_close(output, net.decode(mixed))
        torch.testing.assert_close(output, patched(net, a, b, subset))
    for k, output in patched_alone(net, a, b).items():
        torch.testing.assert_close(output, every[(k,)])
    for k, output in patched_but_one(net, a, b).items():
        torch.testing.assert_close(output, every[tuple(one for one in net.latents if one != k)])
    if concats != (1, 2, 3, 4):
        with pytest.raises(ValueError, match="latents 3 cannot be patched: this model has"):
            patched(net, a, b, (3,))


images = st.integers(0, 2**32 - 1).map(
    lambda seed: torch.randn(3, 2, 6, 6, generator=torch.Generator().manual_seed(seed))
)
factors = st.floats(-2, 2)


@given(images, factors)
def test_what_has_made_a_share_of_the_change_has_that_score(pair: Tensor, share: float) -> None:
    of_a, of_b, _ = pair
    found = follows(of_a + share * (of_b - of_a), of_a, of_b)
    torch.testing.assert_close(found, torch.full((2,), share), rtol=1e-3, atol=1e-4)
    assert follows(of_b, of_a, of_a).isnan().all()


@given(images, factors, factors)
def test_a_change_of_fronts_and_sides_is_told_apart(
    parts: Tensor, front: float, side: float
) -> None:
    fronts, sides, _ = parts
    found = swapped_in(front * fronts + side * sides, fronts, sides)
    torch.testing.assert_close(found[0], torch.full((2,), front), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found[1], torch.full((2,), side), rtol=1e-3, atol=1e-3)
    one_front = swapped_in(side * sides, torch.zeros_like(fronts), sides)
    assert one_front[0].isnan().all()
    torch.testing.assert_close(one_front[1], torch.full((2,), side), rtol=1e-3, atol=1e-3)


def test_the_grid_of_a_latent_has_the_unpatched_outputs_on_its_diagonal() -> None:
    grids, shown = pictures(planted(COLOUR_BY_1), FACES), 4
    assert set(grids) == {f"latent{k}_{split}" for k in LATENTS for split in SPLITS}
    whole, idle = (grids[f"latent{k}_test"].astype(int) for k in (1, 3))
    for row, column in product(range(shown), repeat=2):
        top, left = len(whole) - 32 * (shown - row), 32 * (2 + column)
        one, other = (grid[top : top + 32, left : left + 32] for grid in (whole, idle))
        assert (np.abs(one - other).max() <= 1) == (row == column)
