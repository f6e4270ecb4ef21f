"""How alike the networks of several seeds are: their outputs under each mask, and their latents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.errors import one_line
from facerot.evidence.answer import SPLIT
from facerot.evidence.bootstrap import holm
from facerot.evidence.seeds import (
    FEWEST,
    FEWEST_COMPARED,
    Array,
    cka_table,
    comparable,
    distances,
    outputs_of,
    two_clusters,
)
from facerot.latents import LATENTS
from facerot.report.page import Lacking
from facerot.report.style import INK, LATENT_COLOURS, LOSS, Picture
from facerot.runs.study import Finished, Study


def entries(study: Study) -> Iterator[Picture | Lacking]:
    """Two figures, and a line for what the study has too few seeds for."""
    runs = comparable(study)
    if len(runs) < FEWEST_COMPARED:
        return
    try:
        yield outputs_apart(runs)
    except (OSError, ValueError) as error:
        yield Lacking(f"How far seeds draw apart: {one_line(error)}")
    if not cka_table(runs, SPLIT).empty:
        yield latents_alike(runs)
    if len(runs) < FEWEST:
        yield Lacking(
            f"Whether latent3 has two behaviours: needs {FEWEST} seeds of one split, there are "
            f"{len(runs)}; +experiment=seeds trains them"
        )


def outputs_apart(runs: Sequence[Finished]) -> Picture:
    """The distances of the seeds' outputs under each mask."""
    points = outputs_of(runs, SPLIT)
    apart = {mask: distances(one) for mask, one in points.items()}
    clusters = {mask: two_clusters(one) for mask, one in points.items() if len(runs) >= FEWEST}
    corrected = dict(zip(clusters, holm([one.p for one in clusters.values()])))
    largest = max(one.max() for one in apart.values())
    figure = Figure((7.6, 2.1), layout="constrained")
    axes = list(figure.subplots(1, len(points), squeeze=False).flat)
    for ax, mask in zip(axes, points):
        order, title = np.arange(len(runs)), mask
        if mask in clusters:
            order = np.argsort(clusters[mask].labels, kind="stable")
            title = f"{mask}\ns = {clusters[mask].silhouette:.2f}, p = {corrected[mask]:.2g}"
        ax.set_title(title, size=8)
        _matrix(
            ax, apart[mask][np.ix_(order, order)], largest, [runs[int(row)].seed for row in order]
        )
    figure.colorbar(axes[-1].images[0], ax=axes, shrink=0.8, label="distance")
    axes[0].set_ylabel("seed")
    asked = (
        "Seeds are ordered by the two clusters that fit best: s is their silhouette, below 0.25 "
        "nothing to speak of (Kaufman & Rousseeuw 1990); p, by Holm, is of one cloud, by rotations "
        "that keep its covariance. "
    )
    note = (
        "Root mean square difference of the outputs of two seeds with a latent removed (zero), "
        f"over eight test faces. {asked if clusters else ''}Split {runs[0].settings.split_seed}, "
        f"{len(runs)} seeds."
    )
    return Picture("seeds", "How far the seeds draw apart", note, figure)


def _matrix(ax: Axes, apart: Array, largest: float, seeds: Sequence[int]) -> None:
    ax.imshow(apart, cmap="viridis", vmin=0, vmax=largest)
    ax.set_xticks(range(len(seeds)), list(map(str, seeds)), size=5)
    ax.set_yticks(range(len(seeds)), list(map(str, seeds)), size=5)
    ax.grid(visible=False)


def latents_alike(runs: Sequence[Finished]) -> Picture:
    """CKA of the same latent in every two seeds."""
    table = cka_table(runs, SPLIT)
    pairs = table[table["seed"] < table["other"]]
    figure = Figure((4.6, 2.6), layout="constrained")
    ax = figure.subplots()
    for k in LATENTS:
        rows, rng = pairs[pairs["latent"] == k], np.random.default_rng(0)
        at = k + rng.uniform(-0.2, 0.2, len(rows))
        ax.plot(at, rows["cka_shuffled"], ".", color=LOSS, ms=3)
        ax.plot(at, rows["cka"], ".", color=LATENT_COLOURS[k - 1], ms=4)
        ax.plot([k - 0.3, k + 0.3], [rows["cka"].mean()] * 2, color=INK)
    ax.set_xticks(list(LATENTS), [f"latent{k}" for k in LATENTS])
    ax.axhline(0, color=INK, lw=0.8)
    ax.set(ylabel="CKA of two seeds", ylim=(min(-0.1, pairs["cka_shuffled"].min()), 1.02))
    note = (
        "Linear CKA with the unbiased HSIC: 1 where a latent holds the same in two seeds but for "
        "turns and scale, 0 where they have nothing in common. A dot a pair of seeds, the line "
        "their mean; grey: with the faces of one of them dealt anew. Test faces."
    )
    return Picture("cka", "How alike the latents of two seeds are", note, figure)
