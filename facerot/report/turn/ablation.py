"""Each latent removed, and kept alone, under four fills; and what the claims become."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.evidence.answer import SPLIT
from facerot.evidence.bootstrap import estimate
from facerot.evidence.claims import CLAIMS
from facerot.evidence.fills import ALL_FILLS, ablations, claims_by_fill
from facerot.latents import LATENTS
from facerot.report.style import INK, Picture
from facerot.report.tables import UNKNOWN, Table, bold_in, verdict_text
from facerot.report.turn.drawing import NAMES, SAID, Grouped, of_baseline
from facerot.runs.study import Study

FILL_COLOURS = dict(zip(ALL_FILLS, ("#222222", "#0072B2", "#E69F00", "#009E73")))


def entries(study: Study) -> Iterator[Picture | Table]:
    """A figure and a table."""
    if not of_baseline(study, "ablation").empty:
        yield ablation_strips(study)
        yield fills_table(study)


def ablation_strips(study: Study) -> Picture:
    """Necessity beside sufficiency, a row a score, a colour a fill."""
    table = ablations(study, SPLIT)
    scores = list(dict.fromkeys(table["score"]))
    figure = Figure((7.6, 1.75 * len(scores) + 0.6), layout="constrained")
    axes = figure.subplots(len(scores), 2, sharex=True, squeeze=False)
    for row, score in zip(axes, scores):
        for ax, asked in zip(row, ("necessity", "sufficiency")):
            of_score = table[table["score"] == score]
            for at, fill in enumerate(ALL_FILLS):
                by_latent = of_score[of_score["fill"] == fill].groupby("latent")[asked]
                _bars(ax, by_latent, (at - 1.5) * 0.17, FILL_COLOURS[fill], fill)
            ax.axhline(0, color=INK, lw=0.8)
            ax.set_xticks(range(len(LATENTS)), NAMES)
        row[0].set_ylabel(SAID[score])
    axes[0, 0].set_title("necessity: lost when it alone is removed")
    axes[0, 1].set_title("sufficiency: gained when it alone is kept")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    note = (
        "Removed latents become zeros, their mean, another person's latents (other), or the "
        "constants that cost least error (optimal). What is left under optimal is information; "
        "what is there under zero alone is the decoder's disturbance. Test faces, mean over seeds "
        "and its 95 % interval."
    )
    return Picture("ablation", "Removed, and kept alone, under four fills", note, figure)


def _bars(ax: Axes, by_latent: Grouped, shift: float, colour: str, label: str) -> None:
    """A mean with its interval for each latent, beside those of other fills."""
    for k, values in by_latent:
        found = estimate(values.dropna().to_numpy())
        at = k - 1 + shift
        ax.plot([at], [found.value], "o", color=colour, label=label if k == 1 else None)
        ax.plot([at, at], [found.low, found.high], color=colour, lw=1)


def fills_table(study: Study) -> Table:
    """The claims that rest on silenced latents, under each fill."""
    found = claims_by_fill(study, SPLIT)
    sentences = {claim.name: claim.sentence for claim in CLAIMS}
    numbers = pd.DataFrame(
        {
            "claim": name, "fill": fill, "statistic": one.value, "low": one.low, "high": one.high,
            "seeds": one.seeds, "verdict": one.verdict,
        }
        for name, by_fill in found.items()
        for fill, one in by_fill.items()
    )  # fmt: skip
    text = pd.DataFrame(
        {
            "Claim": sentences[name],
            **{fill: verdict_text(by_fill[fill]) or UNKNOWN for fill in ALL_FILLS},
        }
        for name, by_fill in found.items()
    )
    note = (
        "From the fill that disturbs the decoder most to the one that costs least. A claim that "
        "holds under zero alone speaks of the disturbance. Other persons' latents and optimal "
        "constants were computed for whole inputs, not for single channels and mosaics. Test faces."
    )
    return Table(
        "claims-by-fill",
        "Which claims survive gentler fills",
        note,
        numbers,
        text,
        bold_in(text),
        prose=True,
    )
