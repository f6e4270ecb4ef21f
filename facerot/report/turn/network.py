"""The paper's Fig 4 with what goes along each of its paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from facerot.evidence.bootstrap import Estimate, estimate
from facerot.evidence.shapley import shapley_table
from facerot.latents import IN_FACE, LATENTS
from facerot.paper import BASELINE
from facerot.report.style import INK, RULE, Picture
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


def entries(study: Study) -> Iterator[Picture]:
    """One figure, where every set of latents was silenced."""
    if not shapley_table(study, BASELINE, LATENTS).empty:
        yield network(study)


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
    told = "".join(f"{said}, {score}; " for score, (said, _) in carried.items())
    note = (
        "An arrow is as wide as the latent's share of what all five add to a score (Shapley value "
        f"over the sum of their sizes), beside it the value: {told}dashed, the latent works "
        "against it. Test faces, Baseline, silenced latents at zero, mean over seeds."
    )
    return Picture("network", "What goes along each path", note, figure)


def shares(study: Study, split: str) -> dict[tuple[str, int], Estimate]:
    """The Shapley values of the Baseline, by (score, latent); empty without its tables."""
    table = shapley_table(study, BASELINE, LATENTS)
    of_split = table[table["split"] == split]
    return {
        key: estimate(values.to_numpy())
        for key, values in of_split.groupby(["score", "latent"], sort=False)["value"]
    }


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
