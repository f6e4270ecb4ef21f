"""How surely a number is known from few seeds: 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

Values = npt.NDArray[np.float64]
Statistic = Callable[[Values], Values]

FEWEST_SEEDS = 3  # fewer decide nothing
RESAMPLES = 10_000
CONFIDENCE = 0.95
EQUIVALENCE = 0.90  # the interval of two one-sided tests at 5 % each


@dataclass(frozen=True)
class Estimate:
    """A statistic over seeds and how surely it is known; nan where there are too few seeds.

    Attributes:
        value: the statistic.
        low: lower end of its 95 % interval.
        high: upper end.
        seeds: how many values it rests on.
        reach90: half of the width of its 90 % interval.
        p: two-sided p-value of the statistic being 0, by Student's t.
        margin: what is too little to matter, in the statistic's unit; 0 where nothing is.
    """

    value: float
    low: float
    high: float
    seeds: int
    reach90: float = np.nan
    p: float = np.nan
    margin: float = 0.0

    @property
    def verdict(self) -> str:
        """`holds` where the whole 95 % interval is above 0, `fails` where it is below.

        Else `null` where the whole 90 % interval lies within the margin (equivalence by two
        one-sided tests, Schuirmann 1987), and `open` where nothing can be said.
        """
        if self.low > 0:
            return "holds"
        if self.high < 0:
            return "fails"
        within = 0 < self.margin >= abs(self.value) + self.reach90
        return "null" if within else "open"


def mean(samples: Values) -> Values:
    """(r, seeds) -> (r,): the mean over seeds."""
    return np.asarray(samples.mean(axis=1))


def estimate(values: Values, statistic: Statistic = mean, margin: float = 0.0) -> Estimate:
    """A statistic of one value a seed and its 95 % interval.

    value +- t(0.975, n - 1) * sqrt(n / (n - 1)) * SE, SE being the statistic's standard deviation
    over RESAMPLES bootstrap resamples of the n seeds. Percentile intervals are too narrow for few
    seeds: with 3, 5 and 10 they find a difference between equals in 25, 16 and 11 % of cases, this
    one in about 5 %. Source: Hesterberg (2015), What Teachers Should Know About the Bootstrap, The
    American Statistician 69(4): bootstrap-SE t intervals, and the correction of narrowness.

    Args:
        values: (n,) or (n, c), a row a seed; rows are resampled whole, so what is compared within
            a seed stays paired.
        statistic: resamples (r, n) or (r, n, c) -> (r,).
        margin: what is too little to matter, in the statistic's unit.
    """
    seeds = len(values)
    value = float(statistic(values[None])[0]) if seeds else np.nan
    if seeds < FEWEST_SEEDS:
        return Estimate(value, np.nan, np.nan, seeds, margin=margin)
    rows = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    error = float(statistic(values[rows]).std()) * np.sqrt(seeds / (seeds - 1))
    reach, reach90 = (
        float(student.ppf((1 + level) / 2, seeds - 1)) * error
        for level in (CONFIDENCE, EQUIVALENCE)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        p = float(2 * student.sf(np.abs(np.float64(value) / error), seeds - 1))
    return Estimate(value, value - reach, value + reach, seeds, reach90, p, margin)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, corrected for their number by Holm (1979): each at most 1; nan stays nan."""
    known = sorted((p, index) for index, p in enumerate(p_values) if not np.isnan(p))
    corrected, largest = [np.nan] * len(p_values), 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        corrected[index] = largest
    return corrected
