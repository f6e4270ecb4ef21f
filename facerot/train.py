"""The command `python -m facerot.train`: compose, fit, measure, record. See conf/train.yaml."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from facerot import interrupt, progress
from facerot.command import hydra_command
from facerot.config import DEFAULT_SPEC, Settings
from facerot.data.listing import Listing, list_faces
from facerot.errors import FacesNotGiven, SettingsError, one_line
from facerot.interrupt import Interrupted
from facerot.measure.analyses import lacking
from facerot.runs.metrics import Metrics
from facerot.runs.run import Run, find_run
from facerot.runs.sweep import BY_SIGNAL, INTERRUPTED, NOT_STARTED, Outcome, is_follower
from facerot.threads import threads_for
from facerot.validate import resolve


def job(cfg: DictConfig) -> Outcome:
    """One job: a single run, or one of a sweep, which goes on whatever becomes of it."""
    with interrupt.listening(is_child=True):  # unless `main` runs in this process
        outcome = perform(cfg)
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        by_signal = outcome.status in BY_SIGNAL
        if outcome.error is not None and not (sweep and outcome.status in ("missing", NOT_STARTED)):
            who = f"{outcome.run}: " if by_signal else ""
            print(f"facerot: {who}{outcome.error}", file=sys.stderr, flush=True)
        if outcome.error is not None and not sweep:
            signal = interrupt.asked()
            raise SystemExit(interrupt.exit_code(signal) if by_signal and signal else 1)
        return outcome


def perform(cfg: DictConfig) -> Outcome:
    """Train and measure what the config asks for, where that has not been done; never raises."""
    asked: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    name, interrupted = " ".join(asked) or "defaults", NOT_STARTED
    try:
        with interrupt.at_once():
            refuse_without_faces(cfg)
            refuse_label(cfg)
            settings = resolve(cfg, Settings)
            settings.jobs = None  # the sweep's: its runs come out the same
            run = find_run(settings, defaults_of(cfg))
            name, interrupted = str(run.folder), INTERRUPTED
            jobs = HydraConfig.get().launcher.get("n_jobs", 1)
            settings.threads = threads_for(settings.threads, jobs)
            if settings.trainer.processes > 1 and is_follower():
                return follow(settings, run)
            with run.held(), progress.of(str(run.folder)):
                run.remove_unfinished_files()
                return train(settings, run)
    except Interrupted as end:
        return Outcome(name, interrupted, error=one_line(end))
    except FacesNotGiven as error:
        return Outcome(name, "missing", error=one_line(error))
    except (SettingsError, OSError) as error:  # an OSError: outputs that cannot be written
        return Outcome(name, "failed", error=one_line(error))


def follow(settings: Settings, run: Run) -> Outcome:
    """Learn with the process that holds the run."""
    if run.metrics() is not None and not settings.force:
        return Outcome(str(run.folder), "skipped")
    from facerot.training.ranks import learn_along

    learn_along(settings, run)
    return Outcome(str(run.folder), "trained")


def refuse_without_faces(cfg: DictConfig) -> None:
    """Raise FacesNotGiven where a spec takes its faces from `roots`, which does not name them."""
    raw: Any = OmegaConf.to_container(cfg.data, resolve=False)
    where = str(raw["root"])
    if where.startswith("${roots.") and OmegaConf.select(cfg, "data.root") is None:
        raise FacesNotGiven(f"spec={cfg.spec} needs {where[2:-1]}=PATH: its folder or .zip")


def refuse_label(cfg: DictConfig) -> None:
    """Raise SettingsError where a budget or spec is named without being chosen: a mere label."""
    for group in ("budget", "spec"):
        named, chosen = cfg[group], HydraConfig.get().runtime.choices[group]
        if named != chosen:
            raise SettingsError(
                f"{group}={named} is a label here, the settings are those of {group}={chosen}: in "
                f"a YAML of your own, choose it by '- override /{group}: {named}' in its defaults"
            )


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
    """Start, go on with, or skip a run that is held."""
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

        metrics, resumed = fit(settings, run, listing)
        run.finish(metrics)
        return ended(run, "resumed" if resumed else "trained", metrics)
    except Interrupted:
        with suppress(OSError):
            run.interrupt()
        raise
    except Exception as error:  # whatever it is, the sweep's other jobs go on
        with suppress(OSError):  # the disk may be full
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
        f"of the mean training face {metrics.baselines['mean_face']:.4f})"
        f"{f', {metrics.remark}' if metrics.remark else ''}; {metrics.seconds:.0f} s",
        flush=True,
    )
    mses = train_mse, test_mse
    return Outcome(str(run.folder), status, *mses, metrics.seconds, remark=metrics.remark)


def failed(run: Run, error: Exception) -> Outcome:
    """What is reported of a run that did not end well."""
    return Outcome(str(run.folder), "failed", error=one_line(error))


hydra_main = hydra_command("train", Settings, job)


def main() -> None:
    """Entry point."""
    with interrupt.listening():
        hydra_main()


if __name__ == "__main__":
    main()
