"""Each latent scaled: threshold or gradual."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from facerot.latents import LATENTS
from facerot.report.style import RULE, Picture
from facerot.report.turn.drawing import SAID, curve, of_baseline, panels
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Picture]:
    """One figure."""
    if not of_baseline(study, "dose").empty:
        yield dose_curves(study)


def dose_curves(study: Study) -> Picture:
    """Each latent scaled: threshold or gradual."""
    table = of_baseline(study, "dose")
    scores = [score for score in SAID if score in set(table["score"])]
    figure = Figure((7.6, 2.4), layout="constrained")
    for ax, score in zip(panels(figure, len(scores)), scores):
        for k in LATENTS:
            rows = table[(table["score"] == score) & (table["latent"] == k)]
            curve(ax, rows.groupby("factor")["value"], k)
        ax.axvline(1, color=RULE, lw=0.8, zorder=0)
        ax.set(title=SAID[score].replace("less error (-MSE)", "MSE"), xlabel="factor")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    note = (
        "One latent times the factor, the others as they are: 0 is removal with zero, 1 the "
        "network as it is. Mean over seeds on test faces, and their range."
    )
    return Picture("dose", "Dose: each latent scaled", note, figure)
