"""A run on disk: where it lies, whether it is done, what became of it (DESIGN section 7).

Nothing here needs torch, so that a refused or finished run costs no start-up.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from filelock import BaseFileLock, FileLock
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from facerot.config import Settings, SettingsError, one_line

# Where a run goes, and what its folder and study already name, is not part of the hash; nor is
# what becomes of bad photos, which changes no run that ends.
NAMED_ELSEWHERE = (
    *("concats", "seed", "study", "outputs", "force", "budget"),
    *("data.name", "data.root", "data.on_bad", "model.name"),
)
# A face set may be moved; that it is the same one is told by its fingerprint.
NOT_COMPARED = ("study", "outputs", "force", "data.root", "data.on_bad", "model.name")
START_OVER = "name another study=NAME, or start over with force=true"


@dataclass(frozen=True)
class Outcome:
    """What became of one job of a sweep."""

    run: str
    status: str  # trained, resumed, skipped or failed
    train_mse: float | None = None
    test_mse: float | None = None
    seconds: float = 0.0
    error: str | None = None


def run_name(settings: Settings, defaults: Settings) -> str:
    """The folder of a run: model, Concats and seed, and a hash of what differs from the defaults.

    `defaults` are the settings of the same data and budget without other overrides.
    """
    digits = "".join(map(str, settings.concats))
    name = f"unet_concats-{digits}" if digits else "autoencoder"
    name += f"_seed-{settings.seed}"
    usual = _flatten(asdict(defaults))
    changed = {
        key: value
        for key, value in _flatten(asdict(settings)).items()
        if key not in NAMED_ELSEWHERE and usual.get(key) != value
    }
    if not changed:
        return name
    digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()
    return f"{name}_{digest[:6]}"


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


class Run:
    """The folder of one run and the files in it that say how far it got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = folder / "checkpoints" / "last.ckpt"

    def lock(self) -> BaseFileLock:
        """Held by the process that trains this run; gone with the process, however it ends."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder.parent / f".{self.folder.name}.lock", blocking=False)

    def metrics(self) -> dict[str, Any] | None:
        """The metrics of a finished run, None of any other."""
        return _read_json(self.folder / "metrics.json")

    def status(self) -> dict[str, Any]:
        """What status.json says; empty before there is one."""
        return _read_json(self.folder / "status.json") or {}

    def settings(self) -> dict[str, Any]:
        """What the run was made with, flat (`trainer.epochs`); empty before it was opened."""
        path = self.folder / "config.yaml"
        if not path.exists():
            return {}
        return _flatten(cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.load(path))))

    def open(self, settings: Settings) -> None:
        """Make the folder ready: started over with `force`, else gone on with.

        Raises SettingsError where the folder holds a run with other settings.
        """
        if settings.force and self.folder.exists():
            shutil.rmtree(self.folder)
        self.refuse_other_settings(settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create(asdict(settings)), self.folder / "config.yaml")
        self._write_status("running")

    def refuse_other_settings(self, settings: Settings) -> None:
        """Raise SettingsError where what lies here was made with other settings."""
        old = self.settings()
        new = _flatten(json.loads(json.dumps(asdict(settings))))
        for key in sorted(old.keys() | new.keys()) if old else []:
            if key not in NOT_COMPARED and old.get(key) != new.get(key):
                raise SettingsError(
                    f"{self.folder} was made with {key}={old.get(key)}, not {new.get(key)}: "
                    + START_OVER
                )

    def refuse_other_faces(self, fingerprint: str) -> None:
        """Raise SettingsError where what lies here was made from other faces."""
        before = self.status().get("faces")
        if before not in (None, fingerprint):
            raise SettingsError(f"{self.folder} was made from other faces: {START_OVER}")

    def claim(self, fingerprint: str) -> None:
        """Note which faces this run is made from; raises SettingsError where they have changed."""
        self.refuse_other_faces(fingerprint)
        self._write_status("running", faces=fingerprint)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Record the end: metrics.json last, whole or not at all."""
        self._write_status("finished")
        _write_json(self.folder / "metrics.json", metrics)

    def fail(self, error: BaseException) -> None:
        """Record what went wrong; a later start tries again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        trace = (
            "" if isinstance(error, SettingsError) else "".join(traceback.format_exception(error))
        )
        self._write_status("failed", error=one_line(error), traceback=trace)

    def _write_status(self, status: str, **more: Any) -> None:
        faces = self.status().get("faces")
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        here = {"time": now, "host": platform.node(), "pid": os.getpid()}
        _write_json(
            self.folder / "status.json",
            {"status": status, "error": None, "faces": faces, **here, **more},
        )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    assert isinstance(value, dict)
    return value


def _write_json(path: Path, value: Any) -> None:
    """Write beside the final name, then rename: a reader sees all of it or the old one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(beside, path)


def record_outcome(folder: Path, outcome: Outcome) -> None:
    """Leave word of a sweep's job for the closing table."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "outcome.json", asdict(outcome))


class ClosingTable(Callback):
    """Ends a sweep with what ran, was skipped and failed; exit code 1 where a job failed."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table of all jobs."""
        folders = sorted(Path(config.hydra.sweep.dir).glob("*/outcome.json"), key=_job_number)
        outcomes = [Outcome(**(_read_json(path) or {})) for path in folders]
        print("\n" + closing_table(outcomes))
        if any(outcome.status == "failed" for outcome in outcomes):
            raise SystemExit(1)


def _job_number(path: Path) -> int:
    return int(path.parent.name)


def closing_table(outcomes: list[Outcome]) -> str:
    """One line a job, then how many ended in which way."""
    width = max((len(outcome.run) for outcome in outcomes), default=3)
    lines = [f"{'run':{width}}  status   train MSE  test MSE  seconds"]
    for outcome in outcomes:
        values = (outcome.train_mse, outcome.test_mse)
        train, test = ("-" if value is None else f"{value:.4f}" for value in values)
        line = f"{outcome.run:{width}}  {outcome.status:7}  {train:>9}  {test:>8}"
        lines.append(f"{line}  {outcome.seconds:7.0f}  {outcome.error or ''}".rstrip())
    counts = dict.fromkeys(("trained", "resumed", "skipped", "failed"), 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    return "\n".join([*lines, ", ".join(f"{n} {status}" for status, n in counts.items())])
