"""The parts of the page, in the order in which it tells them: a new part is one entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from facerot.errors import one_line
from facerot.evidence.claims import CLAIMS, Judged, judge_all
from facerot.evidence.multiverse import Spec, specs_of
from facerot.paper import BASELINE, number_of_concats
from facerot.report import multiverse, paper_figures, plots, tables, turn
from facerot.report.heading import rests_on
from facerot.report.models import Model, models
from facerot.report.page import Facts, Lacking, OfModel
from facerot.report.playground import Playground, playground
from facerot.report.style import Picture
from facerot.report.tables import Table
from facerot.runs.study import Study

Entry = Table | Picture | Facts | Playground | Lacking | OfModel


@dataclass(frozen=True)
class Findings:
    """What the page tells of: a study, and what became of the paper's claims in it."""

    study: Study
    judged: list[Judged]
    specs: list[Spec]


def find(study: Study) -> Findings:
    """Everything that is concluded from a study, once."""
    judged = judge_all(study)
    specs = specs_of(study, judged) if study.others else []
    return Findings(study, judged, specs)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: its name in links.
        title: its heading.
        needs: the models without which it is left out, by the labels of their Concats.
        draw: what stands in it.
    """

    anchor: str
    title: str
    needs: tuple[str, ...]
    draw: Callable[[Findings], Iterable[Entry]]

    def entries(self, found: Findings) -> list[Entry]:
        """What stands in it for a study; nothing where a model is missing."""
        there = all(found.study.of(concats) for concats in self.needs)
        return list(self.draw(found)) if there else []


def _claims(found: Findings) -> Iterator[Entry]:
    yield tables.claims_table(found.judged)


def _playground(found: Findings) -> Iterator[Entry]:
    """The networks of the default spec, the first seed's Baseline before the others."""
    runs = sorted(found.study.runs, key=lambda run: (run.seed, run.concats != BASELINE))
    whose = f" of the spec {found.study.spec}" if found.study.others else ""
    shown, lacking = playground(runs, tables.verdicts_in_words(found.judged), whose)
    yield from map(Lacking, lacking)
    yield from [shown] if shown else []


def _mse(found: Findings) -> Iterator[Entry]:
    yield from tables.mse_tables(found.study)


def _figures(found: Findings) -> Iterator[Entry]:
    """The paper's figures in its order, then those of one model for each of the others."""
    study = found.study
    yield from _faces(study, paper_figures.OUTPUTS)
    for model in models(study):
        yield from _of_model(model, _figures_of(study, model))
        if model.leads:
            yield from _faces(study, paper_figures.CONCAT2_ALONE)


def _figures_of(study: Study, model: Model) -> Iterator[Picture | Lacking]:
    for figure in paper_figures.figures_of(model):
        yield from _faces(study, figure)
        if figure.every_seed:
            yield plots.rotation_by_seed(study, model)


def _faces(study: Study, figure: paper_figures.FaceFigure) -> Iterator[Picture | Lacking]:
    """A figure of faces, or a line on why it cannot be drawn."""
    if not all(study.of(concats) for concats in figure.needs):
        return  # said in `heading.missing`, model by model
    try:
        yield paper_figures.draw(figure, study)
    except (OSError, ValueError) as error:
        yield Lacking(f"{figure.title}: {one_line(error)}")


def _of_model(model: Model, entries: Iterable[Table | Picture | Lacking]) -> Iterator[Entry]:
    """What is shown of one model, under its heading; what is lacking is said elsewhere."""
    drawn = list(entries)
    shown = [entry for entry in drawn if not isinstance(entry, Lacking)]
    yield from (entry for entry in drawn if isinstance(entry, Lacking))
    if shown:
        yield OfModel(model.heading, shown, model.leads)


def _latents(found: Findings) -> Iterator[Entry]:
    for model in models(found.study):
        yield from _of_model(model, tables.latent_tables(found.study, model))


def _models(found: Findings) -> Iterator[Entry]:
    study = found.study
    yield from tables.difference_tables(study)
    if study.runs:
        yield plots.mse_strips(study)
    if len({number_of_concats(concats) for concats in study.models}) > 1:
        yield plots.overfitting(study)


def _multiverse(found: Findings) -> Iterator[Entry]:
    """Nothing where the study holds one spec alone."""
    if found.specs:
        yield multiverse.sentences_table(found.specs)
        yield from filter(None, [multiverse.overview(found.specs)])
        yield multiverse.verdicts_table(found.specs)
        yield from filter(None, (multiverse.curve(claim, found.specs) for claim in CLAIMS))


def _turn(found: Findings) -> Iterator[Entry]:
    yield from turn.entries(found.study)


def _training(found: Findings) -> Iterator[Entry]:
    if found.study.runs:
        yield plots.loss_curves(found.study)


def _rests_on(found: Findings) -> Iterator[Entry]:
    yield Facts("facts", "What this rests on", rests_on(found.study))


SECTIONS = (
    Section("claims", "The paper's claims", (), _claims),
    Section("play", "Try it", (), _playground),
    Section("tables", "Tables 1 to 4", (), _mse),
    Section("figures", "Figures 3 to 10", (), _figures),
    Section("multiverse", "Which settings decide", (), _multiverse),
    Section("turn", "Where the turn is made", (BASELINE,), _turn),
    Section("latents", "What each latent carries", (), _latents),
    Section("models", "The models compared", (), _models),
    Section("training", "Training", (), _training),
    Section("rests-on", "What this rests on", (), _rests_on),
)
