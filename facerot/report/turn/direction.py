"""How the output turns as a latent is moved along its yaw direction."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from facerot.latents import LATENTS
from facerot.report.style import INK, LATENT_COLOURS, Picture
from facerot.report.turn.drawing import curve, of_baseline, panels, spread
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Picture]:
    """One figure."""
    if not of_baseline(study, "direction").empty:
        yield direction_curves(study)


def direction_curves(study: Study) -> Picture:
    """How the output turns as a latent is moved along its yaw direction."""
    table = of_baseline(study, "direction")
    figure = Figure((7.6, 2.9), layout="constrained")
    for ax, start in zip(panels(figure, 2, sharey=True), ("source", "target")):
        rows = table[table["start"] == start]
        as_it_is = rows[(rows["added"] == "none") & (rows["score"] == "yaw")]
        for k in LATENTS:
            by_chance = rows[(rows["added"] == str(k)) & (rows["score"] == "yaw_shuffled")]
            mean, *_ = spread(pd.concat([by_chance, as_it_is]).groupby("steps")["value"])
            ax.plot(mean.index, mean, color=LATENT_COLOURS[k - 1], lw=0.8, ls=":")
            moved = rows[(rows["added"] == str(k)) & (rows["score"] == "yaw")]
            curve(ax, pd.concat([moved, as_it_is]).groupby("steps")["value"], k)
        ax.axhline(0, color=INK, lw=0.8)
        ax.set(title=f"the input is the {start}", xlabel="units towards the target")
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    figure.axes[0].set_ylabel("yaw read of the output, degrees")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    error = table[(table["start"] == "photo") & (table["score"] == "error")]["value"]
    note = (
        "One latent moved by so many units, the others as they are. A unit is what the latent "
        "changes, on average over the training persons, as the input is turned from source to "
        "target. Dotted: a direction by chance, as long. A yaw is read from the picture by a "
        f"regression that is {error.mean():.0f} degrees amiss on photos of persons it has not "
        "learnt from. Mean over seeds on test faces, and their range."
    )
    return Picture("direction", "The yaw direction of each latent", note, figure)
