"""Pictures on disk -> views: which person, which session, which yaw each file shows."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from facerot.config import Faces, SettingsError


@dataclass(frozen=True)
class Stamp:
    """What tells one version of a file from another: its size in bytes and its time of change."""

    size: int
    mtime: int


@dataclass(frozen=True)
class View:
    """One photo of a person at one yaw (degrees)."""

    file: str
    person: str
    session: tuple[str, ...]
    yaw: float


class Root:
    """A folder or a .zip of pictures, read in place."""

    def __init__(self, path: str) -> None:
        """Raises SettingsError where `path` is neither a folder nor a .zip."""
        self.path = locate(path)
        self.zip = self._open_zip() if self.path.is_file() else None
        if self.zip is None and not self.path.is_dir():
            raise SettingsError(f"data.root={path}: there is no such folder or .zip")

    def _open_zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise SettingsError(f"data.root={self.path} is not a readable .zip: {error}") from error

    def files(self) -> dict[str, Stamp]:
        """Every file below the root, by its relative name with forward slashes, sorted."""
        if self.zip is not None:
            members = (info for info in self.zip.infolist() if not info.is_dir())
            found = {info.filename: Stamp(info.file_size, info.CRC) for info in members}
        else:
            found = {
                path.relative_to(self.path).as_posix(): _stamp(path)
                for path in self.path.rglob("*")
                if path.is_file()
            }
        return dict(sorted(found.items()))

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        return self.zip.read(name) if self.zip is not None else (self.path / name).read_bytes()


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return Stamp(stat.st_size, stat.st_mtime_ns)


def locate(root: str) -> Path:
    """The path that `data.root` names; `pkg://package/file` is a file inside a Python package."""
    if not root.startswith("pkg://"):
        return Path(root).expanduser().absolute()
    package, _, name = root.removeprefix("pkg://").partition("/")
    return Path(str(files(package))) / name


def find_views(names: Mapping[str, Stamp], faces: Faces) -> tuple[list[View], Counter[str]]:
    """The views that `faces.pattern` finds among relative file names, and what was left out.

    Raises SettingsError where the pattern is not usable or matches nothing.
    """
    pattern = _compile(faces.pattern)
    views, left_out = [], Counter[str]()
    for name in names:
        match = pattern.fullmatch(name)
        if match is None:
            left_out["files that the pattern does not match"] += 1
        elif match["view"] not in faces.yaw:
            left_out[f"files of view '{match['view']}', which has no yaw"] += 1
        else:
            views.append(_view(name, match, faces.yaw))
    if not views:
        example = f", such as {next(iter(names))}" if names else ""
        raise SettingsError(
            f"data.pattern of {faces.name} matches none of the {len(names)} files in "
            f"{faces.root}{example}"
        )
    return views, left_out


def _compile(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise SettingsError(f"data.pattern={text} is not a regular expression: {error}") from error
    for group in ("person", "view"):
        if group not in pattern.groupindex:
            raise SettingsError(f"data.pattern={text} lacks the named group (?P<{group}>...)")
    return pattern


def _view(name: str, match: re.Match[str], yaw: Mapping[str, float]) -> View:
    groups = match.groupdict(default="")
    session = tuple(groups[key] for key in sorted(groups) if key not in ("person", "view"))
    return View(name, groups["person"], session, float(yaw[groups["view"]]))


def fingerprint(faces: Faces) -> str:
    """A short hash of the views' relative names and sizes: the same faces wherever they lie.

    Raises SettingsError where there are none.
    """
    stamps = Root(faces.root).files()
    views, _ = find_views(stamps, faces)
    lines = "\n".join(f"{view.file} {stamps[view.file].size}" for view in views)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
