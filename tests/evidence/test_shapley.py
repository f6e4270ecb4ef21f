"""Shapley values and interactions: their axioms on random games, and roles planted by hand."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.evidence.shapley import interaction, shapley
from facerot.latents import KeepSet, keep_sets

LATENTS = (1, 2, 3, 4, 5)
numbers = st.floats(-10, 10)
Game = dict[KeepSet, float]


@st.composite
def games(draw: st.DrawFn, players: int = 4) -> tuple[tuple[int, ...], Game]:
    latents = LATENTS[:players]
    return latents, {keep: draw(numbers) for keep in keep_sets(latents)}


def game(worth: object) -> Game:
    return {keep: float(worth(keep)) for keep in keep_sets(LATENTS)}  # type: ignore[operator]


@given(games())
def test_the_values_are_the_mean_gain_over_all_orders_and_add_up(
    drawn: tuple[tuple[int, ...], Game],
) -> None:
    latents, worth = drawn
    found = shapley(worth, latents)
    orders = list(permutations(latents))
    for k in latents:
        before = [tuple(sorted(order[: order.index(k)])) for order in orders]
        gains = [worth[tuple(sorted((*kept, k)))] - worth[kept] for kept in before]
        assert found[k] == pytest.approx(sum(gains) / len(gains), abs=1e-9)
    assert sum(found.values()) == pytest.approx(worth[latents] - worth[()], abs=1e-5)


@given(games())
def test_an_interaction_is_what_one_gains_by_the_other_being_there(
    drawn: tuple[tuple[int, ...], Game],
) -> None:
    latents, worth = drawn
    for (i, j), found in interaction(worth, latents).items():
        others = tuple(k for k in latents if k != j)
        there = {keep: worth[tuple(sorted((*keep, j)))] for keep in keep_sets(others)}
        away = {keep: worth[keep] for keep in keep_sets(others)}
        gain = shapley(there, others)[i] - shapley(away, others)[i]
        assert found == pytest.approx(gain, abs=1e-9)


@pytest.mark.parametrize("planted", LATENTS)
def test_a_latent_that_does_all_has_all_and_the_others_nothing(planted: int) -> None:
    found = shapley(game(lambda keep: planted in keep), LATENTS)
    assert found == pytest.approx({k: float(k == planted) for k in LATENTS}, abs=1e-6)


def test_two_that_carry_the_same_share_it_though_neither_is_missed() -> None:
    worth = game(lambda keep: 1 in keep or 2 in keep)
    assert worth[LATENTS] == worth[(2, 3, 4, 5)] == worth[(1, 3, 4, 5)]  # removal sees neither
    assert shapley(worth, LATENTS) == pytest.approx({1: 0.5, 2: 0.5, 3: 0, 4: 0, 5: 0}, abs=1e-6)
    pairs = interaction(worth, LATENTS)
    assert pairs[1, 2] == pytest.approx(-1)
    assert all(abs(value) < 1e-6 for pair, value in pairs.items() if pair != (1, 2))


def test_two_halves_of_one_thing_need_each_other() -> None:
    worth = game(lambda keep: 3 in keep and 5 in keep)
    assert worth[(3,)] == worth[(5,)] == 0  # keeping alone sees neither
    assert shapley(worth, LATENTS) == pytest.approx({1: 0, 2: 0, 3: 0.5, 4: 0, 5: 0.5}, abs=1e-6)
    assert interaction(worth, LATENTS)[3, 5] == pytest.approx(1)
