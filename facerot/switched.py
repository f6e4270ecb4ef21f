"""A trained network whose latents are switches, as ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from facerot.latents import LATENTS, KeepSet, keep_sets
from facerot.model import UNet


class Switched(nn.Module):
    """The network with `keep` as numbers, so that one graph serves all keep sets."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor, keep: Tensor) -> Tensor:
        """Faces (N, 3, S, S) in [0, 1] and keep (5) of 0 and 1 -> turned faces (N, 3, S, S)."""
        latents = self.network.encode(faces)
        return self.network.decode([latent * on for latent, on in zip(latents, keep)])


def write(network: UNet, size: int, path: Path, metadata: Mapping[str, str]) -> None:
    """Trace the network into an ONNX file with this metadata, the number of faces left open."""
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
    program.model.metadata_props.update(metadata)
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
