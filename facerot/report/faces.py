"""The paper's figures of faces, Fig 3 and 5 to 10: its order, its captions, on train and test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, product

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from facerot.config import SPLITS
from facerot.latents import LATENTS, keep_label, keep_ones, masks, removals
from facerot.paper import AE, BASELINE, model_name
from facerot.report.style import Picture, look
from facerot.study import Finished, Study

Pixels = npt.NDArray[np.uint8]
Grid = list[list[Pixels]]  # [row][column] of faces (S, S, 3)

CHANNELS = ("r", "g", "b")
FACES, FACES_OF_FIGURE_8 = 4, 2  # the latter are shown three times, once a channel
GAP, WHITE = 3, 255  # px between faces
FACE_INCHES = 0.78


@dataclass(frozen=True)
class Block:
    """Faces in a grid under a title, captions above its columns, labels left of its rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[str]
    faces: Grid


Blocks = Callable[[Study], list[Block]]


@dataclass(frozen=True)
class FaceFigure:
    """A figure of the paper: what it needs and what stands in it."""

    name: str
    title: str
    needs: tuple[str, ...]  # models, as sets of Concats
    blocks: Blocks
    note: str = ""
    across: int = 1  # blocks side by side


@lru_cache(maxsize=64)
def read_sheet(run: Finished, split: str, probe: str) -> dict[str, Pixels]:
    """The columns of `faces/<split>_<probe>.png`: input, target and every keep set by its label.

    Each is (faces, S, S, 3). Raises OSError or ValueError where the file is not such a sheet.
    """
    names = ["input", "target", *map(keep_label, masks(run.latents_of_model, probe))]
    with Image.open(run.folder / "faces" / f"{split}_{probe}.png") as file:
        sheet = np.asarray(file.convert("RGB"))
    size = sheet.shape[1] // len(names)
    grid = sheet.reshape(-1, size, len(names), size, 3)
    return {name: grid[:, :, column] for column, name in enumerate(names)}


def outputs(*models: str) -> Blocks:
    """Input, output and target of each model, on train and on test faces."""

    def blocks(study: Study) -> list[Block]:
        found = []
        for letter, (concats, split) in zip(_letters(), product(models, SPLITS)):
            run = study.of(concats)[0]
            sheet = read_sheet(run, split, "rgb")
            whole = keep_label(run.latents_of_model)
            rows = {"input": "input", "output": whole, "target": "target"}
            grid = [list(sheet[name][:FACES]) for name in rows.values()]
            title = f"{letter} {split} ({model_name(concats)})"
            found.append(Block(title, [""] * len(grid[0]), list(rows), grid))
        return found

    return blocks


def masked(captions: dict[str, str], probes: Sequence[str] = ("rgb",)) -> Blocks:
    """The Baseline's outputs under masks, a column each; a row per face and probe input.

    Args:
        captions: what stands above a column -> the keep set, by its label.
        probes: which inputs each face is shown as.
    """
    faces = FACES if len(probes) == 1 else FACES_OF_FIGURE_8
    context = ["input", "target"] if list(probes) == ["rgb"] else ["input"]

    def blocks(study: Study) -> list[Block]:
        run, letters, found = study.of(BASELINE)[0], _letters(), []
        for split in SPLITS:
            sheets = {probe: read_sheet(run, split, probe) for probe in probes}
            columns = context + list(captions.values())
            grid = [
                [sheets[probe][column][face] for column in columns]
                for face in range(min(faces, len(sheets[probes[0]]["input"])))
                for probe in probes
            ]
            titles = context + [f"{next(letters)} {caption}" for caption in captions]
            labels = [probe.upper() if probe in CHANNELS else "" for probe in probes] * faces
            found.append(Block(f"{split} faces", titles, labels[: len(grid)], grid))
        return found

    return blocks


def seeds_without_latent3(study: Study) -> list[Block]:
    """The -3 outputs of every seed side by side."""
    runs, keep = study.of(BASELINE), keep_label(removals(LATENTS)["-3"])
    found = []
    for split in SPLITS:
        sheets = [read_sheet(run, split, "rgb") for run in runs]
        columns = [sheets[0]["input"], sheets[0]["target"], *(sheet[keep] for sheet in sheets)]
        grid = [[column[face] for column in columns] for face in range(min(FACES, len(columns[0])))]
        titles = ["input", "target", *(f"seed {run.seed}" for run in runs)]
        found.append(Block(f"{split} faces", titles, [""] * len(grid), grid))
    return found


ALONE = {f"latent{keep[0]}": keep_label(keep) for keep in keep_ones(LATENTS).values()}
REMOVED = {name: keep_label(keep) for name, keep in removals(LATENTS).items() if name != "all"}

FIGURES = (
    FaceFigure("figure3", "Fig 3. Output images", (AE, BASELINE), outputs(AE, BASELINE), across=2),
    FaceFigure(
        "figure5",
        "Fig 5. Each latent alone",
        (BASELINE,),
        masked(ALONE),
        "One latent is kept, the other four are set to 0.",
    ),
    FaceFigure(
        "figure6",
        "Fig 6. Latents removed one by one",
        (BASELINE,),
        masked(REMOVED),
        "-n: latentn is set to 0.",
    ),
    FaceFigure(
        "figure7",
        "Fig 7. Without latent3, by trial",
        (BASELINE,),
        seeds_without_latent3,
        "Outputs with latent3 set to 0, one column for each seed.",
    ),
    FaceFigure(
        "figure8",
        "Fig 8. Latents by colour (single colour)",
        (BASELINE,),
        masked(REMOVED, CHANNELS),
        "The input shows one channel, the other two are 0. The paper shows train faces alone.",
    ),
    FaceFigure(
        "figure9",
        "Fig 9. Latents by colour (RGB)",
        (BASELINE,),
        masked(REMOVED, ("mosaic",)),
        "Each of 3x3 tiles of the input keeps one channel. The paper shows train faces alone.",
    ),
    FaceFigure(
        "figure10", "Fig 10. Output images with Concat2 alone", ("2",), outputs("2"), across=2
    ),
)


def draw(figure: FaceFigure, study: Study) -> Picture:
    """The figure, from the first seed of each model; raises what `read_sheet` raises."""
    blocks = figure.blocks(study)
    with look():
        drawn = _draw_blocks(blocks, figure.across)
    seeds = {study.of(concats)[0].seed for concats in figure.needs}
    shown = "" if figure.name == "figure7" else f" Seed {', '.join(map(str, sorted(seeds)))}."
    return Picture(figure.name, figure.title, figure.note + shown, drawn)


def _draw_blocks(blocks: Sequence[Block], across: int) -> Figure:
    down = len(blocks) // across
    rows, columns = len(blocks[0].faces), len(blocks[0].faces[0])
    width = FACE_INCHES * columns * across + 0.4 * (across - 1) + 0.45
    height = (FACE_INCHES * rows + 0.5) * down
    figure = Figure((width, height), layout="compressed")
    axes = figure.subplots(down, across, squeeze=False)
    for block, ax in zip(blocks, axes.flat):
        _draw_block(ax, block)
    return figure


def _draw_block(ax: Axes, block: Block) -> None:
    size = block.faces[0][0].shape[0]
    step = size + GAP
    rows, columns = len(block.faces), len(block.faces[0])
    canvas = np.full((rows * step - GAP, columns * step - GAP, 3), WHITE, np.uint8)
    for row, column in product(range(rows), range(columns)):
        top, left = row * step, column * step
        canvas[top : top + size, left : left + size] = block.faces[row][column]
    ax.imshow(canvas, interpolation="none")
    ax.set_title(block.title, loc="left", pad=4 if not any(block.columns) else 16, weight="bold")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=1)
    ax.set_xticks([column * step + size / 2 for column in range(columns)], block.columns)
    ax.set_yticks([row * step + size / 2 for row in range(rows)], block.rows)


def _letters() -> Iterator[str]:
    return (f"({chr(ord('a') + index)})" for index in count())
