"""A face set -> its views, by the pattern of its file names or by a manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from facerot.config import Faces, SettingsError
from facerot.data.faces import View, find_views
from facerot.data.manifest import read_manifest
from facerot.data.root import BadFile, Root, Stamp, reason


def list_views(
    root: Root, stamps: Mapping[str, Stamp], faces: Faces
) -> tuple[list[View], Counter[str]]:
    """Every view of a face set, and what was left out; raises SettingsError where there is none."""
    if faces.manifest is None:
        return find_views(stamps, faces)
    where = f"data.manifest={faces.manifest}"
    return read_manifest(_manifest(root, faces.manifest, where), stamps, where)


def _manifest(root: Root, name: str, where: str) -> str:
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
    if faces.manifest is not None:  # of a pattern the run's settings tell what the names mean
        lines += [f"{view.person} {view.session} {view.yaw:g}" for view in views]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]
