"""Loss curves, read from a run's curves.csv, or from its TensorBoard events."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pandas as pd

from facerot.errors import SettingsError
from facerot.reading import MOST_TABLE, read_bytes
from facerot.runs.metrics import CURVES

EVERYTHING, ONE = 0, 1  # how many events of a kind TensorBoard's reader keeps


def read_curves(run: Path, epochs: int) -> pd.DataFrame:
    """The curves of one run by epoch: a column for each of CURVES, nan where it was not evaluated.

    From the events where there is no whole curves.csv; empty where these cannot be read either:
    they were moved or deleted, or are no regular files. `loss` is the mean over an epoch's batches
    while the weights move, `mse/...` in eval mode.
    """
    try:
        text = read_bytes(run / "curves.csv", MOST_TABLE).decode()
        table = pd.read_csv(StringIO(text), index_col="epoch")
        curves: pd.DataFrame = table[list(CURVES)].astype(float)
        return curves
    except (SettingsError, OSError, ValueError, KeyError):
        return from_events(run, epochs)


def from_events(run: Path, epochs: int) -> pd.DataFrame:
    """The same from TensorBoard's events, which takes a second a run."""
    nothing: pd.DataFrame = pd.DataFrame(columns=list(CURVES), dtype=float)
    if not all(path.is_file() for path in run.glob("*tfevents*")):  # a pipe has no end
        return nothing
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    keep = {"scalars": EVERYTHING, "images": ONE, "histograms": ONE, "tensors": ONE}
    events = EventAccumulator(str(run), size_guidance=keep).Reload()
    logged = {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in CURVES
        if tag in events.Tags()["scalars"]
    }
    curves = pd.DataFrame(logged, columns=list(CURVES)).sort_index()
    if bool(curves["loss"].isna().all()):
        return nothing
    curves.index = pd.Index((curves.index + 1) / (curves["loss"].last_valid_index() + 1) * epochs)
    trained: pd.DataFrame = curves[curves.index <= epochs]  # the last step is the test's
    return trained
