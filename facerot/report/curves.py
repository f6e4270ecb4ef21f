"""Loss curves, read from a run's TensorBoard events."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TAGS = ("loss", "mse/train", "mse/test")
EVERYTHING, ONE = 0, 1  # how many events of a kind TensorBoard's reader keeps


def read_curves(run: Path, epochs: int) -> pd.DataFrame:
    """The curves of one run by epoch: a column for each of TAGS, nan where it was not logged.

    Empty where no events can be read: they were moved or deleted, or are no regular files.
    `loss` is the mean over an epoch's batches while the weights move, `mse/...` in eval mode.
    """
    nothing: pd.DataFrame = pd.DataFrame(columns=list(TAGS), dtype=float)
    if not all(path.is_file() for path in run.glob("*tfevents*")):  # a pipe has no end
        return nothing
    keep = {"scalars": EVERYTHING, "images": ONE, "histograms": ONE, "tensors": ONE}
    events = EventAccumulator(str(run), size_guidance=keep).Reload()
    logged = {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in TAGS
        if tag in events.Tags()["scalars"]
    }
    curves = pd.DataFrame(logged, columns=list(TAGS)).sort_index()
    if bool(curves["loss"].isna().all()):
        return nothing
    curves.index = pd.Index((curves.index + 1) / (curves["loss"].last_valid_index() + 1) * epochs)
    trained: pd.DataFrame = curves[curves.index <= epochs]  # the last step is the test's
    return trained
