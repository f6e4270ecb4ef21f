"""One look for all figures: colours that colour-blind readers tell apart, type one can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from facerot.report.faces import Block

# Okabe & Ito (2008), Color Universal Design.
TRAIN, TEST, LOSS = "#0072B2", "#D55E00", "#999999"
INK, RULE = "#222222", "#CCCCCC"
HOLDS, FAILS, NULL, OPEN = "#009E73", "#D55E00", "#56B4E9", "#999999"
LATENT_COLOURS = ("#CC79A7", "#0072B2", "#56B4E9", "#E69F00", "#009E73")  # latent1 to latent5
DPI = 160
LOOK: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,  # text stays text
    "text.usetex": False,
}


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        name: of its files.
        title: what it shows.
        note: what one has to know to read it.
        figure: as its files hold it.
        blocks: the faces in it, where it has any, as the page shows them.
        folded: whether it is of a model that is folded away: its faces then cost fewer bytes.
    """

    name: str
    title: str
    note: str
    figure: Figure
    blocks: Sequence[Block] = ()
    folded: bool = False


@contextmanager
def look() -> Iterator[None]:
    """Draw with the report's look, whatever the user's own matplotlib settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(LOOK)
        yield
