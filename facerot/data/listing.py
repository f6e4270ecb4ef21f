"""A face set -> its views, by the pattern of its file names or by a manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from facerot.config import Faces, SettingsError
from facerot.data.align import LANDMARKS, align_eyes, with_landmarks
from facerot.data.faces import View, find_views
from facerot.data.manifest import read_manifest
from facerot.data.root import BadFile, Root, Stamp, reason


def list_views(
    root: Root, stamps: Mapping[str, Stamp], faces: Faces
) -> tuple[list[View], Counter[str]]:
    """Every view of a face set, and what was left out; raises SettingsError where there is none."""
    if faces.manifest is None:
        views, left_out = find_views(stamps, faces)
    else:
        where = f"data.manifest={faces.manifest}"
        views, left_out = read_manifest(_text(root, faces.manifest, where), stamps, where)
    if faces.align is None:
        return views, left_out
    if faces.manifest is None and LANDMARKS in stamps:
        views = with_landmarks(views, _text(root, LANDMARKS, f"{LANDMARKS} of {faces.name}"))
    views, misplaced = align_eyes(views)
    return views, left_out + misplaced


def _text(root: Root, name: str, where: str) -> str:
    path = Path(name).expanduser()
    try:
        data = path.read_bytes() if path.is_absolute() else root.read(name)
        return data.decode("utf-8-sig")
    except (BadFile, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: {reason(error)}") from error


def fingerprint(faces: Faces) -> str:
    """A short hash of the views' relative names and sizes: the same faces wherever they lie.

    Raises SettingsError where there are none.
    """
    root = Root(faces.root)
    stamps = root.files()
    views, _ = list_views(root, stamps, faces)
    lines = [f"{view.file} {stamps[view.file].size}" for view in views]
    if faces.manifest or faces.align:  # of a pattern the run's settings tell what the names mean
        lines += [f"{view.person} {view.session} {view.yaw:g} {view.place}" for view in views]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]
