"""Where the turn is made: what each latent of the Baseline contributes, as pictures and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from facerot.config import SPLITS
from facerot.evidence.answer import Answer, answers
from facerot.evidence.bootstrap import Estimate, estimate
from facerot.evidence.shapley import games, interaction_table, shapley_table
from facerot.latents import IN_FACE, LATENTS
from facerot.paper import BASELINE
from facerot.report import instruments
from facerot.report.instruments import SAID
from facerot.report.plots import COLOURS, strips
from facerot.report.style import INK, RULE, Picture
from facerot.report.tables import Table, statistic_text
from facerot.runs.study import Study

# What the arrows of the drawing stand for, each in its colour (Okabe & Ito 2008).
CARRIED = {
    "colour_kept": ("colour", "#CC79A7"),
    f"{IN_FACE}front_match": ("front", "#0072B2"),
    f"{IN_FACE}rotation": ("turn", "#009E73"),
}
WIDEST = 18  # pt, of an arrow that carries all
LABEL = {"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none"}
SIDES = 6.4  # between encoder and decoder in the drawing, in heights of a row


def entries(study: Study) -> Iterator[Table | Picture]:
    """The part of the page: the answer first, then what it rests on, as far as it was computed."""
    found = answers(study)
    if found:
        yield answers_table(found)
    if not shapley_table(study, BASELINE, LATENTS).empty:
        yield network(study)
        yield shapley_bars(study)
        yield interactions(study)
    yield from instruments.entries(study)


def answers_table(found: Sequence[Answer]) -> Table:
    """Every statement with its number, interval and seeds."""
    numbers = pd.DataFrame(
        {
            "statement": one.sentence, "number": one.number, "value": one.found.value,
            "low": one.found.low, "high": one.found.high, "seeds": one.found.seeds,
        }
        for one in found
    )  # fmt: skip
    text = pd.DataFrame(
        {
            "So it is": one.sentence,
            "Value, seeds": f"{statistic_text(one.found)}; {one.found.seeds}",
            "Which number": one.number,
        }
        for one in found
    )
    bold = pd.DataFrame(False, index=text.index, columns=text.columns)
    note = (
        "Each statement is what the sign of its number says where the 95 % interval over seeds "
        "excludes 0; else it is open. Baseline, test faces, silenced latents at zero where "
        "nothing else is said."
    )
    return Table(
        "answer", "Where the turn is made, in sentences", note, numbers, text, bold, prose=True
    )


def shares(study: Study, split: str) -> dict[tuple[str, int], Estimate]:
    """The Shapley values of the Baseline, by (score, latent); empty without its tables."""
    table = shapley_table(study, BASELINE, LATENTS)
    of_split = table[table["split"] == split]
    return {
        key: estimate(values.to_numpy())
        for key, values in of_split.groupby(["score", "latent"], sort=False)["value"]
    }


def network(study: Study) -> Picture:
    """The paper's Fig 4 with what goes along each of its paths: arrows as wide as they carry."""
    found = shares(study, "test")
    figure = Figure((7.2, 4.4), layout="constrained")
    ax = figure.subplots()
    carried = {score: said for score, said in CARRIED.items() if (score, 1) in found}
    for k in LATENTS:
        half = 0.42 * (1 - (k - 1) / 7)
        for x in (0.0, SIDES):
            ax.add_patch(Rectangle((x - half, -k - half), 2 * half, 2 * half, fc=RULE, ec=INK))
        ax.text(SIDES / 2, -k + 0.46, f"latent{k}", ha="center", va="center", size=9, weight="bold")
        for at, (score, (_, colour)) in enumerate(carried.items()):
            y = -k + 0.24 - 0.26 * at
            _arrow(ax, half, y, found[score, k], _whole(found, score), colour)
    for said, colour in carried.values():
        ax.plot([], [], color=colour, lw=5, label=said)
    for x, name in ((0.0, "encoder, side view in"), (SIDES, "decoder, front out")):
        ax.text(x, -0.35, name, ha="center", size=9)
    ax.set(xlim=(-0.9, SIDES + 0.9), ylim=(-5.5, -0.1), aspect="equal")
    ax.set_axis_off()
    figure.legend(loc="outside lower center", ncols=3)
    note = (
        "An arrow is as wide as the latent's share of what all five add to a score (Shapley value "
        "over the sum of their sizes), beside it the value: colour, colour_kept; front, "
        "face_front_match; turn, face_rotation. Dashed: the latent works against it. Test faces, "
        "Baseline, silenced latents at zero, mean over seeds."
    )
    return Picture("network", "What goes along each path", note, figure)


def _whole(found: dict[tuple[str, int], Estimate], score: str) -> float:
    return sum(abs(found[score, k].value) for k in LATENTS) or 1.0


def _arrow(ax: Axes, half: float, y: float, one: Estimate, whole: float, colour: str) -> None:
    """One arrow from encoder to decoder."""
    width = max(WIDEST * abs(one.value) / whole, 0.4)
    against = one.value < 0
    style = f"simple,head_width={width * 1.5 + 3},head_length={width * 0.8 + 4},tail_width={width}"
    start, end = (half + 0.06, y), (SIDES - half - 0.06, y)
    look: dict[str, Any] = {"fc": "none", "ls": "--"} if against else {"fc": colour, "ls": "-"}
    bare: dict[str, Any] = {
        "arrowstyle": style,
        "ec": colour,
        "lw": 0.8,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    ax.add_patch(FancyArrowPatch(start, end, **bare, **look))
    ax.text(half + 0.12, y, f"{one.value:+.2f}", size=7, va="center", color=INK, bbox=LABEL)


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
            ax.set_xticks(range(len(LATENTS)), [f"latent{k}" for k in LATENTS])
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
