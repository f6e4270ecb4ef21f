"""The command `python -m facerot.rotate`: a trained network on your own photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from facerot.command import command
from facerot.config import FaceSet, read_box, setting
from facerot.data.photo import decode
from facerot.data.views import SUFFIXES
from facerot.errors import BadFile, SettingsError, first_few, printable, reason, require_choice
from facerot.latents import PROBES, removals
from facerot.measure.probes import probe
from facerot.model import UNet
from facerot.panels import Pixels, captioned, sheet, to_pixels
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.runs.files import write_whole
from facerot.runs.trained import Source, load_trained

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
    force: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("probe", self.probe, PROBES)


def rotate(asked: Rotate) -> None:
    """Write each photo's turned face, and a strip of it with each latent removed.

    Raises SettingsError before anything is written where something would be written over, and once
    the others are written, naming the photos that cannot be used.
    """
    photos = _named(_photos(asked.input))
    _refuse_to_write_over(photos, Path(asked.out), asked.force)
    network, settings = load_trained(asked)
    faces = settings.data if asked.crop == AS_THE_RUN else replace(settings.data, crop=asked.crop)
    keep = _keep(network, asked.keep)
    faults = []
    for name, path in photos.items():
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
    """A name of its own for the two outputs of each photo."""
    names: dict[str, Path] = {}
    taken: set[str] = set()
    for path in photos:
        name, count = path.stem, 1
        while taken & set(_outputs(name)):
            count += 1
            name = f"{path.stem}_{count}"
        names[name] = path
        taken |= set(_outputs(name))
    return names


def _outputs(name: str) -> tuple[str, str]:
    """The files that a photo becomes: the turned face, and the strip."""
    return f"{name}.png", f"{name}_strip.png"


def _refuse_to_write_over(photos: Mapping[str, Path], folder: Path, force: bool) -> None:
    """Raise SettingsError where an output would replace an input, or without `force` anything."""
    outputs = [folder / file for name in photos for file in _outputs(name)]
    there = [path for path in outputs if os.path.lexists(path)]
    inputs = {identity for path in photos.values() if (identity := _identity(path))}
    lost = [path for path in there if _identity(path) in inputs]
    if lost:
        raise SettingsError(
            f"out={folder}: {len(lost)} photos of the input would be written over, name another "
            f"folder: {first_few(list(map(str, lost)))}"
        )
    if there and not force:
        raise SettingsError(
            f"out={folder}: {len(there)} files are there already, name another folder or write "
            f"over them with force=true: {first_few(list(map(str, there)))}"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """What file a path leads to, whatever it is called; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
    turned, strip = (folder / file for file in _outputs(name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, pixels in ((turned, sheet([columns["output"]])), (strip, captioned(columns))):
            write_whole(path, partial(Image.fromarray(pixels).save, format="PNG"))
    except OSError as error:
        raise SettingsError(f"out={folder} cannot be written: {reason(error)}") from error
    return turned


main = command("rotate", Rotate, rotate)

if __name__ == "__main__":
    main()
