"""The files of a report: tables, figures, one HTML page; and what the terminal gets of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import groupby
from pathlib import Path

from facerot.evidence.bootstrap import FEWEST_SEEDS
from facerot.evidence.claims import Judged
from facerot.report import page
from facerot.report.heading import missing
from facerot.report.page import Facts, Lacking, OfModel, Part, Shown
from facerot.report.playground import Playground
from facerot.report.sections import SECTIONS, Findings
from facerot.report.style import Picture, look
from facerot.report.tables import Table
from facerot.runs.files import held


def write_report(found: Findings) -> Path:
    """Write `report/` in the study's folder, whole or not at all; the path of its page.

    Another process that does the same is waited for.
    """
    with held(found.study.folder / ".report.lease", f"{found.study.folder}/report"):
        return _write_report(found)


def _write_report(found: Findings) -> Path:
    study = found.study
    beside, place = study.folder / ".report", study.folder / "report"
    shutil.rmtree(beside, ignore_errors=True)
    parts, lacking = [], missing(study)
    with look():
        for section in SECTIONS:
            entries = section.entries(found)
            lacking += [entry.text for entry in entries if isinstance(entry, Lacking)]
            shown = [save(entry, beside) for entry in entries if not isinstance(entry, Lacking)]
            parts.append(Part(section.anchor, section.title, shown))
    _write(beside / "index.html", page.render(study, lacking, parts))
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)
    return place / "index.html"


def save(
    entry: Table | Picture | Facts | Playground | OfModel, folder: Path
) -> Table | Shown | Facts | Playground | OfModel:
    """Write the files of a part's entry; what the page shows of it."""
    if isinstance(entry, OfModel):
        return replace(entry, entries=[save_one(one, folder) for one in entry.entries])
    return save_one(entry, folder)


def save_one(
    entry: Table | Picture | Shown | Facts | Playground, folder: Path
) -> Table | Shown | Facts | Playground:
    """The same for an entry that holds no others."""
    if isinstance(entry, Picture):
        return save_picture(entry, folder / "figures")
    if isinstance(entry, Table):
        _write(folder / "tables" / f"{entry.name}.csv", entry.csv())
        _write(folder / "tables" / f"{entry.name}.tex", entry.latex())
    return entry


def save_picture(picture: Picture, folder: Path) -> Shown:
    """Write a picture as PNG and PDF, the same bytes for the same runs."""
    images = {}
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
        buffer = BytesIO()
        picture.figure.savefig(
            buffer, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.05
        )
        images[kind] = buffer.getvalue()
        _write(folder / f"{picture.name}.{kind}", images[kind])
    title, note = picture.title, picture.note
    return Shown(picture.name, title, note, images["png"], picture.blocks, picture.folded)


def _write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):  # what records hold others may have written
        content = content.encode(errors="backslashreplace")
    path.write_bytes(content)


def summary(found: Findings) -> str:
    """The verdicts and what is missing, for the terminal; the numbers are left to the page."""
    study = found.study
    others = sum(len(other.runs) for other in study.others)
    more = f", {others} more of {len(study.others)} other specs" if others else ""
    lines = [f"{study.name}: {len(study.runs)} finished runs{more}", *verdicts(found.judged)]
    lines += [f"missing: {line}" for line in missing(study)]
    lines += [f"{run.status}: {run.name}: {run.reason}" for run in study.left_out]
    return "\n".join(lines)


def verdicts(judged: Sequence[Judged]) -> list[str]:
    """A line for each claim of which something is known, then one that names the others."""
    lines, unknown = [], []
    for claim, each in groupby(judged, lambda one: one.claim):
        found = {one.split: one.found.verdict for one in each}
        if set(found.values()) == {"open"}:
            unknown.append(claim.name)
        else:
            told = ", ".join(f"{split} {verdict}" for split, verdict in found.items())
            lines.append(f"{claim.name}: {told}. {claim.sentence}")
    if lines or not unknown:
        return lines + ([f"open: {', '.join(unknown)}"] if unknown else [])
    return [
        f"the paper's {len(unknown)} claims are open: for a verdict it takes {FEWEST_SEEDS} seeds "
        "of the models that a claim compares"
    ]
