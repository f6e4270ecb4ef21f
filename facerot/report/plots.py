"""The report's plots: every seed a dot, the mean and its 95 % interval beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from facerot.config import SPLITS
from facerot.errors import first_few
from facerot.evidence.bootstrap import estimate
from facerot.latents import keep_label, remove
from facerot.paper import number_of_concats
from facerot.report.curves import read_curves
from facerot.report.models import Model, labels
from facerot.report.style import INK, LOSS, TEST, TRAIN, Picture
from facerot.runs.metrics import BASELINES
from facerot.runs.study import Study

COLOURS = dict(zip(SPLITS, (TRAIN, TEST)))
SPREAD = 0.24  # how far the seeds of one strip stand apart, in units of the strips' distance
CURVES_ACROSS = 4
ALONG = np.linspace(0, 1, 201)  # shares of a training


def mse_strips(study: Study) -> Picture:
    """Train and test MSE of every model."""
    models = study.models
    figure = Figure((0.42 * max(len(models), 6) + 1.2, 4.6), layout="constrained")
    for ax, split in zip(figure.subplots(2, 1, sharex=True), SPLITS):
        strips(ax, [study.mse(concats, split) for concats in models], COLOURS[split])
        ax.set_ylabel(f"{split} MSE")
    for (name, said), style in zip(BASELINES.items(), ("--", ":")):
        ax.axhline(study.baseline(name).mean(), color=LOSS, ls=style, label=said)
    figure.legend(loc="outside upper left", ncols=2)
    ax.set_xticks(range(len(models)), labels(study).values(), rotation=45)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    note = (
        "A dot a seed; the line is the mean, the bar its 95 % interval (from three seeds on). On "
        "test faces also what needs no network: copying the input, and the mean training face."
    )
    return Picture("mse", "MSE of every model", note, figure)


def overfitting(study: Study) -> Picture:
    """MSE, and test over train MSE, by the number of Concats."""
    figure = Figure((5.6, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for run in study.runs:
        number = number_of_concats(run.concats)
        values = {split: run.metrics.mse(split) for split in SPLITS}
        for split, side in zip(SPLITS, (-1, 1)):
            at = number + side * 0.12
            left.plot(at, values[split], "o", color=COLOURS[split], alpha=0.7, mew=0)
        right.plot(number, values["test"] / values["train"], "o", color=INK, alpha=0.6, mew=0)
    for ax, label in ((left, "MSE"), (right, "test MSE / train MSE")):
        _log_axis(ax)
        ax.set_xticks(range(5))
        ax.set(xlabel="number of Concats", ylabel=label, xlim=(-0.5, 4.5))
    figure.legend(handles=_handles(COLOURS, marker="o"), loc="outside upper left", ncols=2)
    note = (
        "A dot a run. The slope of the right-hand dots decides whether train and test error part "
        "the further, the more Concats there are (claim concats-overfit)."
    )
    return Picture("overfitting", "Overfitting: MSE by the number of Concats", note, figure)


def rotation_by_seed(study: Study, model: Model) -> Picture:
    """Rotation without each latent, by seed: Fig 7 as numbers."""
    figure = Figure((6.4, 3.2), layout="constrained")
    latents = study.of(model.concats)[0].latents_of_model
    without = {f"-{k}": keep_label(remove(latents, k)) for k in latents}
    for ax, split in zip(figure.subplots(1, 2, sharey=True), SPLITS):
        columns = [
            study.score("rotation", keep, split, concats=model.concats) for keep in without.values()
        ]
        strips(ax, columns, COLOURS[split])
        for at, values in enumerate(columns):
            if len(values) > 1:
                text = f"{values.std():.3f}"
                ax.annotate(text, (at, 1), (0, 2), xycoords=("data", "axes fraction"),
                            textcoords="offset points", ha="center", size=8)  # fmt: skip
        ax.axhline(0, color=INK, lw=0.8)
        ax.set_xticks(range(len(without)), without)
        ax.set_xlabel(f"{split} faces, latent removed")
    figure.axes[0].set_ylabel("rotation")
    note = f"{model.heading}. A dot a seed; above each strip the standard deviation over seeds."
    title = "Fig 7 in numbers. Rotation without each latent, by trial"
    return Picture(model.file("figure7_spread"), title, note, figure)


def loss_curves(study: Study) -> Picture:
    """The curves of every model: mean over seeds, and the range of the seeds."""
    models, named = study.models, labels(study)
    across = min(len(models), CURVES_ACROSS)
    down = -(-len(models) // across)
    figure = Figure((max(1.8 * across, 3.6) + 0.4, 1.9 * down + 0.5), layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    read = {run.folder.name: read_curves(run.folder, run.metrics.epochs) for run in study.runs}
    for concats, ax in zip(models, axes.flat):
        runs = study.of(concats)
        for tag, colour in (("loss", LOSS), ("mse/train", TRAIN), ("mse/test", TEST)):
            values = pd.DataFrame(
                _along(curve, run.metrics.epochs)
                for run in runs
                if not (curve := read[run.folder.name][tag].dropna()).empty
            ).dropna(axis="columns")  # where every run has a value
            if values.empty:
                continue
            ax.plot(values.columns, values.mean(), color=colour)
            ax.fill_between(
                values.columns, values.min(), values.max(), color=colour, alpha=0.25, lw=0
            )
        ax.set_title(named[concats])
        _log_axis(ax)
    for ax in list(axes.flat)[len(models) :]:
        ax.set_axis_off()
    figure.supxlabel("share of the training", size=9)
    figure.supylabel("MSE", size=9)
    colours = {"training loss": LOSS, "train": TRAIN, "test": TEST}
    figure.legend(handles=_handles(colours), loc="outside upper right", ncols=3)
    note = (
        "Mean over seeds, and their range; straight lines between the epochs of the evaluations, "
        "which are others where a split is larger. The training loss is the mean over an epoch's "
        "batches; train and test are in eval mode."
    )
    without = [name for name, curves in read.items() if curves.empty]
    note += f" Without curves.csv and events: {first_few(without, ', ')}." if without else ""
    return Picture("curves", "Loss curves", note, figure)


def _along(curve: pd.Series, epochs: int) -> pd.Series:
    """A curve by epoch, at each share of ALONG; nan before its first value and after its last."""
    by_epoch = curve.index.to_numpy(float), curve.to_numpy(float)
    values = np.interp(ALONG * epochs, *by_epoch, left=np.nan, right=np.nan)
    along: pd.Series = pd.Series(values, index=ALONG)
    return along


def strips(ax: Axes, columns: Sequence[pd.Series], colour: str) -> None:
    """A strip for each column of values by seed: dots, mean, 95 % interval."""
    for at, values in enumerate(columns):
        if values.empty:
            continue
        offsets = np.linspace(-SPREAD, SPREAD, len(values)) if len(values) > 1 else [0.0]
        ax.plot(at + np.array(offsets), values, "o", color=colour, alpha=0.7, mew=0)
        found = estimate(values.to_numpy())
        ax.plot([at - SPREAD, at + SPREAD], [found.value] * 2, color=INK, lw=1.4)
        ax.plot([at, at], [found.low, found.high], color=INK, lw=1)


def _log_axis(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())


def _handles(colours: dict[str, str], marker: str = "") -> list[Line2D]:
    line = "" if marker else "-"
    return [
        Line2D([], [], color=colour, marker=marker, ls=line, label=label)
        for label, colour in colours.items()
    ]
