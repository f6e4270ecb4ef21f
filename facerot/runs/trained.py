"""A trained network and the settings of its run, from the files of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hydra
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from facerot.config import Settings
from facerot.errors import SettingsError, one_line
from facerot.model import UNet
from facerot.reading import MOST_WEIGHTS, require_regular
from facerot.runs.files import write_whole
from facerot.runs.run import Run
from facerot.runs.source import Source
from facerot.validate import resolve

ARCHITECTURE = "architecture"  # in the metadata of weights.safetensors: UNet's arguments, as JSON
# UNet's arguments; what a file of before them does not name is what UNet's defaults say.
ARGUMENTS = ("concats", "channels", "norm", "merge", "colour")


def load_trained(source: Source) -> tuple[UNet, Settings]:
    """The network in eval mode, and how its faces were cut.

    Without the run's config.yaml beside the file that is how the default faces are cut; that, and
    a run that has not been trained to its end, is said.
    Raises SettingsError where the file holds no network of this kind.
    """
    path, run = source.file, Run(source.folder)
    settings = run.settings()
    network = load_checkpoint(path) if source.is_checkpoint else load_weights(path, settings)
    if settings is None:
        print(f"no {run.folder / 'config.yaml'}: faces are cut as the default ones, "
              "the centre square at 64 px")  # fmt: skip
    elif source.is_checkpoint and not run.weights.exists():
        print(f"{run.folder} is not trained to its end: this is its network so far")
    return network, settings or resolve(hydra.compose("train"), Settings)


def save_weights(network: UNet, path: Path) -> None:
    """Write weights.safetensors, whole or not at all, with what is needed to read them again."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    metadata = {ARCHITECTURE: json.dumps(network.architecture)}  # one: their order is not fixed
    write_whole(path, lambda beside: save_file(weights, beside, metadata))


def architecture_of(settings: Settings) -> dict[str, Any]:
    """The arguments of UNet for the network that the settings describe: plain values."""
    model = settings.model
    return {
        "concats": settings.concats,
        "channels": model.channels,
        "norm": model.norm,
        "merge": model.merge,
        "colour": model.colour,
    }


def load_weights(path: Path, settings: Settings | None = None) -> UNet:
    """The network of a weights.safetensors, in eval mode.

    Files of before facerot 0.2 do not name their architecture: it is then that of `settings`, those
    of the run. Raises SettingsError where there is no network.
    """
    try:
        require_regular(path, MOST_WEIGHTS)
        with safe_open(path, "pt") as file:
            named = (file.metadata() or {}).get(ARCHITECTURE)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _network(_architecture(named, settings), weights)
    except Exception as error:  # whatever a file that is something else provokes
        raise SettingsError(
            f"weights={path} holds no network of ours: {one_line(error)}"
        ) from error


def load_checkpoint(path: Path) -> UNet:
    """The network of a last.ckpt, in eval mode; raises SettingsError where there is none."""
    try:
        require_regular(path, MOST_WEIGHTS)
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        asked, prefixed = saved["hyper_parameters"], saved["state_dict"].items()
        architecture = {name: asked[name] for name in ARGUMENTS if name in asked}
        return _network(architecture, {name.removeprefix("net."): w for name, w in prefixed})
    except Exception as error:  # whatever a file that is something else provokes in torch
        raise SettingsError(
            f"checkpoint={path} holds no network of ours: {one_line(error)}"
        ) from error


def _architecture(named: str | None, settings: Settings | None) -> dict[str, Any]:
    if named is not None:
        architecture: dict[str, Any] = json.loads(named)
        return architecture
    if settings is None:
        raise SettingsError(
            "it does not name its architecture, as facerot does since 0.2; "
            "leave it in its run's folder, beside config.yaml, or name the checkpoint"
        )
    return architecture_of(settings)


def _network(architecture: dict[str, Any], weights: dict[str, Tensor]) -> UNet:
    network = UNet(**architecture)
    network.load_state_dict(weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()
