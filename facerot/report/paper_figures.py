"""The paper's figures of faces, Fig 3 and 5 to 10: its order, its captions, on train and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from string import ascii_lowercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.config import SPLITS
from facerot.data.photo import opened
from facerot.latents import CHANNELS, LATENTS, keep_label, masks, remove
from facerot.panels import Pixels, read_sheet
from facerot.paper import AE, BASELINE, MASKED_FIGURES, MaskedFigure, model_name
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.report.faces import Block
from facerot.report.style import Picture
from facerot.runs.study import Finished, Study

ROWS = 4  # of faces in a block
OWN_FACES = 2  # of each seed, where seeds have their own
WITHOUT_3 = keep_label(remove(LATENTS, 3))
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


@lru_cache(maxsize=64)
def faces_of(run: Finished, split: str, probe: str) -> dict[str, Pixels]:
    """`input`, `target` and every keep set by its label -> the faces shown, (N, S, S, 3).

    Raises OSError or ValueError where the run's sheet is not such a picture.
    """
    names = ["input", "target", *map(keep_label, masks(run.latents_of_model, probe))]
    path = run.folder / "faces" / f"{split}_{probe}.png"
    with opened(read_bytes(path, MOST_PHOTO)) as file:
        return read_sheet(np.asarray(file.convert("RGB")), names)


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


def masked(figure: MaskedFigure) -> Blocks:
    """The Baseline's outputs under masks, a column each; a row per face and probe input."""

    def blocks(study: Study) -> list[Block]:
        run, found = study.of(BASELINE)[0], []
        letters = iter(ascii_lowercase)
        for split in SPLITS:
            sheets = {probe: faces_of(run, split, probe) for probe in figure.probes}
            columns = figure.compose(run.latents_of_model, sheets, ROWS)
            inputs = [name for name in ("input", "target") if name in columns]
            captions = list(columns)[len(inputs) :]
            titles = [f"({letter}) {caption}" for caption, letter in zip(captions, letters)]
            grid = [list(row) for row in zip(*columns.values())]
            labels = [probe.upper() if probe in CHANNELS else "" for probe in figure.probes]
            rows = labels * (len(grid) // len(labels))
            found.append(Block(f"{split} faces", inputs + titles, rows, grid))
        return found

    return blocks


def seeds_without_latent3(study: Study) -> list[Block]:
    """The -3 outputs of every seed: a column each, or a row each where each has its own faces."""
    runs = study.of(BASELINE)
    one_split = len({run.settings.split_seed for run in runs}) == 1
    blocks = _a_column_a_seed if one_split else _a_row_a_seed
    return [blocks(runs, split) for split in SPLITS]


def _a_column_a_seed(runs: Sequence[Finished], split: str) -> Block:
    sheets = [faces_of(run, split, "rgb") for run in runs]
    columns = [sheets[0]["input"], sheets[0]["target"], *(sheet[WITHOUT_3] for sheet in sheets)]
    grid = [list(row) for row in zip(*(column[:ROWS] for column in columns))]
    titles = ["input", "target", *(f"seed {run.seed}" for run in runs)]
    return Block(f"{split} faces", titles, [""] * len(grid), grid)


def _a_row_a_seed(runs: Sequence[Finished], split: str) -> Block:
    names = {"input": "input", "target": "target", "-3": WITHOUT_3}
    sheets = [faces_of(run, split, "rgb") for run in runs]
    faces = min(OWN_FACES, *(len(sheet["input"]) for sheet in sheets))
    grid = [[sheet[name][face] for face in range(faces) for name in names.values()]
            for sheet in sheets]  # fmt: skip
    rows = [f"seed {run.seed}" for run in runs]
    return Block(f"{split} faces, each seed its own", [*names] * faces, rows, grid)


def _masked_figure(name: str) -> FaceFigure:
    figure = MASKED_FIGURES[name]
    return FaceFigure(name, figure.title, (BASELINE,), masked(figure), figure.note)


FIGURES = (
    FaceFigure("figure3", "Fig 3. Output images", (AE, BASELINE), outputs(AE, BASELINE), across=2),
    _masked_figure("figure5"),
    _masked_figure("figure6"),
    FaceFigure(
        "figure7",
        "Fig 7. Without latent3, by trial",
        (BASELINE,),
        seeds_without_latent3,
        "Outputs with latent3 set to 0, seed by seed.",
    ),
    _masked_figure("figure8"),
    _masked_figure("figure9"),
    FaceFigure(
        "figure10", "Fig 10. Output images with Concat2 alone", ("2",), outputs("2"), across=2
    ),
)


def draw(figure: FaceFigure, study: Study) -> Picture:
    """The figure, from the first seed of each model; raises what `faces_of` raises."""
    blocks = figure.blocks(study)
    drawn = draw_blocks(blocks, figure.across)
    seeds = {study.of(concats)[0].seed for concats in figure.needs}
    shown = "" if figure.name == "figure7" else f" Seed {', '.join(map(str, sorted(seeds)))}."
    return Picture(figure.name, figure.title, figure.note + shown, drawn, blocks)


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
