"""The command `python -m facerot.train`: compose, fit, measure, record. See conf/train.yaml."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import hydra
from filelock import Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from facerot.command import hydra_command
from facerot.config import DEFAULT_SPEC, Settings
from facerot.data.listing import Listing, list_faces
from facerot.errors import FacesNotGiven, SettingsError, one_line
from facerot.measure.analyses import lacking
from facerot.runs.metrics import Metrics
from facerot.runs.run import Run, find_run
from facerot.runs.sweep import Outcome, record_outcome
from facerot.threads import threads_for
from facerot.validate import resolve


def job(cfg: DictConfig) -> None:
    """One job: a single run, or one of a sweep, which goes on whatever becomes of it."""
    outcome = perform(cfg)
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    if outcome.status == "failed" or (outcome.status == "missing" and not sweep):
        print(f"facerot: {outcome.error}", file=sys.stderr)
    if sweep:
        record_outcome(Path(HydraConfig.get().runtime.output_dir), outcome)
    elif outcome.error is not None:
        raise SystemExit(1)


def perform(cfg: DictConfig) -> Outcome:
    """Train and measure what the config asks for, where that has not been done; never raises."""
    try:
        refuse_without_faces(cfg)
        settings = resolve(cfg, Settings)
        run = find_run(settings, defaults_of(cfg))
        jobs = HydraConfig.get().launcher.get("n_jobs", 1)
        settings.threads = threads_for(settings.threads, jobs)
    except SettingsError as error:
        asked: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
        status = "missing" if isinstance(error, FacesNotGiven) else "failed"
        return Outcome(" ".join(asked) or "defaults", status, error=one_line(error))
    try:
        with run.lock():
            return train(settings, run)
    except Timeout:
        return failed(run, SettingsError(f"{run.folder} is being trained by another process"))
    except OSError as error:  # an outputs folder that cannot be written
        return failed(run, error)


def refuse_without_faces(cfg: DictConfig) -> None:
    """Raise FacesNotGiven where a spec takes its faces from `roots`, which does not name them."""
    raw: Any = OmegaConf.to_container(cfg.data, resolve=False)
    where = str(raw["root"])
    if where.startswith("${roots.") and OmegaConf.select(cfg, "data.root") is None:
        raise FacesNotGiven(f"spec={cfg.spec} needs {where[2:-1]}=PATH: its folder or .zip")


def defaults_of(cfg: DictConfig) -> Settings:
    """The settings of the same face set and budget without any other override.

    Specs lie in one study, whose defaults are those of the default face set.
    """
    choices = HydraConfig.get().runtime.choices
    usual = ("data", "budget") if cfg.spec == DEFAULT_SPEC else ("budget",)
    defaults = hydra.compose("train", [f"{group}={choices[group]}" for group in usual])
    defaults.data.root = cfg.data.root
    return resolve(defaults, Settings)


def train(settings: Settings, run: Run) -> Outcome:
    """Start, go on with, or skip a run whose lock is held."""
    try:
        metrics = None if settings.force else run.metrics_or_again()
        if metrics is not None:
            return finished(settings, run, metrics)
        run.open(settings)
    except SettingsError as error:
        return failed(run, error)  # what lies there is another run's: untouched
    try:
        listing = list_faces(settings.data)
        run.claim(listing.fingerprint)
        from facerot.training.fit import fit  # torch and Lightning take seconds: only for work

        status = "resumed" if run.checkpoint.exists() else "trained"
        metrics = fit(settings, run, listing)
        run.finish(metrics)
        return ended(run, status, metrics)
    except Exception as error:  # whatever it is, the sweep's other jobs go on
        run.fail(error)
        return failed(run, error)
    finally:
        gc.collect()  # trainer and network refer to each other: a sweep would keep all of them


def finished(settings: Settings, run: Run, metrics: Metrics) -> Outcome:
    """Skip a run that is done, but for what has not been measured of it as it is asked for now."""
    run.refuse_other_settings(settings)
    listing: Listing = list_faces(settings.data)
    run.refuse_other_faces(listing.fingerprint)
    reasons = lacking(run, settings)
    if reasons:
        from facerot.measure.again import measure_again

        try:
            measure_again(run, settings, listing)
        except SettingsError as error:
            return failed(run, error)
    measured = "".join(f", measured again ({why})" for why in reasons.values())
    return ended(run, "skipped", metrics, measured)


def ended(run: Run, status: str, metrics: Metrics, measured: str = "") -> Outcome:
    """Say how a run ended well."""
    train_mse, test_mse = metrics.mse("train"), metrics.mse("test")
    print(
        f"{run.folder}: {status}{measured}; MSE train {train_mse:.4f}, test {test_mse:.4f} "
        f"(test of copying the input {metrics.baselines['copy_input']:.4f}, "
        f"of the mean training face {metrics.baselines['mean_face']:.4f}); "
        f"{metrics.seconds:.0f} s",
        flush=True,
    )
    return Outcome(str(run.folder), status, train_mse, test_mse, metrics.seconds)


def failed(run: Run, error: Exception) -> Outcome:
    """What is reported of a run that did not end well."""
    return Outcome(str(run.folder), "failed", error=one_line(error))


main = hydra_command("train", Settings, job)

if __name__ == "__main__":
    main()
