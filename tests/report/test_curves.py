"""Loss curves: curves.csv says what TensorBoard's events say, which serve where it is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facerot.paper import BASELINE
from facerot.report.curves import from_events, read_curves
from facerot.report.plots import loss_curves
from facerot.runs.run import Run
from facerot.runs.study import Finished, Study
from tests.made_up import made_up_run

UNET = "unet_concats-1234_seed-0"


def test_the_table_holds_what_tensorboard_was_told(studied: Path) -> None:
    folder = studied / "outputs" / "heads-smoke" / UNET
    metrics = Run(folder).metrics()
    assert metrics is not None
    curves, events = read_curves(folder, metrics.epochs), from_events(folder, metrics.epochs)
    assert curves["loss"].notna().all()
    assert curves["mse/test"].notna().any()
    pd.testing.assert_frame_equal(curves, events, check_names=False, check_index_type=False)


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n1,0.5\n", "epoch,loss,mse/train,mse/test\n1,x,,\n"]
)
def test_a_damaged_table_is_passed_over(copied: Path, text: str) -> None:
    folder, epochs = copied / UNET, 2
    events = from_events(folder, epochs)
    (folder / "curves.csv").write_text(text)
    pd.testing.assert_frame_equal(read_curves(folder, epochs), events)


def falling(folder: Path, seed: int, epochs: int) -> Finished:
    """A Baseline whose MSE falls as e^(-4 share of the training), evaluated ten times."""
    run = made_up_run(folder, BASELINE, seed, (0.0, 0.0))
    run.folder.mkdir(parents=True)
    mse = np.exp(-4 * np.arange(1, epochs + 1) / epochs)
    table = pd.DataFrame({"loss": mse, "mse/train": mse, "mse/test": mse})
    table.index = pd.RangeIndex(1, epochs + 1, name="epoch")
    table.loc[table.index % (epochs // 10) != 0, ["mse/train", "mse/test"]] = np.nan
    table.to_csv(run.folder / "curves.csv")
    return replace(run, metrics=replace(run.metrics, epochs=epochs))


def test_seeds_with_other_numbers_of_epochs_share_one_curve(tmp_path: Path) -> None:
    runs = (falling(tmp_path, 0, epochs=70), falling(tmp_path, 1, epochs=94))
    (ax,) = loss_curves(Study("made-up", tmp_path, runs, ())).figure.axes
    for line in list(ax.lines):
        share, mse = (np.asarray(values, float) for values in line.get_data())
        np.testing.assert_allclose(np.log(mse), -4 * share, atol=0.05)  # straight lines between
        assert share[-1] > 0.95
