"""The answer, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from facerot.evidence.answer import Answer, answers
from facerot.report.tables import Table, bold_in, statistic_text
from facerot.runs.study import Study


def entries(study: Study) -> Iterator[Table]:
    """One table, where anything is known."""
    found = answers(study)
    if found:
        yield answers_table(found)


def answers_table(found: Sequence[Answer]) -> Table:
    """Every statement with its number, interval and seeds."""
    numbers = pd.DataFrame(
        {
            "statement": one.sentence, "number": one.number, "value": one.found.value,
            "low": one.found.low, "high": one.found.high, "seeds": one.found.seeds,
        }
        for one in found
    )  # fmt: skip
    text = pd.DataFrame(
        {
            "So it is": one.sentence,
            "Value, seeds": f"{statistic_text(one.found)}; {one.found.seeds}",
            "Which number": one.number,
        }
        for one in found
    )
    note = (
        "Each statement is what the sign of its number says where the 95 % interval over seeds "
        "excludes 0; else it is open. Baseline, test faces, silenced latents at zero where "
        "nothing else is said."
    )
    return Table(
        "answer",
        "Where the turn is made, in sentences",
        note,
        numbers,
        text,
        bold_in(text),
        prose=True,
    )
