"""metrics.json: the record of a finished run, an interface that other people's scripts read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any, get_args, get_origin, get_type_hints

from facerot.config import SPLITS
from facerot.errors import SettingsError
from facerot.runs.files import read_json, write_json

BASELINES = {"copy_input": "copying the input", "mean_face": "the mean face"}  # need no network
QUALITY = ("mse", "ssim", "psnr")  # of each split, in eval mode, all latents kept
CURVES = ("loss", "mse/train", "mse/test")  # of curves.csv, by epoch
PARTS = ("training", "evaluation", "measuring")  # of the time that a run takes
SETTLED = 0.05  # the largest share by which the loss of a settled run falls over its last tenth
STILL_FELL = f"the loss of a run still fell by more than {SETTLED:.0%} over its last tenth"


@dataclass(frozen=True)
class Metrics:
    """What a finished run says of itself, in the order of the file.

    Attributes:
        train: mean over training faces of each of QUALITY.
        test: the same over test faces.
        baselines: test MSE of copying the input and of the mean training face.
        parameters: how many weights are trained.
        seconds: of everything, interruptions left out.
        seed: of the initial weights and the epochs' order.
        concats: which ConcatK the network has.
        data: the name of the face set.
        source_yaw: degrees.
        target_yaw: degrees.
        budget: its name.
        epochs: how many were trained.
        faces: fingerprint, summary in words, and what was left out and why.
        versions: of this package, Python and the libraries.
        git_commit: of the code, None outside a checkout.
        device: what it was trained on.
        steps: of the optimiser; None for runs of facerot 0.1.
        settled: whether the loss had stopped falling, see `is_settled`; None where nobody knows.
        seconds_of: each of PARTS, which add up to `seconds`; None for runs of facerot 0.2.
    """

    train: dict[str, float]
    test: dict[str, float]
    baselines: dict[str, float]
    parameters: int
    seconds: float
    seed: int
    concats: list[int]
    data: str
    source_yaw: list[float]
    target_yaw: float
    budget: str
    epochs: int
    faces: dict[str, Any]
    versions: dict[str, str]
    git_commit: str | None
    device: str
    steps: int | None = None
    settled: bool | None = None
    seconds_of: dict[str, float] | None = None

    def mse(self, split: str) -> float:
        """The MSE on `train` or on `test` faces."""
        quality: dict[str, float] = getattr(self, split)
        return quality["mse"]

    @property
    def is_wreck(self) -> bool:
        """Whether it learned less than nothing: the mean training face does better on the test."""
        return not self.mse("test") <= self.baselines["mean_face"]

    @property
    def remark(self) -> str | None:
        """What has to be known before its numbers are used; None of most runs."""
        wreck = ["worse than the mean training face"] if self.is_wreck else []
        unsettled = ["not settled"] if self.settled is False else []
        return ", ".join([*wreck, *unsettled]) or None

    @property
    def fingerprint(self) -> str:
        """What tells the faces of this run from others."""
        return str(self.faces["fingerprint"])

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, asdict(self))


def is_settled(losses: Sequence[float]) -> bool | None:
    """Whether the loss falls by no more than SETTLED from the last tenth but one to the last.

    The medians of both tenths are compared, so that no single epoch decides.

    Args:
        losses: the mean training loss of each epoch.

    Returns None of a single epoch.
    """
    tenth = math.ceil(len(losses) / 10)
    last, before = losses[-tenth:], losses[-2 * tenth : -tenth]
    return median(last) >= (1 - SETTLED) * median(before) if before else None


NESTED = {
    **dict.fromkeys(SPLITS, QUALITY),
    "baselines": tuple(BASELINES),
    "faces": ("fingerprint", "summary"),
}


def read_metrics(path: Path) -> Metrics | None:
    """The metrics of a finished run, None of any other; what later versions add is passed over.

    Raises SettingsError naming the key that is missing or is not of its kind.
    """
    found = read_json(path)
    if found is None:
        return None
    for item in fields(Metrics):
        if item.name not in found and item.default is MISSING:
            raise SettingsError(f"{path} has no '{item.name}'")
    for name, keys in NESTED.items():
        for key in keys:
            if not isinstance(found[name], dict) or key not in found[name]:
                raise SettingsError(f"{path} has no '{name}.{key}'")
            if name != "faces" and not isinstance(found[name][key], int | float):
                raise SettingsError(f"{path}: '{name}.{key}' is no number")
    kinds = get_type_hints(Metrics)
    known = {name: value for name, value in found.items() if name in kinds}
    for name, value in known.items():
        if not _is_of_kind(value, kinds[name]):
            raise SettingsError(f"{path} is damaged: '{name}' is not of its kind")
    return Metrics(**known)


def _is_of_kind(value: Any, kind: Any) -> bool:
    """Whether a value from JSON is of the kind that a field's annotation says."""
    outer, inner = get_origin(kind), get_args(kind)
    if outer is dict:
        return isinstance(value, dict) and all(_is_of_kind(v, inner[1]) for v in value.values())
    if outer is list:
        return isinstance(value, list) and all(_is_of_kind(v, inner[0]) for v in value)
    if inner:
        return any(_is_of_kind(value, one) for one in inner)
    if type(value) is int:
        return kind in (int, float, Any) and abs(value) < 2**63
    return kind is Any or type(value) is kind
