"""The command `python -m facerot.export`: a trained network as ONNX, its latents as switches."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from facerot.command import command
from facerot.errors import SettingsError, reason
from facerot.latents import LATENTS, KeepSet, keep_sets
from facerot.model import UNet
from facerot.runs.files import write_whole
from facerot.runs.trained import Source, load_trained

TOLERANCE = 1e-4  # largest difference of a pixel in [0, 1]
EXTRA = ("onnx", "onnxscript", "onnxruntime")


@dataclass
class Export(Source):
    """What is written where; see conf/export.yaml."""

    out: str


class Switched(nn.Module):
    """The network with `keep` as numbers, so that one graph serves all keep sets."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor, keep: Tensor) -> Tensor:
        """Faces (N, 3, S, S) in [0, 1] and keep (5) of 0 and 1 -> turned faces (N, 3, S, S)."""
        latents = self.network.encode(faces)
        return self.network.decode([latent * on for latent, on in zip(latents, keep)])


def export(asked: Export) -> None:
    """Write the .onnx once it agrees with PyTorch on every keep set; raises SettingsError."""
    _require_extra()
    network, settings = load_trained(asked)
    path = Path(asked.out).expanduser()
    difference = 0.0

    def agreeing(beside: Path) -> None:
        nonlocal difference
        write(network, settings.size, beside)
        difference = largest_difference(network, settings.size, beside)
        if difference > TOLERANCE:
            raise SettingsError(f"the exported network differs from PyTorch by {difference:.2g}")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, agreeing)
    except OSError as error:
        raise SettingsError(f"out={path} cannot be written: {reason(error)}") from error
    print(f"{path}: agrees with PyTorch on all {2 ** len(LATENTS)} keep sets to {difference:.1g}")


def _require_extra() -> None:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise SettingsError(f"{', '.join(missing)} missing: pip install 'facerot[onnx]'")


def write(network: UNet, size: int, path: Path) -> None:
    """Trace the network into an ONNX file, the number of faces left open."""
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):  # they tell every step
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated.*")
    example = torch.rand(2, 3, size, size), torch.ones(len(LATENTS))
    program = torch.onnx.export(
        Switched(network).eval(),
        example,
        input_names=["faces", "keep"],
        output_names=["turned"],
        dynamic_shapes={"faces": {0: torch.export.Dim("count")}, "keep": None},
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(path)


@torch.inference_mode()
def largest_difference(network: UNet, size: int, path: Path) -> float:
    """Between onnxruntime and PyTorch, over every keep set, for one face and for three."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = 0.0
    for faces in (torch.rand(1, 3, size, size), torch.rand(3, 3, size, size)):
        for kept in keep_sets(LATENTS):
            feed = {"faces": faces.numpy(), "keep": switches(kept).numpy()}
            turned = torch.from_numpy(session.run(["turned"], feed)[0])
            own = tuple(k for k in kept if k in network.latents)
            found = max(found, (turned - network(faces, own)).abs().max().item())
    return found


def switches(kept: KeepSet) -> Tensor:
    """A keep set as the input `keep` of the exported network."""
    return torch.tensor([float(k in kept) for k in LATENTS])


main = command("export", Export, export)

if __name__ == "__main__":
    main()
