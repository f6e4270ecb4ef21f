"""Measuring a finished run again: from its weights and its faces, without training."""

from __future__ import annotations

import torch

from facerot.config import SPLITS, Settings
from facerot.data.datamodule import FacePairs
from facerot.data.listing import Listing, list_faces
from facerot.errors import SettingsError
from facerot.measure import scores
from facerot.measure.analyses import lacking
from facerot.measure.pictures import write_pictures
from facerot.model import UNet
from facerot.runs.run import Run
from facerot.runs.trained import load_weights

SAME = 0.01  # relative: what devices and versions of torch change of an MSE is far less


def measure_again(run: Run, settings: Settings, listing: Listing | None = None) -> None:
    """Do what is lacking of a finished run that is held, and record how it is measured now.

    Args:
        run: with its weights.
        settings: those of the run, but for where its faces lie and what is to be measured.
        listing: its faces, where they have been opened before.

    Raises SettingsError where the weights are gone, or the faces are others by now.
    """
    network, faces = opened(run, settings, listing)
    write_pictures(run.folder / "faces", network, faces)
    for analysis in lacking(run, settings):
        analysis.write(run, network, faces, settings)
    run.write_settings(settings)


def opened(run: Run, settings: Settings, listing: Listing | None = None) -> tuple[UNet, FacePairs]:
    """The network of a finished run in eval mode and its faces, on the device asked for.

    Raises SettingsError where the weights are gone, or the faces are others by now.
    """
    if not run.weights.exists():
        raise SettingsError(f"{run.weights} is gone: start over with force=true")
    listed = listing or list_faces(settings.data)
    run.refuse_other_faces(listed.fingerprint)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    network, faces = load_weights(run.weights, run.settings()), FacePairs(settings, listed)
    device = device_of(settings.trainer.device)
    faces.to(device)
    network.to(device)
    return network, faces


@torch.inference_mode()
def refuse_other_weights(run: Run, network: UNet, faces: FacePairs) -> None:
    """Raise SettingsError where a network does not have the errors that were recorded of the run.

    Its weights are then another run's, or this version computes otherwise with them.
    """
    metrics = run.metrics()
    assert metrics is not None  # a finished run
    for split in SPLITS:
        errors = [scores.mse(network(x), y) for x, y in faces.batches(split)]
        found, recorded = torch.cat(errors).mean().item(), metrics.mse(split)
        if not abs(found - recorded) <= SAME * recorded:
            raise SettingsError(
                f"{run.weights} gives a {split} MSE of {found:.4g}, {run.folder / 'metrics.json'} "
                f"says {recorded:.4g} (by facerot {run.version()}): the weights are another run's "
                "or another version's, start over with force=true"
            )


def device_of(asked: str) -> torch.device:
    """The device of the setting `trainer.device`; `auto` is a GPU where there is one."""
    if asked != "auto":
        return torch.device(asked)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
