"""The report's page: everything of one study in one HTML file that fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from facerot.report.faces import Atlas, Block, as_webp
from facerot.report.glossary import hint, scores_in
from facerot.report.heading import about
from facerot.report.playground import Playground
from facerot.report.style import DPI, Picture
from facerot.report.tables import Table, chip, statistic_text, verdict_text
from facerot.runs.study import Study

LARGEST_PAGE = 6_000_000  # characters


@dataclass(frozen=True)
class Shown:
    """A picture on the page, to its last pixel; its files are a PNG and a PDF."""

    name: str
    title: str
    note: str
    png: bytes
    blocks: Sequence[Block] = ()  # its faces, where it has any: shown instead of the picture
    folded: bool = False  # whether it is of a model that is folded away

    @property
    def kind(self) -> str:
        """The macro of the page that shows it."""
        return "faces" if self.blocks else "figure"

    @cached_property
    def base64(self) -> str:
        """The picture as WebP, as text."""
        with Image.open(BytesIO(self.png)) as picture:
            return as_webp(picture)

    @property
    def width(self) -> int:
        """Its width in CSS px, at the size it was drawn for."""
        return self._side(16)

    @property
    def height(self) -> int:
        """Its height in CSS px."""
        return self._side(20)

    def _side(self, offset: int) -> int:
        pixels = int.from_bytes(self.png[offset : offset + 4], "big")  # of the PNG's header
        return round(pixels * 96 / DPI)


@dataclass(frozen=True)
class Facts:
    """Names and what belongs to each."""

    name: str
    title: str
    pairs: Sequence[tuple[str, str]]
    kind: str = "facts"


@dataclass(frozen=True)
class OfModel:
    """What is shown of one model, open or folded under its heading."""

    title: str
    entries: Sequence[Table | Picture | Shown | Facts | Playground]
    open: bool
    kind: str = "of_model"


@dataclass(frozen=True)
class Lacking:
    """What cannot be shown, and why; said at the top of the page."""

    text: str


@dataclass(frozen=True)
class Part:
    """A part of the page under one heading, ready to be written."""

    anchor: str
    title: str
    entries: Sequence[Table | Shown | Facts | Playground | OfModel]

    def flat(self) -> Iterator[Table | Picture | Shown | Facts | Playground]:
        """Its entries, those of a model one by one."""
        for entry in self.entries:
            yield from entry.entries if isinstance(entry, OfModel) else [entry]


def render(study: Study, lacking: Sequence[str], parts: Iterable[Part]) -> str:
    """The page, as HTML; `lacking` is what the paper has and the study does not.

    The playground has as many networks as fit beside all else.
    """
    filled = [part for part in parts if part.entries]
    rest = _render(study, lacking, [_playing(part, 0) for part in filled])
    room = LARGEST_PAGE - len(rest)
    return _render(study, lacking, [_playing(part, room) for part in filled])


def _playing(part: Part, room: int) -> Part:
    """The part with as much of a playground as fits."""
    fit = (entry.within(room) if isinstance(entry, Playground) else entry for entry in part.entries)
    return replace(part, entries=list(fit))


def _render(study: Study, lacking: Sequence[str], parts: Sequence[Part]) -> str:
    entries = [entry for part in parts for entry in part.flat()]
    shown = [entry for entry in entries if isinstance(entry, Shown)]
    atlases = {
        folded: Atlas(
            (block for one in shown if one.folded == folded for block in one.blocks), folded
        )
        for folded in (False, True)
    }
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            study=study,
            about=about(study),
            missing=lacking,
            anchors={entry.name: re.split("[.:] ", entry.title)[0] for entry in entries},
            chip=chip,
            statistic_text=statistic_text,
            verdict_text=verdict_text,
            parts=parts,
            atlases=atlases,
        )
    )


def render_alone(title: str, entry: Playground) -> str:
    """A page with a playground and nothing else, as HTML."""
    return (
        _environment().get_template("playground/alone.html.jinja").render(title=title, entry=entry)
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("facerot.report", "."), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    environment.globals |= {"hint": hint, "scores_in": scores_in}
    return environment
