"""Photos -> one uint8 tensor: decoded once, kept in a cache on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facerot import progress
from facerot.config import FaceSet
from facerot.data.photo import BLEND, GREY, decode
from facerot.data.root import Root, Stamp
from facerot.data.views import View
from facerot.errors import BadFile, SettingsError, first_few, printable
from facerot.panels import Pixels
from facerot.reading import require_regular

log = logging.getLogger(__name__)

CACHE_FORMAT = 2  # counts up when the same photos would decode to other pixels

MOST_CACHED = 2**40  # bytes
IN_MEMORY = 0.5  # share of the machine's memory that decoded photos may take; more lie on disk
BESIDE = "tmp"  # how the folders begin in which the cache is written
LEFT_OVER = 600  # seconds

Flags = npt.NDArray[np.bool_]
Crcs = npt.NDArray[np.int64]


def load_images(
    root: Root, stamps: Mapping[str, Stamp], views: Sequence[View], faces: FaceSet, size: int
) -> tuple[Pixels, dict[View, str]]:
    """The views as uint8 (N, 3, size, size), and why some of them could not be decoded.

    What has been decoded before comes from the cache; what could not be is tried again. Where they
    are too large for the memory, they stay on disk and are read as they are used.
    Raises SettingsError naming every such file, unless the faces say `on_bad: skip`.
    """
    cached = cache_folder() / f"{_key(root, stamps, views, faces, size)}.npz"
    crcs = np.array([root.crc(view.file, stamps[view.file]) for view in views], np.int64)
    images, known = _read_cache(cached, (len(views), 3, size, size), crcs)
    faults: dict[View, str] = {}
    if not known.all():
        faults = _decode_all(root, views, faces, images, known)
        _write_cache(cached, images, known, crcs)
    if faults:
        _refuse_or_report(faults, len(views), root, faces)
    return images, faults


def cache_folder() -> Path:
    """Where decoded photos are kept: $XDG_CACHE_HOME/facerot, by default ~/.cache/facerot."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "facerot"


def _key(
    root: Root, stamps: Mapping[str, Stamp], views: Sequence[View], faces: FaceSet, size: int
) -> str:
    listing = [
        [view.file, stamps[view.file].size, stamps[view.file].mtime, view.place] for view in views
    ]
    behind = [faces.background, GREY, faces.clutter, BLEND]
    if faces.matte is not None:  # else the key is that of before there was this setting
        behind.append(faces.matte)
    cut = [faces.crop, faces.eye_band if faces.align else None]
    settings = [CACHE_FORMAT, str(root.path), cut, behind, size]
    return hashlib.sha256(json.dumps([settings, listing]).encode()).hexdigest()[:32]


def _read_cache(path: Path, shape: tuple[int, ...], crcs: Crcs) -> tuple[Pixels, Flags]:
    """The images, and which of them are known; none where the file is absent or damaged.

    An .npz holds a checksum of each of its arrays, so that no changed byte goes unnoticed, and of
    each photo the one that it was decoded from: a changed photo is not known.
    """
    try:
        require_regular(path, MOST_CACHED)
        with zipfile.ZipFile(path) as cached:
            images = _read_array(cached, "images", shape, np.uint8)
            known = _read_array(cached, "known", shape[:1], np.bool_)
            if "crcs.npy" in cached.namelist():  # the cache of before facerot 0.3 has none
                known &= _read_array(cached, "crcs", shape[:1], np.int64) == crcs
        return images, known
    except Exception:  # damaged bytes provoke errors of every kind
        return _room(path.parent, shape), np.zeros(shape[:1], bool)


def _read_array(
    cached: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: type[np.generic]
) -> npt.NDArray[Any]:
    """An array of an .npz; its head is read first, so that none is made of a size it only claims.

    Raises ValueError where it is another, and what zipfile raises where it is damaged.
    """
    with cached.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        if np.lib.format.read_array_header_1_0(file) != (shape, False, np.dtype(kind)):
            raise ValueError(f"{name} of format {version} is not as it is written here")
        start = file.tell()
        if is_large(shape):
            while file.read(2**20):  # to its end, where the checksum is compared
                pass
            start += _start_of(cached, f"{name}.npy")
            return np.memmap(str(cached.filename), kind, "c", start, shape)
    with cached.open(f"{name}.npy") as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _start_of(cached: zipfile.ZipFile, name: str) -> int:
    """Where in an archive the bytes of a file begin; raises ValueError where it is compressed."""
    entry = cached.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    with open(str(cached.filename), "rb") as file:
        file.seek(entry.header_offset + 26)  # the lengths of two parts that follow these 30 bytes
        name_length, extra_length = struct.unpack("<HH", file.read(4))
    return int(entry.header_offset + 30 + name_length + extra_length)


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether an array of bytes is too large for the memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return math.prod(shape) > IN_MEMORY * memory


def _room(folder: Path, shape: tuple[int, ...]) -> Pixels:
    """Zeros, in memory, or in a file of the folder that no name leads to."""
    if not is_large(shape):
        return np.zeros(shape, np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = math.prod(shape), shutil.disk_usage(folder).free
    if needed > free:  # a file that outgrew its disk would end the process without a word
        raise SettingsError(
            f"decoded photos take {needed / 1e9:.1f} GB, too much for the memory, and {folder} has "
            f"{free / 1e9:.1f} GB free: set XDG_CACHE_HOME to a folder with more"
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _write_cache(path: Path, images: Pixels, known: Flags, crcs: Crcs) -> None:
    """Write beside the final name, then rename: another process sees all of it or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(path.parent)
        with tempfile.TemporaryDirectory(prefix=BESIDE, dir=path.parent) as folder:
            beside = Path(folder) / path.name
            np.savez(beside, images=images, known=known, crcs=crcs)
            os.replace(beside, path)
    except OSError as error:  # a full or read-only disk costs time, not the run
        log.warning(printable(f"decoded photos could not be kept in {path.parent}: {error}"))


def _remove_left_over(folder: Path) -> None:
    """Remove what writers that were killed have left; none takes as long as LEFT_OVER."""
    for beside in folder.glob(f"{BESIDE}*"):
        with suppress(FileNotFoundError):
            if time.time() - beside.stat().st_mtime > LEFT_OVER:
                shutil.rmtree(beside, ignore_errors=True)


def _decode_all(
    root: Root, views: Sequence[View], faces: FaceSet, images: Pixels, known: Flags
) -> dict[View, str]:
    """Decode what is not yet known into `images`; return what cannot be, and why."""
    row = {view: index for index, view in enumerate(views) if not known[index]}

    def decode_into(view: View, data: bytes) -> None:
        pixels = decode(data, view.person, faces, images.shape[-1], view.place)
        images[row[view]], known[row[view]] = pixels, True

    return for_each(list(row), root, f"decoding {faces.name}", decode_into)


def for_each(
    views: Sequence[View], root: Root, title: str, use: Callable[[View, bytes], None]
) -> dict[View, str]:
    """Use the bytes of every view, on all cores; returns those that cannot be used, and why."""
    faults: dict[View, str] = {}

    def read(view: View) -> None:
        try:
            use(view, root.read(view.file))
        except BadFile as error:
            faults[view] = str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pool.map(read, views)
        list(progress.bar(work, title, "photo", len(views)))
    return faults


def _refuse_or_report(faults: Mapping[View, str], count: int, root: Root, faces: FaceSet) -> None:
    named = first_few(sorted(f"{view.file} ({why})" for view, why in faults.items()))
    if faces.on_bad == "refuse":
        raise SettingsError(
            f"{len(faults)} of {count} photos in {root.path} cannot be used, mend them or leave "
            f"them out with data.on_bad=skip: {named}"
        )
    said = f"{len(faults)} of {count} photos in {root.path} are left out: {named}"
    log.warning(printable(said))
