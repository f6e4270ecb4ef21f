"""The models of a study as the page tells of them: one leads, the others are folded."""

from __future__ import annotations

from dataclasses import dataclass

from facerot.paper import AE, BASELINE, model_name
from facerot.runs.study import Study

IN_WORDS = {AE: "AE, no Concat", BASELINE: "U-Net, all four Concats"}


@dataclass(frozen=True)
class Model:
    """A model that was trained.

    Attributes:
        concats: its Concats, by their label.
        seeds: those that it has finished.
        leads: whether the page shows it open, and at more faces.
    """

    concats: str
    seeds: tuple[int, ...]
    leads: bool

    @property
    def name(self) -> str:
        """What the paper calls it."""
        return model_name(self.concats)

    @property
    def heading(self) -> str:
        """Its Concats and its seeds."""
        listed = ", ".join(map(str, self.seeds))
        return f"{IN_WORDS.get(self.concats, self.name)}: {count(len(self.seeds))} ({listed})"

    def file(self, name: str) -> str:
        """The name of files that tell of it, which for the Baseline is the figure's or table's."""
        return name if self.concats == BASELINE else f"{name}_concats-{self.concats}"


def count(seeds: int) -> str:
    """So many seeds, in words."""
    return f"{seeds} seed{'s' * (seeds != 1)}"


def models(study: Study) -> list[Model]:
    """The models with a finished run, the Baseline first; the first of them leads."""
    order = sorted(study.models, key=lambda concats: concats != BASELINE)
    return [
        Model(concats, tuple(study.seeds(concats)), leads=place == 0)
        for place, concats in enumerate(order)
    ]


def labels(study: Study) -> dict[str, str]:
    """The name of each model by its Concats, with the number of its seeds where that differs."""
    seeds = {concats: len(study.seeds(concats)) for concats in study.models}
    differ = len(set(seeds.values())) > 1
    return {
        concats: f"{model_name(concats)} ({count(number)})" if differ else model_name(concats)
        for concats, number in seeds.items()
    }
