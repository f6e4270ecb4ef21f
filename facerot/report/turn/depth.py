"""Where the target takes over from the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.evidence.answer import SPLIT
from facerot.evidence.depth import drawn, read_at, several_yaws, shares
from facerot.report.style import INK, LOSS, TEST, TRAIN, Picture
from facerot.report.turn.drawing import of_baseline, panels
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Picture]:
    """One figure."""
    if not of_baseline(study, "depth").empty:
        yield depth_curves(study)


def depth_curves(study: Study) -> Picture:
    """Where the target takes over from the source."""
    mild = replace(study, fill="mean")
    matches = {match: drawn(mild, SPLIT, match) for match in ("side", "front")}
    known = matches["side"].notna().to_numpy().any()  # else there is no face box
    figure = Figure((7.6 if known else 5.2, 3.1), layout="constrained")
    read, share, *decoder = panels(figure, 3 if known else 2)
    for what, colour in (("source", TRAIN), ("target", TEST)):
        _by_place(read, read_at(study, SPLIT, what), colour, what)
    for what in ("source", "target"):
        by_chance = read_at(study, SPLIT, what, "explained_shuffled")
        _by_place(read, by_chance, LOSS, "labels shuffled")
    _by_place(share, shares(study, SPLIT), INK, None)
    share.axhline(0.5, color=INK, lw=0.8)
    share.set_ylim(0, 1)
    read.set_title("read of persons not learnt from")
    share.set_title("share of the source")
    for ax in decoder:
        for match, colour in (("side", TRAIN), ("front", TEST)):
            _by_place(ax, matches[match], colour, None)
        ax.set_title("drawn if nothing else came in")
    handles = dict(zip(*reversed(read.get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    several = (
        ""
        if several_yaws(study)
        else "From the one yaw of this study a linear reader can turn a face itself, so that only "
        "the loss of the source tells something: +experiment=yaws trains networks for it. "
    )
    right = (
        "Right: match inside the face box if nothing reached the decoder after a stage, silenced "
        "latents at their mean. "
    )
    note = (
        f"Left: what tells the source, and the target, from others. {several}Then source / "
        f"(source + target). {right if known else ''}Test faces, mean over seeds and their range."
    )
    return Picture("depth", "Depth: where the target takes over from the source", note, figure)


def _by_place(ax: Axes, by_seed: pd.DataFrame, colour: str, label: str | None) -> None:
    """A row a seed, a column a place, as the mean and range along the way."""
    at = range(len(by_seed.columns))
    ax.plot(at, by_seed.mean(), "o-", color=colour, ms=2.5, label=label)
    ax.fill_between(at, by_seed.min(), by_seed.max(), color=colour, alpha=0.15, lw=0)
    ax.set_xticks(at, list(by_seed.columns), rotation=60, ha="right")
    ax.axhline(0, color=INK, lw=0.8)
