"""How coarse or fine is what each latent contributes."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from facerot.config import FILLS
from facerot.latents import LATENTS
from facerot.report.style import Picture
from facerot.report.turn.drawing import curve, of_baseline, panels
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Picture]:
    """One figure."""
    if not of_baseline(study, "spectrum").empty:
        yield spectra(study)


def spectra(study: Study) -> Picture:
    """How coarse or fine is what each latent contributes."""
    table = of_baseline(study, "spectrum")
    table = table[(table["score"] == "luma_power") & (table["frequency"] > 0)]
    figure = Figure((7.6, 2.9), layout="constrained")
    for ax, fill in zip(panels(figure, len(FILLS), sharey=True), FILLS):
        for k in LATENTS:
            rows = table[(table["fill"] == fill) & (table["latent"] == k)]
            curve(ax, rows.groupby("frequency")["value"], k)
        ax.set(title=f"removed with {fill}", xlabel="cycles a picture", xscale="log", yscale="log")
        ticks = [1, 2, 4, 8, 16, 32]
        ax.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
        ax.set_xticks([], minor=True)
    figure.axes[0].set_ylabel("power of luma")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    note = (
        "Radial power of o(all) - o(-k). The grids of latent1 to latent5 can tell of at most 16, "
        "8, 4, 2 and 1 cycles in each direction; what is finer the decoder makes itself. Mean over "
        "seeds on test faces, and their range."
    )
    return Picture(
        "spectrum", "Coarse or fine: spectra of what each latent contributes", note, figure
    )
