"""Loss curves: curves.csv says what TensorBoard's events say, which serve where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from facerot.report.curves import from_events, read_curves
from facerot.runs.run import Run

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
