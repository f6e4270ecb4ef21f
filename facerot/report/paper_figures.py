"""The paper's figures of faces, Fig 3 and 5 to 10: its order, its captions, on train and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.config import SPLITS
from facerot.latents import CHANNELS, keep_label, remove
from facerot.paper import AE, BASELINE, MASKED_FIGURES, MaskedFigure, model_name
from facerot.report.faces import Block
from facerot.report.models import Model
from facerot.report.style import Picture
from facerot.runs.pictures import faces_of
from facerot.runs.study import Finished, Study

ROWS = 4  # of faces in a block
OWN_FACES = 2  # of each seed, where seeds have their own
FOLDED_ROWS = 2  # the same of a model that is folded away
GAP, WHITE = 3, 255  # px between faces
FACE_INCHES = 0.78

Blocks = Callable[[Study], list[Block]]


@dataclass(frozen=True)
class FaceFigure:
    """A figure of the paper: what it needs and what stands in it."""

    name: str
    title: str
    needs: tuple[str, ...]  # models, by the labels of their Concats
    blocks: Blocks
    note: str = ""
    across: int = 1  # blocks side by side
    every_seed: bool = False  # whether it shows all seeds, not the first alone
    folded: bool = False  # whether it belongs to a model that is folded away


def outputs(*models: str) -> Blocks:
    """Input, output and target of each model, on train and on test faces."""

    def blocks(study: Study) -> list[Block]:
        found = []
        for letter, (concats, split) in zip(ascii_lowercase, product(models, SPLITS)):
            run = study.of(concats)[0]
            faces = faces_of(run, split, "rgb")
            rows = {"input": "input", "output": keep_label(run.latents_of_model)}
            rows |= {"target": "target"}
            grid = [list(faces[name][:ROWS]) for name in rows.values()]
            title = f"({letter}) {split} ({model_name(concats)})"
            found.append(Block(title, [""] * len(grid[0]), list(rows), grid))
        return found

    return blocks


def masked(figure: MaskedFigure, model: Model) -> Blocks:
    """A model's outputs under masks, a column each; a row per face and probe input."""

    def blocks(study: Study) -> list[Block]:
        run, found = study.of(model.concats)[0], []
        letters = iter(ascii_lowercase)
        for split in SPLITS:
            sheets = {probe: faces_of(run, split, probe) for probe in figure.probes}
            rows = ROWS if model.leads else FOLDED_ROWS
            columns = figure.compose(run.latents_of_model, sheets, rows)
            inputs = [name for name in ("input", "target") if name in columns]
            captions = list(columns)[len(inputs) :]
            titles = [f"({letter}) {caption}" for caption, letter in zip(captions, letters)]
            grid = [list(row) for row in zip(*columns.values())]
            labels = [probe.upper() if probe in CHANNELS else "" for probe in figure.probes]
            named = labels * (len(grid) // len(labels))
            found.append(Block(f"{split} faces", inputs + titles, named, grid))
        return found

    return blocks


def without_latent3(concats: str) -> Blocks:
    """The -3 outputs of every seed: a column each, or a row each where each has its own faces."""

    def blocks(study: Study) -> list[Block]:
        runs = study.of(concats)
        one_split = len({run.settings.split_seed for run in runs}) == 1
        drawn = _a_column_a_seed if one_split else _a_row_a_seed
        return [drawn(runs, split) for split in SPLITS]

    return blocks


def _a_column_a_seed(runs: Sequence[Finished], split: str) -> Block:
    sheets = [faces_of(run, split, "rgb") for run in runs]
    columns = [
        sheets[0]["input"],
        sheets[0]["target"],
        *(sheet[_without_3(runs)] for sheet in sheets),
    ]
    grid = [list(row) for row in zip(*(column[:ROWS] for column in columns))]
    titles = ["input", "target", *(f"seed {run.seed}" for run in runs)]
    return Block(f"{split} faces", titles, [""] * len(grid), grid)


def _a_row_a_seed(runs: Sequence[Finished], split: str) -> Block:
    names = {"input": "input", "target": "target", "-3": _without_3(runs)}
    sheets = [faces_of(run, split, "rgb") for run in runs]
    faces = min(OWN_FACES, *(len(sheet["input"]) for sheet in sheets))
    grid = [[sheet[name][face] for face in range(faces) for name in names.values()]
            for sheet in sheets]  # fmt: skip
    rows = [f"seed {run.seed}" for run in runs]
    return Block(f"{split} faces, each seed its own", [*names] * faces, rows, grid)


def _without_3(runs: Sequence[Finished]) -> str:
    return keep_label(remove(runs[0].latents_of_model, 3))


OUTPUTS = FaceFigure(
    "figure3", "Fig 3. Output images", (AE, BASELINE), outputs(AE, BASELINE), across=2
)
CONCAT2_ALONE = FaceFigure(
    "figure10", "Fig 10. Output images with Concat2 alone", ("2",), outputs("2"), across=2
)


def figures_of(model: Model) -> list[FaceFigure]:
    """Fig 5 to 9 of one model; Fig 7 of the one that leads, if it has a latent3."""
    found = {
        name: FaceFigure(
            model.file(name), _of(figure.title, model), (model.concats,), masked(figure, model),
            figure.note, folded=not model.leads,
        )
        for name, figure in MASKED_FIGURES.items()
    }  # fmt: skip
    if model.leads and "3" in model.concats:
        found["figure7"] = FaceFigure(
            model.file("figure7"),
            _of("Fig 7. Without latent3, by trial", model),
            (model.concats,),
            without_latent3(model.concats),
            "Outputs with latent3 set to 0, seed by seed.",
            every_seed=True,
        )
    return [figure for _, figure in sorted(found.items())]


def _of(title: str, model: Model) -> str:
    """A title of the paper, whose figures are of the Baseline, for another model."""
    return title if model.concats == BASELINE else title.replace(".", f" for {model.name}.", 1)


def draw(figure: FaceFigure, study: Study) -> Picture:
    """The figure, from the first seed of each model; raises what `faces_of` raises."""
    blocks = figure.blocks(study)
    drawn = draw_blocks(blocks, figure.across)
    note = figure.note if figure.every_seed else f"{figure.note} {_shown_seeds(figure, study)}"
    return Picture(figure.name, figure.title, note.strip(), drawn, blocks, figure.folded)


def _shown_seeds(figure: FaceFigure, study: Study) -> str:
    """Which of its seeds a figure shows of each model."""
    seeds = {concats: study.of(concats)[0].seed for concats in figure.needs}
    if len(set(seeds.values())) == 1:
        return f"Seed {seeds.popitem()[1]}."
    return f"{'; '.join(f'{model_name(concats)}: seed {k}' for concats, k in seeds.items())}."


def draw_blocks(blocks: Sequence[Block], across: int = 1) -> Figure:
    """Blocks of faces of one shape, so many side by side."""
    down = len(blocks) // across
    rows, columns = len(blocks[0].grid), len(blocks[0].grid[0])
    width = FACE_INCHES * columns * across + 0.4 * (across - 1) + 0.45
    height = (FACE_INCHES * rows + 0.5) * down
    figure = Figure((width, height), layout="compressed")
    axes = figure.subplots(down, across, squeeze=False)
    for block, ax in zip(blocks, axes.flat):
        _draw_block(ax, block)
    return figure


def _draw_block(ax: Axes, block: Block) -> None:
    size = block.grid[0][0].shape[0]
    step = size + GAP
    rows, columns = len(block.grid), len(block.grid[0])
    canvas = np.full((rows * step - GAP, columns * step - GAP, 3), WHITE, np.uint8)
    for row, column in product(range(rows), range(columns)):
        top, left = row * step, column * step
        canvas[top : top + size, left : left + size] = block.grid[row][column]
    ax.imshow(canvas, interpolation="none")
    ax.set_title(block.title, loc="left", pad=4 if not any(block.columns) else 16, weight="bold")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=1)
    ax.set_xticks([column * step + size / 2 for column in range(columns)], block.columns)
    ax.set_yticks([row * step + size / 2 for row in range(rows)], block.rows)
