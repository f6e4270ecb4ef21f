"""The same few faces under every mask, as pictures: what the paper's figures are drawn from."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from facerot.config import SPLITS
from facerot.data.datamodule import FacePairs
from facerot.latents import MEAN_LATENTS, PROBES, keep_label, masks
from facerot.measure.probes import probe
from facerot.measure.silencing import decode_masks, fill_value, masked_at_once
from facerot.model import UNet
from facerot.panels import Pixels, captioned, sheet, to_pixels
from facerot.paper import MASKED_FIGURES
from facerot.runs.files import write_whole

ROWS = 8  # of a captioned figure


def write_pictures(folder: Path, net: UNet, pairs: FacePairs) -> dict[str, Pixels]:
    """Write the faces of every split into `folder`; returns the captioned figures.

    `<split>_<probe>.png` has a row per face; columns input, target, then the keep sets in the order
    of `masks`. `<figure>_<split>.png` is a figure of the paper with captions. MEAN_LATENTS has what
    the fill `mean` puts in place of a silenced latent: `latent1` .. `latent5`, each (C, H, W).
    """
    folder.mkdir(exist_ok=True)
    means = enumerate(fill_value("mean", net, pairs) or (), start=1)
    named = {f"latent{k}": mean[0].contiguous().cpu() for k, mean in means}
    write_whole(folder / MEAN_LATENTS, lambda beside: save_file(named, beside))
    figures = {}
    for split in SPLITS:
        sheets = {name: masked_faces(net, pairs, split, name) for name in PROBES}
        for name, columns in sheets.items():
            _save(folder / f"{split}_{name}.png", sheet(list(columns.values())))
        for name, figure in MASKED_FIGURES.items():
            picture = captioned(figure.compose(net.latents, sheets, ROWS))
            _save(folder / f"{name}_{split}.png", picture)
            figures[f"{name}/{split}"] = picture
    return figures


@torch.inference_mode()
def masked_faces(net: UNet, pairs: FacePairs, split: str, name: str) -> dict[str, Pixels]:
    """`input`, `target` and the label of each mask -> the faces shown, (N, S, S, 3)."""
    x, y = pairs.splits[split].shown()
    seen = probe(x, name)
    labels = map(keep_label, masks(net.latents, name))
    parts = [
        [to_pixels(output) for output in decode_masks(net, net.encode(part), name)]
        for part in torch.split(seen, masked_at_once(x.shape[-1]))
    ]
    outputs = map(np.concatenate, zip(*parts))
    return {"input": to_pixels(seen), "target": to_pixels(y), **dict(zip(labels, outputs))}


def _save(path: Path, picture: Pixels) -> None:
    """Run-length coding: half the time of PNG's usual way, for a fiftieth more bytes."""
    Image.fromarray(picture).save(path, compress_type=zlib.Z_RLE)
