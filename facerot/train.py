"""The command `python -m facerot.train`: compose, fit, test, record. See conf/train.yaml."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path
from typing import Any

import hydra
from filelock import Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from facerot.config import (
    CONF,
    Settings,
    SettingsError,
    one_line,
    refusals,
    refuse_misspelt,
    require_choice,
    resolve,
)
from facerot.runs import Outcome, Run, record_outcome, run_name

LISTS = ("concats", "source_yaw")


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")
def job(cfg: DictConfig) -> None:
    """One job: a single run, or one of a sweep, which goes on whatever becomes of it."""
    outcome = perform(cfg)
    if outcome.status == "failed":
        print(f"facerot: {outcome.error}", file=sys.stderr)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        record_outcome(Path(HydraConfig.get().runtime.output_dir), outcome)
    elif outcome.status == "failed":
        raise SystemExit(1)


def perform(cfg: DictConfig) -> Outcome:
    """Train what the config asks for, or skip it where that has been done; never raises."""
    try:
        settings = resolve(cfg, Settings)
        run = Run(Path(settings.outputs) / settings.study / run_name(settings, defaults_of(cfg)))
    except SettingsError as error:
        overrides = " ".join(HydraConfig.get().overrides.task)
        return Outcome(overrides or "defaults", "failed", error=one_line(error))
    try:
        with run.lock():
            return train(settings, run)
    except Timeout:
        return failed(run, SettingsError(f"{run.folder} is being trained by another process"))
    except OSError as error:  # an outputs folder that cannot be written
        return failed(run, error)


def defaults_of(cfg: DictConfig) -> Settings:
    """The settings of the same face set and budget without any other override."""
    choices = HydraConfig.get().runtime.choices
    defaults = hydra.compose("train", [f"{group}={choices[group]}" for group in ("data", "budget")])
    defaults.data.root = cfg.data.root
    return resolve(defaults, Settings)


def train(settings: Settings, run: Run) -> Outcome:
    """Start, go on with, or skip a run whose lock is held."""
    from facerot.data.listing import fingerprint

    try:
        metrics = None if settings.force else run.metrics()
        if metrics is not None:
            run.refuse_other_settings(settings)
            run.refuse_other_faces(fingerprint(settings.data))
            return ended(run, "skipped", metrics)
        run.open(settings)
    except SettingsError as error:
        return failed(run, error)  # what lies there is another run's: untouched
    try:
        run.claim(fingerprint(settings.data))
        from facerot.fit import fit  # torch and Lightning take seconds: only once there is work

        status = "resumed" if run.checkpoint.exists() else "trained"
        metrics = fit(settings, run)
        run.finish(metrics)
        return ended(run, status, metrics)
    except Exception as error:  # whatever it is, the sweep's other jobs go on
        run.fail(error)
        return failed(run, error)
    finally:
        gc.collect()  # trainer and network refer to each other: a sweep would keep all of them


def ended(run: Run, status: str, metrics: dict[str, Any]) -> Outcome:
    """Say how a run ended well."""
    train_mse, test_mse = metrics["train"]["mse"], metrics["test"]["mse"]
    print(
        f"{run.folder}: {status}; MSE train {train_mse:.4f}, test {test_mse:.4f} "
        f"(test of copying the input {metrics['baselines']['copy_input']:.4f}, "
        f"of the mean training face {metrics['baselines']['mean_face']:.4f}); "
        f"{metrics['seconds']:.0f} s",
        flush=True,
    )
    return Outcome(str(run.folder), status, train_mse, test_mse, metrics["seconds"])


def failed(run: Run, error: Exception) -> Outcome:
    """What is reported of a run that did not end well."""
    return Outcome(str(run.folder), "failed", error=one_line(error))


def refuse_misread(arguments: list[str]) -> None:
    """Raise SettingsError, with one line, for what Hydra would misread or explain at length."""
    named = refuse_misspelt(arguments, Settings)
    experiments = [re.fullmatch(r"(\+?)experiment=(\w+)", argument) for argument in arguments]
    own = any(argument.startswith("--config-") for argument in arguments)
    for match in filter(None, experiments):
        refuse_experiment(match[1], match[2], own)
    sweeps = any(experiments) or bool({"-m", "--multirun"} & set(arguments))
    for name in LISTS:
        value = named.get(name, "")
        swept = name == "source_yaw" and sweeps
        if not swept and re.fullmatch(r"-?[\d.]+(,-?[\d.]+)+", value):
            each = ",".join(f"[{part}]" for part in value.split(","))
            raise SettingsError(
                f"{name}={value} is not a list: write '{name}=[{value}]' for one model with all "
                f"of them, or '{name}={each}' -m for one model each"
            )


def refuse_experiment(plus: str, name: str, own: bool) -> None:
    """Raise SettingsError for an experiment that is not there; `own`: the user may have others."""
    known = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    if not own:
        require_choice("experiment", name, known)
    if not plus:
        raise SettingsError(f"experiment={name} lacks its plus: write +experiment={name}")


def main() -> None:
    """Entry point."""
    with refusals():
        refuse_misread(sys.argv[1:])
    job()


if __name__ == "__main__":
    main()
