"""File names -> views: which person, which session, which yaw each file shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from facerot.config import FaceSet, yaws_of
from facerot.data.root import Stamp
from facerot.errors import SettingsError, printable

# How the names of photos end.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm")


class Place(NamedTuple):
    """Where an aligned view is cut from its upright photo, in px.

    The photo is turned counter-clockwise by `angle` degrees about (x, y), then cut to a square of
    `side` in the eye row of which (x, y) is the middle; `x` None is the middle of the crop.
    """

    angle: float
    x: float | None
    y: float
    side: float


@dataclass(frozen=True)
class View:
    """One photo of a person at one yaw (degrees), and where its eyes are (px), if that is known.

    Of a photo that faces either way by its name (`two_way`) the yaw is the one to the left, unless
    `data.flip` says otherwise.
    """

    file: str
    person: str
    session: tuple[str, ...]
    yaw: float
    eyes: tuple[tuple[float, float], ...] = ()
    place: Place | None = None
    two_way: bool = False


def find_views(names: Mapping[str, Stamp], faces: FaceSet) -> tuple[list[View], Counter[str]]:
    """The views that `faces.pattern` finds among relative file names, and what was left out.

    The pattern is of the path below the root, or, where it finds none there, below as few of its
    first folders as lets it: archives often have a top folder of their own. An extension may be
    upper-case.

    Raises SettingsError where the pattern is not usable or matches nothing.
    """
    pattern = _compile(faces.pattern or "")
    for depth in range(1 + max((name.count("/") for name in names), default=0)):
        views, left_out = _views(names, _find(names, pattern, depth), faces.yaw)
        if views:
            return views, left_out
    example = f", such as {next(iter(names))}" if names else ""
    raise SettingsError(
        f"data.pattern of {faces.name} matches none of the {len(names)} files in "
        f"{faces.root}{example}"
    )


def _find(
    names: Mapping[str, Stamp], pattern: re.Pattern[str], depth: int
) -> dict[str, re.Match[str]]:
    """What the pattern matches of the names without their first `depth` folders."""
    found = {}
    for name in names:
        *folders, last = name.split("/")[depth:] or [""]
        stem, dot, extension = last.rpartition(".")
        for file in (last, stem + dot + extension.lower()):
            match = pattern.fullmatch("/".join([*folders, file]))
            if match is not None:
                found[name] = match
                break
    return found


def _views(
    names: Mapping[str, Stamp], found: Mapping[str, re.Match[str]], yaw: Mapping[str, float | str]
) -> tuple[list[View], Counter[str]]:
    views, left_out = [], Counter[str]()
    for name in names:
        match = found.get(name)
        if match is None:
            if name.lower().endswith(SUFFIXES):  # a list of eyes beside them is not missed
                left_out["photos that the pattern does not match"] += 1
        elif match["view"] not in yaw:
            left_out[f"files of view '{printable(match['view'])}', which has no yaw"] += 1
        else:
            views.append(_view(name, match, yaw))
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


def _view(name: str, match: re.Match[str], yaw: Mapping[str, float | str]) -> View:
    groups = match.groupdict(default="")
    session = tuple(groups[key] for key in sorted(groups) if key not in ("person", "view"))
    left, *right = yaws_of(yaw[groups["view"]])
    return View(name, groups["person"], session, left, two_way=bool(right))
