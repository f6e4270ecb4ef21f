"""One run: fit, test, record."""

from __future__ import annotations

import logging
import platform
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException

from facerot import __version__, interrupt, progress
from facerot.config import SPLITS, Settings
from facerot.data.datamodule import FacePairs
from facerot.data.listing import Listing
from facerot.latents import keep_label
from facerot.runs.metrics import QUALITY, Metrics
from facerot.runs.run import Run
from facerot.runs.trained import architecture_of, save_weights
from facerot.training.callbacks import (
    FacePanels,
    LatentMasking,
    Lines,
    RefuseNonFinite,
    StopWhenAsked,
)
from facerot.training.checkpoints import WholeCheckpoints, before, newest
from facerot.training.module import FaceRotation
from facerot.training.ranks import alone, group, others, placed
from facerot.training.record import Record

log = logging.getLogger(__name__)

TIMES_A_RUN = 10  # that a run is evaluated and checkpointed, unless it is asked otherwise
VERSIONS = ("torch", "lightning", "hydra-core", "omegaconf", "torchmetrics", "numpy", "pillow")


@contextmanager
def one_error_of_the_disk() -> Iterator[None]:
    """Let TensorBoard's thread fail silently: whoever gives it the next event meets its error."""
    usual = threading.excepthook

    def tell(failure: threading.ExceptHookArgs) -> None:
        if not issubclass(failure.exc_type, OSError):
            usual(failure)

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = usual


@one_error_of_the_disk()
def fit(settings: Settings, run: Run, listing: Listing) -> tuple[Metrics, bool]:
    """Train, or go on training, the run's network; test and measure it.

    Returns its metrics, and whether it went on from a checkpoint.
    Raises SettingsError where the faces cannot be used or the training breaks down, Interrupted
    where a signal asked for the end.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    record, faces = Record(), FacePairs(settings, listing)
    trainer, module, resumed = learn(settings, run, faces, record)
    trainer.test(module, datamodule=faces, verbose=False)
    metrics = _metrics(settings, trainer, module, faces, listing.fingerprint, record)
    _log_hyperparameters(settings, trainer, metrics)
    return metrics, resumed


def learn(
    settings: Settings, run: Run, faces: FacePairs, record: Record
) -> tuple[L.Trainer, FaceRotation, bool]:
    """Train, or go on training, the run's network, and leave its checkpoint and its weights.

    Returns the Trainer, the network, and whether it went on from a checkpoint.
    """
    start = checkpoint, done = newest(run)
    if checkpoint is not None:
        log.info(f"{run.folder}: goes on after step {done}")
    if settings.trainer.processes > 1:
        with others(run.folder, settings.trainer):
            take_part(settings, run, faces, record, start)
        settings, start = alone(settings), newest(run)  # where nothing is left to train
    trainer, module = take_part(settings, run, faces, record, start)
    save_weights(module.net, run.weights)
    record.write_curve(run.folder / "curves.csv", trainer.max_epochs or 0)
    before(run.checkpoint).unlink(missing_ok=True)
    return trainer, module, checkpoint is not None


def take_part(
    settings: Settings, run: Run, faces: FacePairs, record: Record, start: tuple[Path | None, int]
) -> tuple[L.Trainer, FaceRotation]:
    """Train as one of the run's processes, up to the checkpoint of the last step.

    It begins at `start`, a checkpoint and its steps; None and 0 for fresh weights.
    """
    L.seed_everything(settings.seed, verbose=False)
    module, (checkpoint, done) = make_module(settings), start
    epochs = settings.trainer.epochs_of(len(faces.train_dataloader()))
    trainer = make_trainer(settings, run, record, epochs, done)
    with interrupt.patiently(), group():
        try:
            trainer.fit(module, datamodule=faces, ckpt_path=checkpoint, weights_only=True)
        except SIGTERMException:  # Lightning's, of a signal that came while it was set up
            interrupt.check()
            raise
        trainer.save_checkpoint(run.checkpoint)
    return trainer, module


def make_module(settings: Settings) -> FaceRotation:
    """The network that the settings describe, with fresh weights."""
    trainer = settings.trainer
    return FaceRotation(
        **architecture_of(settings),
        optimizer=trainer.optimizer,
        learning_rate=trainer.learning_rate,
        schedule=trainer.schedule,
        warmup=trainer.warmup,
        precision=trainer.precision,
    )


def make_trainer(
    settings: Settings, run: Run, record: Record, epochs: int, steps_done: int = 0
) -> L.Trainer:
    """The Lightning Trainer of one run, with everything that is done beside the training."""
    _quieten()
    # Part of `deterministic`; costs time, and nothing here reads memory that it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    often = max(1, epochs // TIMES_A_RUN)
    asked = settings.trainer
    logger = TensorBoardLogger(
        run.folder,
        name="",
        version="",
        default_hp_metric=False,
        purge_step=steps_done + 1,  # a killed run may have logged beyond its last checkpoint
    )
    checkpoint = ModelCheckpoint(
        dirpath=run.checkpoint.parent,
        filename=run.checkpoint.stem,
        every_n_epochs=asked.checkpoint_every or often,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    beside = [record, Lines(), RefuseNonFinite(), StopWhenAsked(run), LatentMasking(run, settings)]
    return L.Trainer(
        default_root_dir=run.folder,
        **placed(asked, WholeCheckpoints()),
        max_epochs=epochs,
        deterministic=True,
        callbacks=[*beside, FacePanels(run), checkpoint],
        logger=logger,
        check_val_every_n_epoch=asked.evaluate_every or often,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_progress_bar=progress.is_shown(),
        enable_model_summary=False,
    )


def _quieten() -> None:
    """Keep Lightning quiet about what is meant so: faces in memory need no loading workers."""
    for package in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(package).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated.*")
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*ended before the epoch ended.*")  # see StopWhenAsked
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*callbacks used to create the checkpoint need.*")
    warnings.filterwarnings("ignore", "The `srun` command is available.*")  # on a cluster
    warnings.filterwarnings("ignore", ".*sync_dist=True.*")  # each process evaluates all faces
    warnings.filterwarnings("ignore", "The dirpath has changed from .*")  # a run may be moved


def _metrics(
    settings: Settings,
    trainer: L.Trainer,
    module: FaceRotation,
    faces: FacePairs,
    fingerprint: str,
    record: Record,
) -> Metrics:
    logged = trainer.callback_metrics
    seconds, epochs = record.seconds_so_far(), trainer.max_epochs or 0
    train, test = ({name: logged[f"{name}/{split}"].item() for name in QUALITY} for split in SPLITS)
    return Metrics(
        train=train,
        test=test,
        baselines=faces.baselines(),
        parameters=sum(weights.numel() for weights in module.net.parameters()),
        seconds=round(sum(seconds.values()), 2),
        seed=settings.seed,
        concats=settings.concats,
        data=settings.data.name,
        source_yaw=settings.source_yaw,
        target_yaw=settings.target_yaw,
        budget=settings.budget,
        epochs=epochs,
        steps=trainer.global_step,
        faces={
            "fingerprint": fingerprint,
            "summary": faces.summary,
            "left_out": dict(faces.left_out),
        },
        versions={
            "facerot": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in VERSIONS},
        },
        git_commit=git_commit(),
        device=_device_name(module.device),
        settled=record.is_settled(epochs),
        seconds_of=seconds,
    )


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def git_commit() -> str | None:
    """The commit this code is at, `-dirty` where changed since; None outside its checkout."""
    package = Path(__file__).parent.parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(package), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None


def _log_hyperparameters(settings: Settings, trainer: L.Trainer, metrics: Metrics) -> None:
    chosen = {
        "data": settings.data.name,
        "budget": settings.budget,
        "concats": keep_label(settings.concats),
        "seed": settings.seed,
        "source_yaw": " ".join(f"{yaw:g}" for yaw in settings.source_yaw),
        "channels": " ".join(map(str, settings.model.channels)),
        "norm": settings.model.norm,
        "merge": settings.model.merge,
        "colour": settings.model.colour,
        "epochs": metrics.epochs,
        "learning_rate": settings.trainer.learning_rate,
        "batch_size": settings.trainer.batch_size,
    }
    final = {
        f"{name}/{split}": getattr(metrics, split)[name]
        for split in SPLITS
        for name in ("mse", "ssim")
    }
    logger = trainer.logger
    assert isinstance(logger, TensorBoardLogger)
    logger.log_hyperparams(chosen, final, step=trainer.global_step)
    logger.finalize("success")
