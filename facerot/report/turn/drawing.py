"""What `facerot.analyse` found of the Baseline: the figures that the answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facerot.config import FILLS
from facerot.data.photo import opened
from facerot.evidence.answer import OTHER, SPLIT, by_seed
from facerot.evidence.bootstrap import estimate
from facerot.evidence.claims import CLAIMS
from facerot.evidence.depth import drawn, read_at, several_yaws, shares
from facerot.evidence.fills import ALL_FILLS, ablations, claims_by_fill
from facerot.evidence.shapley import shapley
from facerot.latents import IN_FACE, LATENTS, PLACES, of_label
from facerot.panels import CAPTION_HEIGHT, Pixels, read_sheet
from facerot.paper import BASELINE
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.report.faces import Block
from facerot.report.paper_figures import draw_blocks
from facerot.report.plots import COLOURS, strips
from facerot.report.style import INK, LATENT_COLOURS, LOSS, RULE, TEST, TRAIN, Picture
from facerot.report.tables import UNKNOWN, Table, verdict_text
from facerot.runs.study import Study

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

SAID = {
    "mse": "less error (-MSE)",
    "colour_kept": "colour kept",
    f"{IN_FACE}front_match": "front, in the face",
    f"{IN_FACE}rotation": "rotation, in the face",
}
NAMES = [f"latent{k}" for k in LATENTS]
FILL_COLOURS = dict(zip(ALL_FILLS, ("#222222", "#0072B2", "#E69F00", "#009E73")))
FOLLOWS = {
    "colour": "colour",
    f"{IN_FACE}front": "front, turned",
    f"{IN_FACE}side": "side view, unturned",
    "identity_b": "taken for the other",
}
READ = {
    "yaw": "yaw",
    "face_colour": "colour of the face",
    "background_colour": "colour of the background",
    "front": "what tells the front from others",
    "side": "what tells the side view from others",
    "person": "who it is (accuracy)",
}

Grouped: TypeAlias = "SeriesGroupBy[Any, Any]"


def entries(study: Study) -> Iterator[Table | Picture]:
    """A figure or table for each analysis that the study's Baselines have."""
    if not of_baseline(study, "ablation").empty:
        yield ablation_strips(study)
        yield fills_table(study)
    for name, draw in DRAWN.items():
        if not of_baseline(study, name).empty:
            yield draw(study)
    yield from patched_faces(study)


def ablation_strips(study: Study) -> Picture:
    """Necessity beside sufficiency, a row a score, a colour a fill."""
    table = ablations(study, SPLIT)
    scores = list(dict.fromkeys(table["score"]))
    figure = Figure((7.6, 1.75 * len(scores) + 0.6), layout="constrained")
    axes = figure.subplots(len(scores), 2, sharex=True, squeeze=False)
    for row, score in zip(axes, scores):
        for ax, asked in zip(row, ("necessity", "sufficiency")):
            of_score = table[table["score"] == score]
            for at, fill in enumerate(ALL_FILLS):
                by_latent = of_score[of_score["fill"] == fill].groupby("latent")[asked]
                _bars(ax, by_latent, (at - 1.5) * 0.17, FILL_COLOURS[fill], fill)
            ax.axhline(0, color=INK, lw=0.8)
            ax.set_xticks(range(len(LATENTS)), NAMES)
        row[0].set_ylabel(SAID[score])
    axes[0, 0].set_title("necessity: lost when it alone is removed")
    axes[0, 1].set_title("sufficiency: gained when it alone is kept")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    note = (
        "Removed latents become zeros, their mean, another person's latents (other), or the "
        "constants that cost least error (optimal). What is left under optimal is information; "
        "what is there under zero alone is the decoder's disturbance. Test faces, mean over seeds "
        "and its 95 % interval."
    )
    return Picture("ablation", "Removed, and kept alone, under four fills", note, figure)


def _bars(ax: Axes, by_latent: Grouped, shift: float, colour: str, label: str) -> None:
    """A mean with its interval for each latent, beside those of other fills."""
    for k, values in by_latent:
        found = estimate(values.dropna().to_numpy())
        at = k - 1 + shift
        ax.plot([at], [found.value], "o", color=colour, label=label if k == 1 else None)
        ax.plot([at, at], [found.low, found.high], color=colour, lw=1)


def fills_table(study: Study) -> Table:
    """The claims that rest on silenced latents, under each fill."""
    found = claims_by_fill(study, SPLIT)
    sentences = {claim.name: claim.sentence for claim in CLAIMS}
    numbers = pd.DataFrame(
        {
            "claim": name, "fill": fill, "statistic": one.value, "low": one.low, "high": one.high,
            "seeds": one.seeds, "verdict": one.verdict,
        }
        for name, by_fill in found.items()
        for fill, one in by_fill.items()
    )  # fmt: skip
    text = pd.DataFrame(
        {
            "Claim": sentences[name],
            **{fill: verdict_text(by_fill[fill]) or UNKNOWN for fill in ALL_FILLS},
        }
        for name, by_fill in found.items()
    )
    bold = pd.DataFrame(False, index=text.index, columns=text.columns)
    note = (
        "From the fill that disturbs the decoder most to the one that costs least. A claim that "
        "holds under zero alone speaks of the disturbance. Other persons' latents and optimal "
        "constants were computed for whole inputs, not for single channels and mosaics. Test faces."
    )
    return Table(
        "claims-by-fill",
        "Which claims survive gentler fills",
        note,
        numbers,
        text,
        bold,
        prose=True,
    )


def dose_curves(study: Study) -> Picture:
    """Each latent scaled: threshold or gradual."""
    table = of_baseline(study, "dose")
    scores = [score for score in SAID if score in set(table["score"])]
    figure = Figure((7.6, 2.4), layout="constrained")
    for ax, score in zip(_row(figure, len(scores)), scores):
        for k in LATENTS:
            rows = table[(table["score"] == score) & (table["latent"] == k)]
            _curve(ax, rows.groupby("factor")["value"], k)
        ax.axvline(1, color=RULE, lw=0.8, zorder=0)
        ax.set(title=SAID[score].replace("less error (-MSE)", "MSE"), xlabel="factor")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    note = (
        "One latent times the factor, the others as they are: 0 is removal with zero, 1 the "
        "network as it is. Mean over seeds on test faces, and their range."
    )
    return Picture("dose", "Dose: each latent scaled", note, figure)


def spectra(study: Study) -> Picture:
    """How coarse or fine is what each latent contributes."""
    table = of_baseline(study, "spectrum")
    table = table[(table["score"] == "luma_power") & (table["frequency"] > 0)]
    figure = Figure((7.6, 2.9), layout="constrained")
    for ax, fill in zip(_row(figure, len(FILLS), sharey=True), FILLS):
        for k in LATENTS:
            rows = table[(table["fill"] == fill) & (table["latent"] == k)]
            _curve(ax, rows.groupby("frequency")["value"], k)
        ax.set(title=f"removed with {fill}", xlabel="cycles a picture", xscale="log", yscale="log")
        ticks = [1, 2, 4, 8, 16, 32]
        ax.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
        ax.set_xticks([], minor=True)
    figure.axes[0].set_ylabel("power of luma")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    note = (
        "Radial power of o(all) - o(-k). The grids of latent1 to latent5 can tell of at most 16, "
        "8, 4, 2 and 1 cycles in each direction; what is finer the decoder makes itself. Mean over "
        "seeds on test faces, and their range."
    )
    return Picture(
        "spectrum", "Coarse or fine: spectra of what each latent contributes", note, figure
    )


def patching_strips(study: Study) -> Picture:
    """What follows another person: Shapley values over all sets of patched latents."""
    table = of_baseline(study, "patching")
    table = table[table["donor"] == OTHER]
    scores = [score for score in FOLLOWS if score in set(table["score"])]
    figure = Figure((7.6, 2.3), layout="constrained")
    for ax, score in zip(_row(figure, len(scores)), scores):
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


def decodability_curves(study: Study) -> Picture:
    """What can be read where, and what can be read of shuffled labels."""
    table = of_baseline(study, "decodability")
    kinds = [what for what in READ if what in set(table["what"])]
    figure = Figure((7.6, 2.3 * -(-len(kinds) // 3) + 0.4), layout="constrained")
    axes = figure.subplots(-(-len(kinds) // 3), 3, sharex=True, squeeze=False)
    for ax, what in zip(axes.flat, kinds):
        score = "accuracy" if what == "person" else "explained"
        for reader, colour in (("ridge", TRAIN), ("nearest", TEST)):
            rows = table[(table["what"] == what) & (table["reader"] == reader)]
            _along(ax, rows[rows["score"] == score], colour, reader)
            _along(ax, rows[rows["score"] == f"{score}_shuffled"], LOSS, "labels shuffled")
        ax.set_title(READ[what])
        ax.set_xticks(range(len(PLACES)), PLACES, rotation=60, ha="right")
        ax.axhline(0, color=INK, lw=0.8)
    for ax in axes.flat[len(kinds) :]:
        ax.set_axis_off()
    handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    note = (
        "Read by ridge regression and by the nearest neighbours, of persons not learnt from; 1 is "
        "read without error, 0 is chance (for the nearest neighbours -0.2, as they are five; for "
        "who it is, 1 in their number). What can be read is "
        "there; whether the network uses it is another question. Test faces, mean over seeds and "
        "their range."
    )
    return Picture("decodability", "Decodability: what can be read where", note, figure)


def direction_curves(study: Study) -> Picture:
    """How the output turns as a latent is moved along its yaw direction."""
    table = of_baseline(study, "direction")
    figure = Figure((7.6, 2.9), layout="constrained")
    for ax, start in zip(_row(figure, 2, sharey=True), ("source", "target")):
        rows = table[table["start"] == start]
        as_it_is = rows[(rows["added"] == "none") & (rows["score"] == "yaw")]
        for k in LATENTS:
            by_chance = rows[(rows["added"] == str(k)) & (rows["score"] == "yaw_shuffled")]
            mean, *_ = _range(pd.concat([by_chance, as_it_is]).groupby("steps")["value"])
            ax.plot(mean.index, mean, color=LATENT_COLOURS[k - 1], lw=0.8, ls=":")
            moved = rows[(rows["added"] == str(k)) & (rows["score"] == "yaw")]
            _curve(ax, pd.concat([moved, as_it_is]).groupby("steps")["value"], k)
        ax.axhline(0, color=INK, lw=0.8)
        ax.set(title=f"the input is the {start}", xlabel="units towards the target")
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    figure.axes[0].set_ylabel("yaw read of the output, degrees")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    error = table[(table["start"] == "photo") & (table["score"] == "error")]["value"]
    note = (
        "One latent moved by so many units, the others as they are. A unit is what the latent "
        "changes, on average over the training persons, as the input is turned from source to "
        "target. Dotted: a direction by chance, as long. A yaw is read from the picture by a "
        f"regression that is {error.mean():.0f} degrees amiss on photos of persons it has not "
        "learnt from. Mean over seeds on test faces, and their range."
    )
    return Picture("direction", "The yaw direction of each latent", note, figure)


def depth_curves(study: Study) -> Picture:
    """Where the target takes over from the source."""
    figure = Figure((7.6, 3.1), layout="constrained")
    read, share, decoder = _row(figure, 3)
    for what, colour in (("source", TRAIN), ("target", TEST)):
        _by_place(read, read_at(study, SPLIT, what), colour, what)
    for what in ("source", "target"):
        by_chance = read_at(study, SPLIT, what, "explained_shuffled")
        _by_place(read, by_chance, LOSS, "labels shuffled")
    _by_place(share, shares(study, SPLIT), INK, None)
    share.axhline(0.5, color=INK, lw=0.8)
    mild = replace(study, fill="mean")
    for match, said, colour in (("side", "source", TRAIN), ("front", "target", TEST)):
        _by_place(decoder, drawn(mild, SPLIT, match), colour, said)
    for ax, title in (
        (read, "read of persons not learnt from"),
        (share, "share of the source"),
        (decoder, "drawn if nothing else came in"),
    ):
        ax.set_title(title)
    share.set_ylim(0, 1)
    handles = dict(zip(*reversed(read.get_legend_handles_labels())))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    several = (
        ""
        if several_yaws(study)
        else "From the one yaw of this study a linear reader can turn a face itself, so that only "
        "the loss of the source tells something: +experiment=yaws trains networks for it. "
    )
    note = (
        f"Left: what tells the source, and the target, from others. {several}Middle: source / "
        "(source + target). Right: match inside the face box if nothing reached the decoder after "
        "a stage, silenced latents at their mean. Test faces, mean over seeds and their range."
    )
    return Picture("depth", "Depth: where the target takes over from the source", note, figure)


def _by_place(ax: Axes, by_seed: pd.DataFrame, colour: str, label: str | None) -> None:
    """A row a seed, a column a place, as the mean and range along the way."""
    at = range(len(by_seed.columns))
    ax.plot(at, by_seed.mean(), "o-", color=colour, ms=2.5, label=label)
    ax.fill_between(at, by_seed.min(), by_seed.max(), color=colour, alpha=0.15, lw=0)
    ax.set_xticks(at, list(by_seed.columns), rotation=60, ha="right")
    ax.axhline(0, color=INK, lw=0.8)


def _along(ax: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    """A score along the way of a face through the network."""
    by_place = rows.groupby("place")["value"]
    places = [place for place in PLACES if place in by_place.groups]
    at = [PLACES.index(place) for place in places]
    mean, low, high = (values.reindex(places) for values in _range(by_place))
    ax.plot(at, mean, "o-", color=colour, ms=2.5, label=label)
    ax.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)


def _curve(ax: Axes, by_step: Grouped, k: int) -> None:
    """The mean over seeds of a latent's values, and their range."""
    mean, low, high = _range(by_step)
    ax.plot(mean.index, mean, "o-", ms=2.5, color=LATENT_COLOURS[k - 1], label=f"latent{k}")
    ax.fill_between(mean.index, low, high, color=LATENT_COLOURS[k - 1], alpha=0.15, lw=0)


def _range(grouped: Grouped) -> tuple[pd.Series, pd.Series, pd.Series]:
    return grouped.mean(), grouped.min(), grouped.max()


def _row(figure: Figure, panels: int, sharey: bool = False) -> list[Axes]:
    return list(figure.subplots(1, panels, squeeze=False, sharey=sharey).flat)


def of_baseline(study: Study, name: str) -> pd.DataFrame:
    """The rows of an analysis that are of the Baseline's test faces."""
    table = study.further(name)
    if table.empty:
        return table
    found: pd.DataFrame = table[(table["split"] == SPLIT) & (table["concats"] == BASELINE)]
    return found


DRAWN: Mapping[str, Callable[[Study], Picture]] = {
    "dose": dose_curves,
    "spectrum": spectra,
    "patching": patching_strips,
    "decodability": decodability_curves,
    "direction": direction_curves,
    "depth": depth_curves,
}
