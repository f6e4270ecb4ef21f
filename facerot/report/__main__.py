"""The command `python -m facerot.report`: runs -> tables, figures, verdicts, one HTML page."""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path

import hydra
from omegaconf import DictConfig

from facerot.config import (
    CONF,
    ReportSettings,
    one_line,
    refusals,
    refuse_misspelt,
    resolve,
)
from facerot.report import faces, page, tables
from facerot.report.page import Section, Shown
from facerot.report.plots import plots
from facerot.report.style import Picture, look
from facerot.study import Study, read_study


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="report")
def job(cfg: DictConfig) -> None:
    """Read one study, write its report."""
    with refusals():
        settings = resolve(cfg, ReportSettings)
        study = read_study(Path(settings.outputs), settings.study)
        index = write_report(study)
    print(summary(study))
    print(f"Open {index}")


def write_report(study: Study) -> Path:
    """Write `report/` in the study's folder, whole or not at all; the path of its page."""
    beside, report = study.folder / ".report", study.folder / "report"
    shutil.rmtree(beside, ignore_errors=True)
    found = [
        *tables.mse_tables(study),
        *tables.latent_tables(study),
        *tables.difference_tables(study),
    ]
    for table in (*found, tables.claims_table(study)):
        _write(beside / "tables" / f"{table.name}.csv", table.csv().encode())
        _write(beside / "tables" / f"{table.name}.tex", table.latex().encode())
    pictures, lacking = face_pictures(study)
    shown = [save(picture, beside / "figures") for picture in (*pictures, *plots(study))]
    html = page.render(study, page.missing(study) + lacking, sections(found, shown))
    _write(beside / "index.html", html.encode())
    shutil.rmtree(report, ignore_errors=True)
    beside.rename(report)
    return report / "index.html"


def face_pictures(study: Study) -> tuple[list[Picture], list[str]]:
    """The paper's figures of faces, and a line for each that cannot be drawn."""
    drawn, lacking = [], []
    for figure in faces.FIGURES:
        if not all(study.of(concats) for concats in figure.needs):
            continue  # said in `page.missing`, model by model
        try:
            drawn.append(faces.draw(figure, study))
        except (OSError, ValueError) as error:
            lacking.append(f"{figure.title}: {one_line(error)}")
    return drawn, lacking


def sections(found: list[tables.Table], shown: list[Shown]) -> list[Section]:
    """The parts of the page, in the order in which the paper tells them."""

    def tables_of(*prefixes: str) -> list[tables.Table]:
        return [table for table in found if table.name.startswith(prefixes)]

    def pictures_of(*names: str) -> list[Shown]:
        return [picture for name in names for picture in shown if picture.name == name]

    of_faces = [figure.name for figure in faces.FIGURES]
    after = of_faces.index("figure7") + 1
    figures = [*of_faces[:after], "figure7_spread", *of_faces[after:]]
    compared = pictures_of("mse", "overfitting")
    return [
        Section("tables", "Tables 1 to 4", tables_of("table", "further")),
        Section("figures", "Figures 3 to 10", (), pictures_of(*figures)),
        Section("latents", "What each latent carries", tables_of("latents")),
        Section("models", "The models compared", tables_of("differences"), compared),
        Section("training", "Training", (), pictures_of("curves")),
    ]


def save(picture: Picture, folder: Path) -> Shown:
    """Write a picture as PNG and PDF, the same bytes for the same runs."""
    images = {}
    with look():
        for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
            buffer = BytesIO()
            picture.figure.savefig(
                buffer, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.05
            )
            images[kind] = buffer.getvalue()
            _write(folder / f"{picture.name}.{kind}", images[kind])
    return Shown(picture.name, picture.title, picture.note, images["png"])


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def summary(study: Study) -> str:
    """The verdicts and what is missing, for the terminal."""
    verdicts = tables.claims_table(study).text.to_string(index=False, justify="left")
    lines = [f"{study.name}: {len(study.runs)} finished runs", verdicts]
    lines += [f"missing: {line}" for line in page.missing(study)]
    lines += [f"{run.status}: {run.name}: {run.reason}" for run in study.left_out]
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    with refusals():
        refuse_misspelt(sys.argv[1:], ReportSettings)
    job()


if __name__ == "__main__":
    main()
