"""A face set -> its views, by the pattern of its file names or by a manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from facerot.config import FaceSet
from facerot.data.align import LANDMARKS, align_eyes, with_landmarks
from facerot.data.flip import turned
from facerot.data.manifest import read_manifest
from facerot.data.root import Root, Stamp
from facerot.data.views import View, find_views
from facerot.errors import BadFile, SettingsError, reason
from facerot.reading import MOST_TABLE, read_bytes


@dataclass(frozen=True, eq=False)
class Listing:
    """A face set as it lies on disk: its files, and the views among them."""

    root: Root
    stamps: Mapping[str, Stamp]
    views: list[View]
    left_out: Counter[str]
    by_name: bool  # the settings alone tell what a file shows

    @cached_property
    def fingerprint(self) -> str:
        """Two short hashes of the views, with a dash between: the same wherever they lie.

        The first is of relative names and sizes, all that there was before facerot 0.3 (see
        `runs.run.same_faces`); the second of their contents.
        """
        stamps = [(view.file, self.stamps[view.file]) for view in self.views]
        lines = [f"{file} {stamp.size}" for file, stamp in stamps]
        if not self.by_name:
            lines += [f"{view.person} {view.session} {view.yaw:g} {view.place}"
                      for view in self.views]  # fmt: skip
        contents = [f"{file} {self.root.crc(file, stamp)}" for file, stamp in stamps]
        return f"{_short_hash(lines)}-{_short_hash(contents)}"


def _short_hash(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def list_faces(faces: FaceSet) -> Listing:
    """Open a face set and list its views; raises SettingsError where there are none."""
    root = Root(faces.root)
    stamps = root.files()
    views, left_out = list_views(root, stamps, faces)
    return Listing(root, stamps, views, left_out, not (faces.manifest or faces.align or faces.flip))


def list_views(
    root: Root, stamps: Mapping[str, Stamp], faces: FaceSet
) -> tuple[list[View], Counter[str]]:
    """Every view of a face set, and what was left out; raises SettingsError where there is none."""
    if faces.manifest is None:
        views, left_out = find_views(stamps, faces)
    else:
        where = f"data.manifest={faces.manifest}"
        views, left_out = read_manifest(_text(root, faces.manifest, where), stamps, where)
    if faces.flip is not None:
        where = f"data.flip={faces.flip}"
        views = turned(views, _text(root, faces.flip, where), where)
    if faces.align is None:
        return views, left_out
    if faces.manifest is None and LANDMARKS in stamps:
        views = with_landmarks(views, _text(root, LANDMARKS, f"{LANDMARKS} of {faces.name}"))
    views, misplaced = align_eyes(views)
    return views, left_out + misplaced


def _text(root: Root, name: str, where: str) -> str:
    path = Path(name).expanduser()
    try:
        data = read_bytes(path, MOST_TABLE) if path.is_absolute() else root.read(name)
        return data.decode("utf-8-sig")
    except (BadFile, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: {reason(error)}") from error
