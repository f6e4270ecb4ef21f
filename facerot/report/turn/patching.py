"""What follows another person's latents: in numbers, and in faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from facerot.data.photo import opened
from facerot.evidence.answer import OTHER, SPLIT, by_seed
from facerot.evidence.shapley import shapley
from facerot.latents import IN_FACE, LATENTS, of_label
from facerot.panels import CAPTION_HEIGHT, Pixels, read_sheet
from facerot.paper import BASELINE
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.report.faces import Block
from facerot.report.paper_figures import draw_blocks
from facerot.report.plots import COLOURS, strips
from facerot.report.style import INK, Picture
from facerot.report.turn.drawing import NAMES, of_baseline, panels
from facerot.runs.study import Study

FOLLOWS = {
    "colour": "colour",
    f"{IN_FACE}front": "front, turned",
    f"{IN_FACE}side": "side view, unturned",
    "identity_b": "taken for the other",
}


def entries(study: Study) -> Iterator[Picture]:
    """The figure of the numbers, and the faces of one seed."""
    if not of_baseline(study, "patching").empty:
        yield patching_strips(study)
    yield from patched_faces(study)


def patching_strips(study: Study) -> Picture:
    """What follows another person: Shapley values over all sets of patched latents."""
    table = of_baseline(study, "patching")
    table = table[table["donor"] == OTHER]
    scores = [score for score in FOLLOWS if score in set(table["score"])]
    figure = Figure((7.6, 2.3), layout="constrained")
    for ax, score in zip(panels(figure, len(scores)), scores):
        wide = by_seed(table, ["patched"], score)
        worth = {of_label(str(label)): wide[label] for label in wide.columns}
        strips(ax, list(shapley(worth, LATENTS).values()), COLOURS[SPLIT])
        ax.axhline(0, color=INK, lw=0.8)
        ax.set_xticks(range(len(LATENTS)), [str(k) for k in LATENTS])
        ax.set(title=FOLLOWS[score], xlabel="latent")
    note = (
        "Another person's latents in a person's pass: how much of the other's colour, front and "
        "side view comes in with each latent, and how often the output is taken for the other "
        "(Shapley values over all sets of patched latents; 1 is all of it). front, turned: as the "
        "other looks from the front; side view, unturned: as the other looks in the input. Test "
        "faces, a dot a seed."
    )
    return Picture("patching", "Patching: what follows another person's latents", note, figure)


def patched_faces(study: Study) -> Iterator[Picture]:
    """Persons with one latent of another, from the first seed that has the pictures."""
    for run in study.of(BASELINE):
        places = [run.folder / "faces" / f"patching_latent{k}_{SPLIT}.png" for k in LATENTS]
        if not all(place.exists() for place in places):
            continue
        block = _patched_block([_patched_faces(place, run.settings.size) for place in places])
        note = (
            "A row a person, all of whose latents but one stay: that one is the other person's. "
            f"all: nothing is changed. Seed {run.seed}."
        )
        title = "One latent of another person"
        yield Picture("patched-faces", title, note, draw_blocks([block]), [block])
        return


def _patched_faces(place: Path, size: int) -> dict[str, Pixels]:
    """`input`, `target`, and for each donor by its number the faces (N, S, S, 3) of all."""
    with opened(read_bytes(place, MOST_PHOTO)) as file:
        picture = np.asarray(file.convert("RGB"))[CAPTION_HEIGHT:]
    persons = len(picture) // size
    return read_sheet(picture, ["input", "target", *map(str, range(persons))])


def _patched_block(of_latents: Sequence[Mapping[str, Pixels]]) -> Block:
    """Each person with each latent of the next one."""
    first, grid = of_latents[0], []
    for person in range(len(first["input"])):
        other = (person + 1) % len(first["input"])
        shown = [first["input"][person], first["target"][person], first["target"][other]]
        shown += [first[str(person)][person]]
        grid.append(shown + [faces[str(other)][person] for faces in of_latents])
    columns = ["input", "target", "the other's", "all", *NAMES]
    return Block(f"{SPLIT} faces", columns, [""] * len(grid), grid)
