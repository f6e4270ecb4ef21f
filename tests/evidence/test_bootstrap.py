"""Intervals over few seeds: how often they err, and what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from facerot.evidence.bootstrap import estimate, holm

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


def test_the_p_value_is_students() -> None:
    for values in ([1.0, 2.0, 4.0, 4.5], [0.1, -0.2, 0.3], [0.02, 0.03, 0.025, 0.01, 0.05]):
        wanted = stats.ttest_1samp(values, 0).pvalue
        assert estimate(np.array(values)).p == pytest.approx(wanted, rel=0.1)


@given(numbers)
def test_the_verdict_of_the_opposite_is_the_opposite(values: list[float]) -> None:
    found, opposite = estimate(np.array(values)), estimate(-np.array(values))
    assert opposite.low == pytest.approx(-found.high)
    swapped = {"holds": "fails", "fails": "holds", "open": "open"}
    assert opposite.p == pytest.approx(found.p, nan_ok=True)
    assert opposite.verdict == swapped[found.verdict]


@given(numbers, st.floats(0.001, 1000))
def test_the_verdict_does_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    found, scaled = estimate(np.array(values)), estimate(np.array(values) * unit)
    assert scaled.low == pytest.approx(found.low * unit, abs=1e-9 * unit)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0]])
def test_fewer_than_three_seeds_decide_nothing(values: list[float]) -> None:
    found = estimate(np.array(values))
    assert (found.verdict, found.seeds) == ("open", len(values))
    assert estimate(np.array(values), margin=0.5).margin == 0.5
    assert math.isnan(found.low)


RATES = {  # of `null`, by true effect in units of the margin, for a spread of a third of the margin
    3: {0.0: (0.5, 1.0), 1.0: (0.0, 0.05), 2.0: (0.0, 0.02)},
    5: {0.0: (0.9, 1.0), 1.0: (0.0, 0.05), 2.0: (0.0, 0.02)},
    10: {0.0: (0.9, 1.0), 1.0: (0.0, 0.05), 2.0: (0.0, 0.02)},
}


@pytest.mark.parametrize("seeds", RATES)
def test_null_is_found_where_nothing_is_and_rarely_where_the_margin_is(seeds: int) -> None:
    draws, margin = 500, 0.05
    for effect, (fewest, most) in RATES[seeds].items():
        rng = np.random.default_rng([seeds, round(10 * effect)])
        verdicts = [
            estimate(rng.normal(effect * margin, margin / 3, seeds), margin=margin).verdict
            for _ in range(draws)
        ]
        rate = verdicts.count("null") / draws
        assert fewest <= rate <= most + 3 * math.sqrt(most * (1 - most) / draws)
        if effect == 0:  # what is nothing is called something in at most 5 %
            wrong = (verdicts.count("holds") + verdicts.count("fails")) / draws
            assert wrong < 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


def test_without_a_margin_nothing_is_null() -> None:
    assert estimate(np.zeros(5)).verdict == "open"
    assert estimate(np.zeros(5), margin=0.01).verdict == "null"
    assert estimate(np.array([0.01, -0.01, 0.0])).verdict == "open"


def test_holm_corrects_for_the_number_of_verdicts() -> None:
    corrected = holm([0.01, 0.04, float("nan"), 0.03])
    assert corrected[:2] == pytest.approx([0.03, 0.06])
    assert math.isnan(corrected[2])
    assert corrected[3] == pytest.approx(0.06)
    assert holm([0.6, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_the_p_value_and_bonferroni(p_values: list[float]) -> None:
    for corrected, p in zip(holm(p_values), p_values):
        assert p <= corrected <= min(1.0, p * len(p_values)) + 1e-12
