"""Where the turn is made: a module an analysis, each with `entries`, which draws what there is.

What it draws is a Table, a Picture, or a line on what is lacking; nothing where the Baselines of
the study have not been analysed (`python -m facerot.analyse`).
"""

from __future__ import annotations

from collections.abc import Iterator

from facerot.report.page import Lacking
from facerot.report.style import Picture
from facerot.report.tables import Table
from facerot.report.turn import (
    ablation,
    answer,
    decodability,
    depth,
    direction,
    dose,
    network,
    patching,
    seeds,
    shapley,
    spectrum,
)
from facerot.runs.study import Study

IN_ORDER = (
    answer, network, shapley, ablation, dose, spectrum, patching, decodability, direction, depth,
    seeds,
)  # fmt: skip


def entries(study: Study) -> Iterator[Table | Picture | Lacking]:
    """The part of the page: the answer first, then what it rests on, as far as it was computed."""
    for analysis in IN_ORDER:
        yield from analysis.entries(study)
