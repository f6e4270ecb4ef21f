"""The part *Which settings decide*: claims x specs, and a specification curve for each claim."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from facerot.evidence.claims import CLAIMS, Claim
from facerot.evidence.multiverse import Spec, sentence
from facerot.report.style import FAILS, HOLDS, INK, NULL, OPEN, RULE, Picture
from facerot.report.tables import Table, bold_in

COLOURS = {"holds": HOLDS, "fails": FAILS, "null": NULL, "open": OPEN}
SHOWN = "test"  # the faces of the curves; claims of another kind have faces of their own


def split_of(claim: Claim) -> str:
    """The faces on which a claim is shown here."""
    return SHOWN if SHOWN in claim.splits else claim.splits[0]


def verdicts_table(specs: Sequence[Spec]) -> Table:
    """A row a claim and a column a spec; in the CSV a row a claim, faces and spec."""
    numbers = pd.DataFrame(
        {
            "spec": spec.name,
            "claim": one.claim.name,
            "faces": one.split,
            "statistic": one.found.value,
            "low": one.found.low,
            "high": one.found.high,
            "seeds": one.found.seeds,
            "verdict": one.found.verdict if one.found.seeds else "",
            "changed": "; ".join(f"{key}={value}" for key, value in spec.changed.items()),
        }
        for spec in specs
        for one in spec.judged
    )
    judged = _judged(specs)
    text = pd.DataFrame({"Spec": [spec.name for spec in specs]})
    for claim in judged:
        text[claim.name] = [_cell(spec, claim) for spec in specs]
    note = (
        "Test faces. h holds, f fails, n null, o open; the statistic is positive where the claim "
        "says so. Claims that need other models than the three trained here are left out."
    )
    return Table("multiverse", "Claims under every spec", note, numbers, text, bold_in(text))


def _judged(specs: Sequence[Spec]) -> list[Claim]:
    """The claims of which any spec knows something."""
    return [claim for claim in CLAIMS if any(_known(spec, claim) for spec in specs)]


def _known(spec: Spec, claim: Claim) -> bool:
    found = spec.found(claim.name, split_of(claim))
    return found is not None and found.seeds > 0


def _cell(spec: Spec, claim: Claim) -> str:
    found = spec.found(claim.name, split_of(claim))
    return f"{found.verdict[0]} {found.value:+.2g}" if found and found.seeds else ""


def sentences_table(specs: Sequence[Spec]) -> Table:
    """One sentence a claim: in how many specs it holds, and which turn it."""
    rows = [
        {
            "Claim": claim.sentence,
            "Id": claim.name,
            "Over the specs": sentence(claim.name, split_of(claim), specs),
        }
        for claim in _judged(specs)
    ]
    text = pd.DataFrame(rows)
    title, note = "Which settings decide each claim", "Test faces."
    return Table("deciding", title, note, text, text, bold_in(text), prose=True)


def overview(specs: Sequence[Spec]) -> Picture | None:
    """All verdicts at a glance: a row a spec, a column a claim; None where there is none."""
    claims = _judged(specs)
    if not claims:
        return None
    size = (1.9 + 0.55 * len(claims), 1.5 + 0.2 * len(specs))
    figure = Figure(size, layout="constrained")
    ax = figure.subplots()
    for row, spec in enumerate(specs):
        for column, claim in enumerate(claims):
            found = spec.found(claim.name, split_of(claim))
            if found is None or not found.seeds:
                continue
            box = Rectangle((column - 0.47, row - 0.44), 0.94, 0.88)
            box.set(facecolor=COLOURS[found.verdict], alpha=0.45, linewidth=0)
            ax.add_patch(box)
            ax.text(column, row, f"{found.value:+.2g}", ha="center", va="center", size=6.5)
    ax.set(xlim=(-0.5, len(claims) - 0.5), ylim=(len(specs) - 0.5, -0.5))
    ax.set_yticks(range(len(specs)), [spec.name for spec in specs])
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(claims)), [claim.name for claim in claims], rotation=40)
    for label in ax.get_xticklabels():
        label.set(ha="left", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    note = (
        "Test faces. Green holds, orange fails, blue null, grey open; the number is the statistic, "
        "positive where the claim says so."
    )
    return Picture("multiverse", "Every claim under every spec", note, figure)


def curve(claim: Claim, specs: Sequence[Spec]) -> Picture | None:
    """The specs sorted by the statistic, with intervals; below, what each of them changes."""
    split = split_of(claim)
    known = [(spec, spec.found(claim.name, split)) for spec in specs if _known(spec, claim)]
    if len(known) < 2:
        return None
    found = sorted(((spec, one) for spec, one in known if one), key=lambda pair: pair[1].value)
    keys = sorted({key for spec, _ in found for key in spec.changed})
    figure = Figure((7.6, 2.4 + 0.17 * len(keys)), layout="constrained")
    ratios = [2.2, 0.17 * len(keys) + 0.2]
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
    for at, (_, one) in enumerate(found):
        above.plot([at, at], [one.low, one.high], color=COLOURS[one.verdict], lw=1.2)
        above.plot(at, one.value, "o", color=COLOURS[one.verdict])
    above.axhline(0, color=INK, lw=0.8)
    above.set_ylabel("statistic")
    _matrix(below, [spec for spec, _ in found], keys)
    note = (
        f"{split.capitalize()} faces: {sentence(claim.name, split, specs)}. Green holds, orange "
        "fails, blue null, grey open; a square below: the spec changes that setting."
    )
    title = f"{claim.sentence.rstrip('.')} ({claim.name})"
    return Picture(f"curve_{claim.name}", title, note, figure)


def _matrix(ax: Axes, specs: Sequence[Spec], keys: Sequence[str]) -> None:
    for row, key in enumerate(keys):
        at = [column for column, spec in enumerate(specs) if key in spec.changed]
        ax.plot(at, np.full(len(at), row), "s", color=INK, markersize=3)
    ax.set_yticks(range(len(keys)), keys, size=7)
    ax.set_ylim(len(keys) - 0.5, -0.5)
    ax.set_xticks(range(len(specs)), [spec.name for spec in specs], rotation=60, size=7)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    ax.grid(color=RULE, lw=0.4)
