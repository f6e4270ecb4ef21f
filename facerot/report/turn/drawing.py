"""What the figures of this folder share: whose rows, in which words, and curves over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.evidence.answer import SPLIT
from facerot.latents import IN_FACE, LATENTS
from facerot.paper import BASELINE
from facerot.report.style import LATENT_COLOURS
from facerot.runs.study import Study

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

Grouped: TypeAlias = "SeriesGroupBy[Any, Any]"

NAMES = [f"latent{k}" for k in LATENTS]
SAID = {
    "mse": "less error (-MSE)",
    "colour_kept": "colour kept",
    f"{IN_FACE}front_match": "front, in the face",
    f"{IN_FACE}rotation": "rotation, in the face",
}


def of_baseline(study: Study, name: str) -> pd.DataFrame:
    """The rows of an analysis that are of the Baseline's test faces."""
    table = study.further(name)
    if table.empty:
        return table
    found: pd.DataFrame = table[(table["split"] == SPLIT) & (table["concats"] == BASELINE)]
    return found


def panels(figure: Figure, count: int, sharey: bool = False) -> list[Axes]:
    """So many panels in a row."""
    return list(figure.subplots(1, count, squeeze=False, sharey=sharey).flat)


def curve(ax: Axes, by_step: Grouped, k: int) -> None:
    """The mean over seeds of a latent's values, and their range."""
    mean, low, high = spread(by_step)
    ax.plot(mean.index, mean, "o-", ms=2.5, color=LATENT_COLOURS[k - 1], label=f"latent{k}")
    ax.fill_between(mean.index, low, high, color=LATENT_COLOURS[k - 1], alpha=0.15, lw=0)


def spread(grouped: Grouped) -> tuple[pd.Series, pd.Series, pd.Series]:
    """The mean, the smallest and the largest value of each group."""
    return grouped.mean(), grouped.min(), grouped.max()
