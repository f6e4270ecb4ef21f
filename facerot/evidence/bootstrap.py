"""How surely a number is known from few seeds: 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

Values = npt.NDArray[np.float64]
Statistic = Callable[[Values], Values]

FEWEST_SEEDS = 3  # DESIGN section 9: fewer decide nothing
RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A statistic over seeds and its interval, nan where there are too few seeds for one."""

    value: float
    low: float
    high: float
    seeds: int

    @property
    def verdict(self) -> str:
        """`holds` where the whole interval is above 0, `fails` where it is below, else `open`."""
        if self.low > 0:
            return "holds"
        return "fails" if self.high < 0 else "open"


def mean(samples: Values) -> Values:
    """(r, seeds) -> (r,): the mean over seeds."""
    return np.asarray(samples.mean(axis=1))


def estimate(values: Values, statistic: Statistic = mean) -> Estimate:
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
    """
    seeds = len(values)
    value = float(statistic(values[None])[0]) if seeds else np.nan
    if seeds < FEWEST_SEEDS:
        return Estimate(value, np.nan, np.nan, seeds)
    rows = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    error = float(statistic(values[rows]).std()) * np.sqrt(seeds / (seeds - 1))
    reach = float(student.ppf((1 + CONFIDENCE) / 2, seeds - 1)) * error
    return Estimate(value, value - reach, value + reach, seeds)
