"""A trained network and the settings of its run, from the files of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import load_file
from torch import Tensor

from facerot.config import Settings, SettingsError, one_line, resolve
from facerot.model import BOTTLENECK, UNet


@dataclass
class Source:
    """Where a trained network is: one of the two files that a run leaves."""

    checkpoint: str | None
    weights: str | None

    def __post_init__(self) -> None:
        if bool(self.checkpoint) == bool(self.weights):
            raise SettingsError(
                "name the network: checkpoint=outputs/.../checkpoints/last.ckpt "
                "or weights=outputs/.../weights.safetensors"
            )


def load_trained(source: Source) -> tuple[UNet, Settings]:
    """The network in eval mode, and how its faces were cut.

    Without the run's config.yaml beside the file that is how the default faces are cut.
    Raises SettingsError where the file holds no network of this kind.
    """
    path = Path(cast(str, source.checkpoint or source.weights)).expanduser()
    try:
        network = build(_read_checkpoint(path) if source.checkpoint else load_file(path))
    except Exception as error:  # whatever a file that is something else provokes in torch
        name = "checkpoint" if source.checkpoint else "weights"
        raise SettingsError(f"{name}={path} holds no network of ours: {one_line(error)}") from error
    config = (path.parent.parent if source.checkpoint else path.parent) / "config.yaml"
    if config.exists():
        return network, resolve(cast(DictConfig, OmegaConf.load(config)), Settings)
    print(f"no {config}: faces are cut as the default ones, the centre square at 64 px")
    return network, resolve(hydra.compose("train"), Settings)


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return {name.removeprefix("net."): value for name, value in saved["state_dict"].items()}


def build(weights: dict[str, Tensor]) -> UNet:
    """The network that weights belong to: its widths and Concats are in their shapes."""
    widths = [len(weights[f"down{k}.0.weight"]) for k in range(1, BOTTLENECK + 1)]
    inputs = {k: len(weights[f"up{k}.0.weight"]) for k in range(1, BOTTLENECK)}
    network = UNet([k for k, count in inputs.items() if count > widths[k - 1]], widths)
    network.load_state_dict(weights)
    return network.eval()
