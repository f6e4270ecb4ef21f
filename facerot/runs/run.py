"""A run on disk: where it lies, whether it is done, what became of it.

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
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf

from facerot import __version__
from facerot.config import Settings, what_trains
from facerot.errors import LONGEST, SettingsError, one_line
from facerot.runs.files import UNFINISHED, held, read_json, read_yaml, write_json, write_whole
from facerot.runs.metrics import Metrics, read_metrics
from facerot.validate import validate

NAMED = ("concats", "seed", "split_seed")  # in the name of the folder, so no part of its hash
FRAMES = 50  # of a traceback that are recorded
START_OVER = "name another study=NAME, or start over with force=true"

Record = TypeVar("Record")


class Run:
    """The folder of one run and the files in it that say how far it got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = folder / "checkpoints" / "last.ckpt"
        self.weights = folder / "weights.safetensors"

    def held(self, wait: bool = True) -> AbstractContextManager[None]:
        """Work on this run as the only process, see `runs.files.held`."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        place = self.folder.parent / f".{self.folder.name}.lease"
        return held(place, str(self.folder), wait)

    def metrics(self) -> Metrics | None:
        """The metrics of a finished run, None of any other; raises SettingsError."""
        return read_metrics(self.folder / "metrics.json")

    def metrics_or_again(self) -> Metrics | None:
        """The metrics of a finished run; None too where they are damaged, which is said.

        Such a run goes on from its last checkpoint: it is tested and recorded again.
        """
        try:
            return self.metrics()
        except SettingsError as error:
            print(f"{one_line(error)}: tested and recorded again", flush=True)
            return None

    def status(self) -> dict[str, Any]:
        """What status.json says; empty before there is one; raises SettingsError."""
        path = self.folder / "status.json"
        found = read_json(path) or {}
        for key in ("status", "error", "faces", "facerot"):
            if not isinstance(found.get(key), str | None):
                raise SettingsError(f"{path} is damaged: '{key}' is no text")
        return found

    def faces(self) -> str | None:
        """The fingerprint of the faces that it was made from; None where nothing was made yet.

        It stands in status.json, and of a finished run in metrics.json too. Raises SettingsError
        where both are damaged and there is something that was trained.
        """
        try:
            known: str | None = self.status().get("faces")
        except SettingsError as error:
            if (metrics := unless_damaged(self.metrics)) is not None:
                return metrics.fingerprint
            if any(self.checkpoint.parent.glob("*")):
                raise SettingsError(
                    f"{error}, so it is not known which faces it was trained on: {START_OVER}"
                ) from error
            return None
        return known

    def settings(self) -> Settings | None:
        """What the run was made with, None before it was opened.

        A setting that did not exist yet reads as what was done then. Raises SettingsError, with
        the version that made the run, where this version cannot read them.
        """
        path = self.folder / "config.yaml"
        try:
            values = read_yaml(path)
        except SettingsError as error:
            raise SettingsError(f"{error}: {START_OVER}") from error
        try:
            return None if values is None else validate(values, Settings)
        except SettingsError as error:
            raise SettingsError(
                f"{path} was written by facerot {self.version()}, and facerot {__version__} "
                f"cannot read it: {error}: {START_OVER}"
            ) from error

    def version(self) -> str:
        """The version of this package that made the run, as far as it is known."""
        made = unless_damaged(self.status) or {}
        metrics = unless_damaged(self.metrics)
        return made.get("facerot") or (metrics and metrics.versions.get("facerot")) or "0.1"

    def open(self, settings: Settings) -> None:
        """Make the folder ready: started over with `force`, else gone on with.

        Raises SettingsError where the folder holds a run that was trained otherwise, or so damaged
        that it cannot be told.
        """
        if settings.force and self.folder.exists():
            shutil.rmtree(self.folder)
        self.refuse_other_settings(settings)
        self.faces()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_settings(settings)
        self._write_status("running")

    def write_settings(self, settings: Settings) -> None:
        """Record what the run is made with, and how it is measured."""
        text = OmegaConf.to_yaml(OmegaConf.create(asdict(settings)))
        write_whole(self.folder / "config.yaml", lambda beside: beside.write_text(text))

    def refuse_other_settings(self, settings: Settings) -> None:
        """Raise SettingsError where what lies here was trained with other settings."""
        before = self.settings()
        for key, was, wanted in differences(before, settings) if before else []:
            raise SettingsError(
                f"{self.folder} was made with {key}={was}, not {wanted} "
                f"(by facerot {self.version()}): {START_OVER}"
            )

    def refuse_other_faces(self, fingerprint: str) -> None:
        """Raise SettingsError where what lies here was made from other faces."""
        before = self.faces()
        if before is not None and not same_faces(before, fingerprint):
            raise SettingsError(f"{self.folder} was made from other faces: {START_OVER}")

    def claim(self, fingerprint: str) -> None:
        """Note which faces this run is made from; raises SettingsError where they have changed."""
        self.refuse_other_faces(fingerprint)
        self._write_status("running", faces=fingerprint)

    def finish(self, metrics: Metrics) -> None:
        """Record the end: metrics.json last, whole or not at all."""
        self._write_status("finished")
        metrics.write(self.folder / "metrics.json")

    def interrupt(self) -> None:
        """Record that a signal ended the work on it, unless it was done; a later start goes on."""
        if not (self.folder / "metrics.json").exists():
            self._write_status("interrupted")

    def remove_unfinished_files(self) -> None:
        """Remove what a killed process was writing: files beside their place, see `write_whole`."""
        for folder in (self.folder, self.checkpoint.parent):
            for path in folder.glob(f".*{UNFINISHED}"):
                path.unlink(missing_ok=True)

    def fail(self, error: BaseException) -> None:
        """Record what went wrong; a later start tries again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plain = isinstance(error, SettingsError)
        frames = [] if plain else traceback.format_exception(error)[-FRAMES:]
        trace = "".join(frame[:LONGEST] for frame in frames)
        self._write_status("failed", error=one_line(error), traceback=trace)

    def _write_status(self, status: str, **more: Any) -> None:
        faces = unless_damaged(self.faces)
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        here = {"time": now, "host": platform.node(), "pid": os.getpid(), "facerot": __version__}
        write_json(
            self.folder / "status.json",
            {"status": status, "error": None, "faces": faces, **here, **more},
        )


def same_faces(one: str, other: str) -> bool:
    """Whether two fingerprints are of the same faces, as far as both of them tell.

    One of before facerot 0.3 has names and sizes alone, which end at the dash of a later one.
    """
    return one == other or other.startswith(f"{one}-") or one.startswith(f"{other}-")


def unless_damaged(read: Callable[[], Record]) -> Record | None:
    """What a record says, None where it is damaged: for what can be known otherwise."""
    try:
        return read()
    except SettingsError:
        return None


def study_folder(outputs: str | Path, study: str) -> Path:
    """Where the runs of a study lie; raises SettingsError for a name that leads elsewhere."""
    if not study or Path(study).name != study or study.startswith(".") or not study.isprintable():
        raise SettingsError(
            f"study={study} is no name of a folder: its runs go to outputs/STUDY, write "
            "outputs=DIR for another place"
        )
    return Path(outputs) / study


def find_run(settings: Settings, defaults: Settings) -> Run:
    """The run that these settings train: the one that is there, or where it would go.

    Its folder may have been named when other settings, or other defaults, made part of the name.
    """
    study = study_folder(settings.outputs, settings.study)
    usual = Run(study / run_name(settings, defaults))
    wanted = what_trains(settings)
    for folder in [usual.folder, *sorted(study.glob(f"{model_and_seed(settings)}*"))]:
        found = unless_damaged(Run(folder).settings)  # if it is, said where that run is wanted
        if found is not None and what_trains(found) == wanted:
            return Run(folder)
    return usual


def run_name(settings: Settings, defaults: Settings) -> str:
    """The folder of a run: model, Concats, seeds, and a hash of what differs from the defaults.

    `defaults` are the settings of the same data and budget without other overrides.
    """
    usual = what_trains(defaults)
    changed = {
        key: value
        for key, value in what_trains(settings).items()
        if key not in NAMED and usual.get(key) != value
    }
    name = model_and_seed(settings)
    if settings.split_seed:
        name += f"_split-{settings.split_seed}"
    if not changed:
        return name
    digest = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()
    return f"{name}_{digest[:6]}"


def model_and_seed(settings: Settings) -> str:
    """The beginning of every run's name: model, Concats and seed."""
    digits = "".join(map(str, settings.concats))
    name = f"unet_concats-{digits}" if digits else "autoencoder"
    return f"{name}_seed-{settings.seed}"


def differences(one: Settings, other: Settings) -> list[tuple[str, Any, Any]]:
    """What trains two runs differently: the setting and its value in each, sorted by name."""
    first, second = what_trains(one), what_trains(other)
    return [
        (key, first.get(key), second.get(key))
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    ]
