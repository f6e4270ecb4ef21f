"""The command `python -m facerot.rotate`: a trained network on your own photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from facerot.command import command
from facerot.config import FaceSet, read_box, setting
from facerot.data.photo import decode
from facerot.errors import BadFile, SettingsError, first_few, printable, reason, require_choice
from facerot.latents import PROBES, removals
from facerot.measure.probes import probe
from facerot.model import UNet
from facerot.panels import Pixels, captioned, sheet, to_pixels
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.runs.trained import Source, load_trained

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm")


AS_THE_RUN = "run"


def _listed(name: str, value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _latents(name: str, value: Any) -> Any:
    if value is not None and not isinstance(value, list):
        raise SettingsError(f"{name}={value} is not a list: write '{name}=[{value}]'")
    return value


def _crop(name: str, value: Any) -> Any:
    return value if value == AS_THE_RUN else read_box(name, value)


@dataclass
class Rotate(Source):
    """What is turned, with what, and where it goes; see conf/rotate.yaml."""

    input: list[str] = field(metadata=setting(read=_listed))
    keep: list[int] | None = field(metadata=setting(read=_latents))
    probe: str
    crop: Any = field(metadata=setting(read=_crop))  # AS_THE_RUN, a box, None: no type of Hydra's
    out: str

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("probe", self.probe, PROBES)


def rotate(asked: Rotate) -> None:
    """Write each photo's turned face, and a strip of it with each latent removed.

    Raises SettingsError, once the others are written, naming the photos that cannot be used.
    """
    network, settings = load_trained(asked)
    faces = settings.data if asked.crop == AS_THE_RUN else replace(settings.data, crop=asked.crop)
    keep = _keep(network, asked.keep)
    faults = []
    for name, path in _named(_photos(asked.input)).items():
        try:
            x = _face(path, faces, settings.size)
        except BadFile as error:
            faults.append(f"{path} ({error})")
            continue
        path = _write(_columns(network, probe(x, asked.probe), keep), Path(asked.out), name)
        print(printable(str(path)))
    if faults:
        raise SettingsError(f"{len(faults)} photos cannot be used: {first_few(faults)}")


def _keep(network: UNet, keep: list[int] | None) -> tuple[int, ...]:
    if keep is None:
        return network.latents
    wrong = [k for k in keep if k not in network.latents]
    if wrong:
        has = ", ".join(map(str, network.latents))
        raise SettingsError(f"keep={keep}: this network has no latent{wrong[0]}, only {has}")
    return tuple(sorted(set(keep)))


def _photos(inputs: Iterable[str]) -> list[Path]:
    """The photos that files and folders stand for."""
    photos: list[Path] = []
    for path in (Path(name).expanduser() for name in inputs):
        found = [path]
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        if not found or not path.exists():
            raise SettingsError(f"input={path}: there is no such photo or folder of photos")
        photos += found
    return photos


def _named(photos: Iterable[Path]) -> dict[str, Path]:
    """A name of its own for the output of each photo."""
    names: dict[str, Path] = {}
    for path in photos:
        name, count = path.stem, 1
        while name in names:
            count += 1
            name = f"{path.stem}_{count}"
        names[name] = path
    return names


def _face(path: Path, faces: FaceSet, size: int) -> Tensor:
    """A photo as the network sees the faces of its run, (1, 3, size, size) in [0, 1]."""
    try:
        data = read_bytes(path, MOST_PHOTO)
    except OSError as error:
        raise BadFile(reason(error)) from error
    pixels = decode(data, path.stem, faces, size)
    return torch.from_numpy(np.ascontiguousarray(pixels))[None] / 255


@torch.inference_mode()
def _columns(network: UNet, x: Tensor, keep: tuple[int, ...]) -> dict[str, Pixels]:
    """Input, output with the kept latents, and with each of those removed as well."""
    latents = network.encode(x)
    outputs = {
        name: to_pixels(network.decode(latents, kept)) for name, kept in removals(keep).items()
    }
    return {"input": to_pixels(x), "output": outputs.pop("all"), **outputs}


def _write(columns: dict[str, Pixels], folder: Path, name: str) -> Path:
    path = folder / f"{name}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sheet([columns["output"]])).save(path)
        Image.fromarray(captioned(columns)).save(folder / f"{name}_strip.png")
    except OSError as error:
        raise SettingsError(f"out={folder} cannot be written: {reason(error)}") from error
    return path


main = command("rotate", Rotate, rotate)

if __name__ == "__main__":
    main()
