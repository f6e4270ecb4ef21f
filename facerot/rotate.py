"""The command `python -m facerot.rotate`: a trained network on your own photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from facerot.command import command
from facerot.config import read_box, setting
from facerot.data.views import SUFFIXES
from facerot.errors import BadFile, SettingsError, first_few, printable, reason, require_choice
from facerot.latents import PROBES
from facerot.panels import Pixels, captioned, enlarged, sheet
from facerot.runs.files import write_whole
from facerot.runs.source import Source

AS_THE_RUN = "run"
LARGE = 256  # px: how wide a face is at least in what is written


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
    out = Path(asked.out)
    photos = named(photos_of(asked.input, out))
    refuse_to_write_over(photos, out, asked.force)
    from facerot.measure.own_photos import learned_rims, read_photo, strangeness, turned
    from facerot.measure.probes import probe
    from facerot.runs.trained import load_trained  # torch takes seconds: only for work

    network, settings = load_trained(asked)
    faces = settings.data if asked.crop == AS_THE_RUN else replace(settings.data, crop=asked.crop)
    keep, learned = _keep(network.latents, asked.keep), learned_rims(asked.folder, settings.size)
    faults, strange = [], []
    for name, path in photos.items():
        try:
            photo = read_photo(path, faces, settings.size)
        except BadFile as error:
            faults.append(f"{path} ({error})")
            continue
        found = strangeness(photo, learned)
        strange += [f"{path} ({', '.join(found)})"] if found else []
        print(printable(str(write(turned(network, probe(photo.x, asked.probe), keep), out, name))))
    if strange:
        print(printable(f"far from the faces that this network learned, so that its answer may be "
                        f"no face: {first_few(strange)}"))  # fmt: skip
    if faults:
        raise SettingsError(f"{len(faults)} photos cannot be used: {first_few(faults)}")


def _keep(latents: tuple[int, ...], keep: list[int] | None) -> tuple[int, ...]:
    if keep is None:
        return latents
    wrong = [k for k in keep if k not in latents]
    if wrong:
        has = ", ".join(map(str, latents))
        raise SettingsError(f"keep={keep}: this network has no latent{wrong[0]}, only {has}")
    return tuple(sorted(set(keep)))


def photos_of(inputs: Iterable[str], out: Path) -> dict[Path, Path]:
    """The photos that files, folders and patterns stand for, each with its place among them.

    Folders are searched to their depths, but for what an earlier command wrote to `out`. Raises
    SettingsError where one of the inputs stands for none.
    """
    photos: dict[Path, Path] = {}
    for given in inputs:
        path = Path(given).expanduser()
        base, pattern = _pattern(path)
        matches = [path] if path.exists() else sorted(base.glob(pattern)) if pattern else []
        found = {
            file: file.relative_to(base)
            for match in matches
            for file in (sorted(match.rglob("*")) if match.is_dir() else [match])
            if file == path or file.suffix.lower() in SUFFIXES
            if not (_is_within(file, out) and _is_within(out, base))
        }
        if not found:
            raise SettingsError(f"input={given}: there is no such photo, or folder of photos")
        photos |= found
    return photos


def _pattern(path: Path) -> tuple[Path, str]:
    """The folder in which what is asked for lies, and what it is called there.

    Of a photo its folder, of a folder itself, of a pattern what comes before its first `*`.
    """
    if path.exists():
        return (path, "") if path.is_dir() else (path.parent, path.name)
    wild = [i for i, part in enumerate(path.parts) if set(part) & set("*?[")]
    parts = path.parts[: wild[0]] if wild else path.parts
    return Path(*parts), "/".join(path.parts[len(parts) :])


def _is_within(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, and is not that folder."""
    return folder.absolute() in path.absolute().parents


def named(photos: Mapping[Path, Path]) -> dict[str, Path]:
    """A name of its own for the two outputs of each photo, in the folders that it lies in."""
    names: dict[str, Path] = {}
    taken: set[str] = set()
    for path, place in photos.items():
        stem = str(place.with_suffix(""))
        name, count = stem, 1
        while taken & set(_outputs(name)):
            count += 1
            name = f"{stem}_{count}"
        names[name] = path
        taken |= set(_outputs(name))
    return names


def _outputs(name: str) -> tuple[str, str]:
    """The files that a photo becomes: the turned face, and the strip."""
    return f"{name}.png", f"{name}_strip.png"


def refuse_to_write_over(photos: Mapping[str, Path], folder: Path, force: bool) -> None:
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


def write(columns: dict[str, Pixels], folder: Path, name: str) -> Path:
    """Write the output alone and the strip, each pixel a square; the path of the first."""
    scale = -(-LARGE // columns["input"].shape[1])
    _, output, *_ = columns.values()
    pictures = enlarged(sheet([output]), scale), captioned(columns, scale)
    paths = [folder / file for file in _outputs(name)]
    try:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        for path, pixels in zip(paths, pictures):
            write_whole(path, partial(Image.fromarray(pixels).save, format="PNG"))
    except OSError as error:
        raise SettingsError(f"out={folder} cannot be written: {reason(error)}") from error
    return paths[0]


main = command("rotate", Rotate, rotate)

if __name__ == "__main__":
    main()
