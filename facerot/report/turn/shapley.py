"""What each latent adds, and which need each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.config import SPLITS
from facerot.evidence.bootstrap import Estimate, estimate
from facerot.evidence.shapley import games, interaction_table, shapley_table
from facerot.latents import LATENTS
from facerot.paper import BASELINE
from facerot.report.plots import COLOURS, strips
from facerot.report.style import INK, Picture
from facerot.report.turn.drawing import NAMES, SAID
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Picture]:
    """Two figures, where every set of latents was silenced."""
    if not shapley_table(study, BASELINE, LATENTS).empty:
        yield shapley_bars(study)
        yield interactions(study)


def shapley_bars(study: Study) -> Picture:
    """What each latent adds to each score, on train and on test faces, every seed a dot."""
    table = shapley_table(study, BASELINE, LATENTS)
    scores = games(study)
    figure = Figure((7.6, 1.75 * len(scores) + 0.4), layout="constrained")
    axes = figure.subplots(len(scores), 2, sharex=True, sharey="row", squeeze=False)
    for row, score in zip(axes, scores):
        for ax, split in zip(row, SPLITS):
            of_score = table[(table["score"] == score) & (table["split"] == split)]
            columns = [of_score[of_score["latent"] == k]["value"] for k in LATENTS]
            strips(ax, columns, COLOURS[split])
            ax.axhline(0, color=INK, lw=0.8)
            ax.set_xticks(range(len(LATENTS)), NAMES)
        row[0].set_ylabel(SAID[score])
    for ax, split in zip(axes[0], SPLITS):
        ax.set_title(f"{split} faces")
    note = (
        "What a latent adds on average over every order in which the five could come; the five add "
        "up to score(all) - score(none). A dot a seed; the line is the mean, the bar its 95 % "
        "interval. Silenced latents at zero."
    )
    return Picture("shapley", "What each latent adds: Shapley values", note, figure)


def interactions(study: Study) -> Picture:
    """Which latents need each other and which can stand in for each other, a matrix a score."""
    table = interaction_table(study, BASELINE, LATENTS)
    of_test = table[table["split"] == "test"]
    scores = games(study)
    figure = Figure((7.6, 2.4), layout="constrained")
    axes = list(figure.subplots(1, len(scores), squeeze=False).flat)
    for ax, score in zip(axes, scores):
        pairs = of_test[of_test["score"] == score].groupby(["one", "other"])["value"]
        found = {pair: estimate(values.to_numpy()) for pair, values in pairs}
        _matrix(ax, found)
        ax.set_title(SAID[score].replace("(-MSE)", "(-MSE, 0.001)"))
    note = (
        "Above 0 (green): worth more together than apart, one needs the other. Below 0 (purple): "
        "one can stand in for the other. Test faces, mean over seeds; bold where the 95 % interval "
        "excludes 0."
    )
    return Picture("interaction", "Which latents need each other", note, figure)


def _matrix(ax: Axes, found: dict[tuple[int, int], Estimate]) -> None:
    values = np.full((len(LATENTS),) * 2, np.nan)
    for (i, j), one in found.items():
        values[j - 1, i - 1] = one.value
    largest = float(np.nanmax(np.abs(values))) if found else 1.0
    ax.imshow(values, cmap="PRGn", vmin=-1.6 * largest, vmax=1.6 * largest)
    scale = 1000 if largest < 0.05 else 1
    for (i, j), one in found.items():
        sure = one.verdict in ("holds", "fails")
        text = f"{one.value * scale:+.1f}" if scale > 1 else f"{one.value:+.2f}"
        ax.text(i - 1, j - 1, text, ha="center", va="center", size=7,
                weight="bold" if sure else "normal")  # fmt: skip
    ax.set_xticks(range(4), [str(k) for k in LATENTS[:4]])
    ax.set_yticks(range(1, 5), [str(k) for k in LATENTS[1:]])
    ax.set(xlim=(-0.5, 3.5), ylim=(4.5, 0.5))
    ax.grid(visible=False)
