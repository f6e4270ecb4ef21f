"""Where the pictures of a face set lie: a folder or a .zip, read in place."""

from __future__ import annotations

import bz2
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import IO

from facerot.errors import BadFile, SettingsError, first_few, reason
from facerot.reading import MOST_PHOTO, require_regular


@dataclass(frozen=True)
class Stamp:
    """What tells one version of a file from another: its size in bytes and its time of change.

    In a .zip the second is the CRC-32 of its content.
    """

    size: int
    mtime: int


class Root:
    """A folder or a .zip of pictures."""

    def __init__(self, path: str) -> None:
        """Raises SettingsError where `path` is neither a folder nor a .zip."""
        self.path = locate(path)
        self.zip = self._open_zip() if self.path.is_file() else None
        if self.zip is None and not self.path.is_dir():
            raise SettingsError(f"data.root={path}: there is no such folder or .zip")

    def _open_zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except Exception as error:  # a damaged directory provokes errors of many kinds
            raise SettingsError(
                f"data.root={self.path} is not a readable .zip: {reason(error)}"
            ) from error

    def files(self) -> dict[str, Stamp]:
        """Every file below the root, by its relative name with forward slashes, sorted.

        Raises SettingsError where a symbolic link leaves the root or a folder cannot be listed.
        """
        if self.zip is not None:
            members = self.zip.infolist()
            stamps = {info.filename: Stamp(info.file_size, info.CRC) for info in members}
            found = {name: stamp for name, stamp in stamps.items() if name and name[-1] != "/"}
        else:
            try:
                found = self._files_of_folder()
            except OSError as error:
                raise SettingsError(f"data.root={self.path} cannot be listed: {error}") from error
        return dict(sorted(found.items()))

    def _files_of_folder(self) -> dict[str, Stamp]:
        home, found, astray = self.path.resolve(), {}, []
        for entry in _entries(self.path):
            name = Path(entry.path).relative_to(self.path).as_posix()
            if entry.is_symlink() and not _stays_in(home, entry.path):
                astray.append(f"{name} -> {os.readlink(entry.path)}")
            elif not entry.is_dir():  # what is no regular file is refused when it is read
                stat = entry.stat()
                found[name] = Stamp(stat.st_size, stat.st_mtime_ns)
        if astray:
            raise SettingsError(
                f"data.root={self.path} has {len(astray)} symbolic links that leave it or lead "
                f"nowhere, put the files themselves there: {first_few(sorted(astray))}"
            )
        return found

    def read(self, name: str) -> bytes:
        """The bytes of one file, unpacked where it is a .bz2; raises BadFile."""
        try:
            with self._open(name) as file, _unpacked(file, name) as plain:
                data = plain.read(MOST_PHOTO + 1)
        except Exception as error:  # a damaged .zip provokes errors of many kinds
            raise BadFile(f"cannot be read: {reason(error)}") from error
        if len(data) > MOST_PHOTO:
            raise BadFile(f"more than {MOST_PHOTO} bytes")
        return data

    def crc(self, name: str, stamp: Stamp) -> int:
        """The CRC-32 of a file's content, which a .zip knows; -1 where it cannot be read."""
        return stamp.mtime if self.zip is not None else _crc_of(self.path / name, stamp)

    def _open(self, name: str) -> IO[bytes]:
        if self.zip is not None:
            return self.zip.open(name)
        require_regular(self.path / name, MOST_PHOTO)
        return (self.path / name).open("rb")


def locate(root: str) -> Path:
    """The path that `data.root` names; `pkg://package/file` is a file inside a Python package."""
    if not root.startswith("pkg://"):
        return Path(root).expanduser().absolute()
    package, _, name = root.removeprefix("pkg://").partition("/")
    return Path(str(files(package))) / name


@lru_cache(maxsize=2**17)  # each run of a sweep asks
def _crc_of(path: Path, stamp: Stamp) -> int:
    crc = 0
    try:
        require_regular(path, MOST_PHOTO)
        with path.open("rb") as file:
            while block := file.read(2**20):
                crc = zlib.crc32(block, crc)
    except (OSError, BadFile):
        return -1
    return crc


def _unpacked(file: IO[bytes], name: str) -> AbstractContextManager[IO[bytes]]:
    return bz2.BZ2File(file) if name.lower().endswith(".bz2") else nullcontext(file)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Whatever lies below a folder; a link to a folder is not followed, so nothing comes twice."""
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)


def _stays_in(home: Path, link: str) -> bool:
    target = Path(os.path.realpath(link))
    return target.exists() and target.is_relative_to(home)
