"""What can be read where."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.latents import PLACES
from facerot.report.style import INK, LOSS, TEST, TRAIN, Picture
from facerot.report.turn.drawing import of_baseline, spread
from facerot.runs.study import Study

READ = {
    "yaw": "yaw",
    "face_colour": "colour of the face",
    "background_colour": "colour of the background",
    "front": "what tells the front from others",
    "side": "what tells the side view from others",
    "person": "who it is (accuracy)",
}


def entries(study: Study) -> Iterator[Picture]:
    """One figure."""
    if not of_baseline(study, "decodability").empty:
        yield decodability_curves(study)


def decodability_curves(study: Study) -> Picture:
    """What can be read where, and what can be read of shuffled labels."""
    table = of_baseline(study, "decodability")
    kinds = [what for what in READ if what in set(table["what"])]
    figure = Figure((7.6, 2.3 * -(-len(kinds) // 3) + 0.4), layout="constrained")
    axes = figure.subplots(-(-len(kinds) // 3), 3, sharex=True, squeeze=False)
    for ax, what in zip(axes.flat, kinds):
        score = "accuracy" if what == "person" else "explained"
        for reader, colour in (("ridge", TRAIN), ("nearest", TEST)):
            rows = table[(table["what"] == what) & (table["reader"] == reader)]
            _line(ax, rows[rows["score"] == score], colour, reader)
            _line(ax, rows[rows["score"] == f"{score}_shuffled"], LOSS, "labels shuffled")
        ax.set_title(READ[what])
        ax.set_xticks(range(len(PLACES)), PLACES, rotation=60, ha="right")
        ax.axhline(0, color=INK, lw=0.8)
    for ax in axes.flat[len(kinds) :]:
        ax.set_axis_off()
    for ax in axes.flat[max(len(kinds) - 3, 0) : len(kinds)]:  # the lowest of their columns
        ax.tick_params(labelbottom=True)
    handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    note = (
        "Read by ridge regression and by the nearest neighbours, of persons not learnt from; 1 is "
        "read without error, 0 is chance (for the nearest neighbours -0.2, as they are five; for "
        "who it is, 1 in their number). What can be read is "
        "there; whether the network uses it is another question. Test faces, mean over seeds and "
        "their range."
    )
    return Picture("decodability", "Decodability: what can be read where", note, figure)


def _line(ax: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    """A score along the way of a face through the network."""
    by_place = rows.groupby("place")["value"]
    places = [place for place in PLACES if place in by_place.groups]
    at = [PLACES.index(place) for place in places]
    mean, low, high = (values.reindex(places) for values in spread(by_place))
    ax.plot(at, mean, "o-", color=colour, ms=2.5, label=label)
    ax.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
