"""Intervals over few seeds: how often they err, and what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.evidence.bootstrap import estimate

numbers = st.lists(st.floats(-10, 10), min_size=3, max_size=8)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_equal_groups_of_seeds_are_rarely_called_different(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    model = rng.normal(0.009, 0.0005, 60)  # the test MSE of one model by seed
    draws = 600
    called = 0
    for _ in range(draws):
        first, second = rng.choice(model, (2, seeds), replace=False)
        called += estimate(first - second).verdict != "open"
    assert called / draws < 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_unequal_groups_are_told_apart(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    found = [estimate(rng.normal(8.0, 1.0, seeds)).verdict for _ in range(100)]
    assert found.count("holds") >= 90
    assert "fails" not in found


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.5])
    found = estimate(values)
    reach = 3.1824 * values.std(ddof=1) / 2  # t(0.975, 3)
    assert found.value == values.mean()
    assert found.high - found.value == pytest.approx(reach, rel=0.02)
    assert found.value - found.low == pytest.approx(reach, rel=0.02)


@given(numbers)
def test_the_verdict_of_the_opposite_is_the_opposite(values: list[float]) -> None:
    found, opposite = estimate(np.array(values)), estimate(-np.array(values))
    assert opposite.low == pytest.approx(-found.high)
    swapped = {"holds": "fails", "fails": "holds", "open": "open"}
    assert opposite.verdict == swapped[found.verdict]


@given(numbers, st.floats(0.001, 1000))
def test_the_verdict_does_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    found, scaled = estimate(np.array(values)), estimate(np.array(values) * unit)
    assert scaled.low == pytest.approx(found.low * unit, abs=1e-9 * unit)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0]])
def test_fewer_than_three_seeds_decide_nothing(values: list[float]) -> None:
    found = estimate(np.array(values))
    assert (found.verdict, found.seeds) == ("open", len(values))
    assert math.isnan(found.low)
