"""The report's tables: numbers for CSV, text for LaTeX and the page, from the same frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from types import MappingProxyType

import pandas as pd

from facerot.config import SPLITS
from facerot.evidence.bootstrap import Estimate, Values, estimate
from facerot.evidence.claims import Judged
from facerot.latents import keep_label, keep_ones, removals
from facerot.paper import SETS, TABLES, model_name
from facerot.report.models import Model, labels
from facerot.runs.metrics import BASELINES, STILL_FELL
from facerot.runs.study import Study

Printed = tuple[float, float]  # train and test MSE in the paper
NOT_PRINTED: Printed = (math.nan, math.nan)
UNKNOWN = "–"
NOT_JUDGED = "not judged"
NOTHING_LEARNED, NOT_SETTLED = " †", " ‡"
IN_UNITS = 1e4  # MSE differences are printed in units of 1e-4
LATENT_SCORES = (
    *("colour_kept", "face_colour_kept", "front_match", "side_match"),
    *("rotation", "face_rotation", "eye_rotation", "lowpass"),
)


@dataclass(frozen=True)
class Table:
    """A table in three shapes: `numbers` for CSV; `text`, bold where `bold`, for page and LaTeX."""

    name: str
    title: str
    note: str
    numbers: pd.DataFrame
    text: pd.DataFrame
    bold: pd.DataFrame
    kind: str = "table"  # the macro of the page that shows it
    prose: bool = False  # whether its cells are sentences, which may be broken into lines

    def csv(self) -> str:
        """The numbers, unrounded."""
        return str(self.numbers.to_csv(index=False, lineterminator="\n"))

    def latex(self) -> str:
        """A tabular for LaTeX, with the rules of the package booktabs."""
        plain = self.text.replace({UNKNOWN: "--"})
        weights = self.bold.replace({True: "font-weight: bold", False: ""}).astype(str)
        styled = plain.style.hide(axis="index").format(escape="latex")
        styled = styled.format_index(axis=1, escape="latex").apply(lambda _: weights, axis=None)
        return str(styled.to_latex(hrules=True, convert_css=True))

    def rows(self) -> list[list[tuple[str, bool]]]:
        """For each row its cells, each with whether it is bold."""
        return [
            [(str(cell), bool(bold)) for cell, bold in zip(*row)]
            for row in zip(self.text.to_numpy(), self.bold.to_numpy())
        ]


def mse_tables(study: Study) -> list[Table]:
    """Tables 1 to 4 beside the paper's numbers, and the sets that the paper did not train."""
    tables = [
        _mse_table(study, name, f"Table {name[-1]}. {table.title}", table.mse)
        for name, table in TABLES.items()
    ]
    further = [concats for concats in study.models if concats not in SETS]
    if further:
        title = "Sets of Concats that the paper did not train"
        tables.append(_mse_table(study, "further_sets", title, dict.fromkeys(further)))
    return tables


def _mse_table(study: Study, name: str, title: str, sets: Mapping[str, Printed | None]) -> Table:
    rows = {model_name(concats): _of_model(study, concats) for concats in sets}
    paper = [printed or NOT_PRINTED for printed in sets.values()]
    best = {split: _lowest(rows, split) for split in SPLITS}
    beaten = [model for model, of_splits in rows.items() if _learned_nothing(study, of_splits)]
    if name == "table1":
        rows |= _baselines(study)
        paper += [NOT_PRINTED] * len(BASELINES)
    numbers = pd.DataFrame(
        {
            "model": model,
            **{f"paper_{split}": value for split, value in zip(SPLITS, printed)},
            **_mse_columns(of_splits),
        }
        for (model, of_splits), printed in zip(rows.items(), paper)
    )
    text, bold = pd.DataFrame({"Model": numbers["model"]}), {}
    for split in SPLITS:
        columns = f"Paper, {split}", split.capitalize()
        text[columns[0]] = [_number(value, 4) for value in numbers[f"paper_{split}"]]
        ours = (numbers[column] for column in (split, f"{split}_low", f"{split}_high"))
        text[columns[1]] = [_interval(*row) for row in zip(*ours)]
        bold[columns[0]] = list(numbers[f"paper_{split}"] == numbers[f"paper_{split}"].min())
        bold[columns[1]] = list(numbers["model"] == best[split])
    text["Test"] += [NOTHING_LEARNED * (model in beaten) for model in rows]
    text["Seeds"] = numbers["seeds"].astype(str)
    note = "Bold: the lowest; of ours where the interval of its difference to each other says so."
    if beaten:
        note += f"{NOTHING_LEARNED}: no better than copying the input or than the mean face."
    unsettled = {model_name(run.concats) for run in study.unsettled} & set(rows)
    if unsettled:
        text["Model"] += [NOT_SETTLED * (model in unsettled) for model in rows]
        note += f"{NOT_SETTLED}: not settled, {STILL_FELL}."
    return Table(name, title, note, numbers, text, bold_in(text, bold))


def _of_model(study: Study, concats: str) -> dict[str, pd.Series]:
    return {split: study.mse(concats, split) for split in SPLITS}


def _baselines(study: Study) -> dict[str, dict[str, pd.Series]]:
    unknown = pd.Series(dtype=float)
    return {
        said.capitalize(): {"train": unknown, "test": study.baseline(name)}
        for name, said in BASELINES.items()
    }


def _lowest(rows: Mapping[str, Mapping[str, pd.Series]], split: str) -> str | None:
    """The model whose MSE is below that of every other, by the intervals; None for none."""
    for one in rows:
        others = [rows[other][split] - rows[one][split] for other in rows if other != one]
        if others and all(estimate(gap.dropna().to_numpy()).verdict == "holds" for gap in others):
            return one
    return None


def _learned_nothing(study: Study, of_splits: Mapping[str, pd.Series]) -> bool:
    """Whether what needs no network does as well on test faces, on average over the seeds."""
    mse = of_splits["test"]
    gaps = [(study.baseline(name) - mse).dropna().mean() for name in BASELINES]
    return bool(min(gaps) <= 0)


def _mse_columns(of_splits: Mapping[str, pd.Series]) -> dict[str, float]:
    found = {split: estimate(values.to_numpy()) for split, values in of_splits.items()}
    columns: dict[str, float] = {}
    for split, one in found.items():
        columns |= {split: one.value, f"{split}_low": one.low, f"{split}_high": one.high}
    return columns | {"seeds": found["test"].seeds}


def difference_tables(study: Study) -> list[Table]:
    """The MSE of every model minus that of every other, paired by seed, on train and on test."""
    if len(study.models) < 2:
        return []
    return [_difference_table(study, split) for split in SPLITS]


def _difference_table(study: Study, split: str) -> Table:
    names = labels(study)
    found = {
        (one, other): estimate(
            (study.mse(one, split) - study.mse(other, split)).dropna().to_numpy()
        )
        for one, other in combinations(study.models, 2)
    }
    numbers = pd.DataFrame(
        {
            "model": model_name(one),
            "minus": model_name(other),
            **_columns("difference", value),
        }
        for (one, other), value in found.items()
    )
    first, *others = names
    rows = [first, *others[:-1]]
    text, bold = pd.DataFrame({"Model": [names[one] for one in rows]}), {}
    for other in others:
        cells = [found.get((one, other)) for one in rows]
        text[names[other]] = ["" if cell is None else _in_units(cell.value) for cell in cells]
        bold[names[other]] = [cell is not None and cell.verdict != "open" for cell in cells]
    note = (
        "Mean over seeds of MSE(row) - MSE(column), paired by seed, in units of 0.0001. Bold: the "
        f"95 % interval excludes 0, as it would by chance in about 1 of 20 of {len(found)} pairs."
    )
    title = f"Differences between the sets of Concats, {split} faces"
    return Table(f"differences_{split}", title, note, numbers, text, bold_in(text, bold))


def latent_tables(study: Study, model: Model) -> list[Table]:
    """The scores of a model with each latent alone and each removed; none where not measured."""
    of_model = study.latents.index.get_level_values("concats") == model.concats
    known = study.latents[of_model].index.unique("score")  # there may be no eye band or face box
    scores = [score for score in LATENT_SCORES if score in known]
    return [_latent_table(study, model, split, scores) for split in SPLITS if scores]


def _latent_table(study: Study, model: Model, split: str, scores: Sequence[str]) -> Table:
    latents = study.of(model.concats)[0].latents_of_model
    rows = {"all": tuple(latents)} | keep_ones(latents) | removals(latents)  # as Fig 5 and Fig 6
    found = {
        caption: {
            score: estimate(_values(study, model, score, keep_label(keep), split))
            for score in scores
        }
        for caption, keep in rows.items()
    }
    numbers = pd.DataFrame(
        {"latents": caption, "score": score, **_columns("value", value)}
        for caption, of_scores in found.items()
        for score, value in of_scores.items()
    )
    text = pd.DataFrame(
        {"Latents": caption} | {score: _plus_minus(value) for score, value in of_scores.items()}
        for caption, of_scores in found.items()
    )
    title = f"What each latent carries, {split} faces. {model.heading}"
    note = "Scores with all latents, with one alone (Fig 5), with latent n removed (-n, Fig 6)."
    name = model.file(f"latents_{split}")
    return Table(name, title, note, numbers, text, bold_in(text))


def _values(study: Study, model: Model, score: str, keep: str, split: str) -> Values:
    found = study.score(score, keep, split, concats=model.concats)
    return found.dropna().to_numpy(dtype=float)


@dataclass(frozen=True)
class ClaimsTable(Table):
    """The verdicts, and on the page what each claim says."""

    judged: Sequence[Judged] = ()
    kind: str = "claims"

    @property
    def by_claim(self) -> list[list[Judged]]:
        """The verdicts on each claim, in their order."""
        return [list(of_one) for _, of_one in groupby(self.judged, lambda one: one.claim.name)]


def claims_table(judged: Sequence[Judged]) -> ClaimsTable:
    """The verdicts."""
    numbers = pd.DataFrame(
        {
            "claim": one.claim.name,
            "faces": one.split,
            "region": one.region,
            **_columns("statistic", one.found),
            "verdict": one.found.verdict,
            "margin": one.claim.margin,
            "p_holm": one.holm,
            **_prefixed("mean", one.gentle),
            **_prefixed("beside", one.beside),
        }
        for one in judged
    )
    text = pd.DataFrame(
        {
            "Claim": one.claim.sentence,
            "Id": one.claim.name,
            "Faces": " ".join([one.split, one.region]).strip(),
            "Statistic": statistic_text(one.found),
            "Seeds": str(one.found.seeds),
            "Verdict": one.found.verdict,
            "Holm": _number(one.holm, 3),
            "With mean": verdict_text(one.gentle),
            "Elsewhere": verdict_text(one.beside),
        }
        for one in judged
    )
    note = (
        "Each statistic is positive where the claim says so. holds: its whole 95 % interval is "
        "above 0; fails: below; null: its whole 90 % interval lies within the claim's margin of 0; "
        "open: neither, or fewer than three seeds. Holm: p-value corrected for the number of "
        "verdicts. With mean: the same with silenced latents set to their mean instead of 0. "
        "Claims about the face are judged inside the face box (face), those about colour on the "
        "frame; Elsewhere: the same in the other."
    )
    return ClaimsTable(
        "claims", "The paper's claims", note, numbers, text, bold_in(text), judged=judged
    )


def _prefixed(prefix: str, found: Estimate | None) -> dict[str, float | str]:
    if found is None:
        return {}
    columns: dict[str, float | str] = {**_columns("statistic", found), "verdict": found.verdict}
    return {f"{prefix}_{name}": value for name, value in columns.items()}


def chip(found: Estimate) -> str:
    """A verdict in a word or two, where there may be nothing to judge."""
    return found.verdict if found.seeds else NOT_JUDGED


def verdict_text(found: Estimate | None) -> str:
    """A verdict with its statistic, empty where there is none."""
    if found is None or not found.seeds:
        return ""
    return f"{found.verdict} {_number(found.value, _decimals(found), '+')}"


def verdicts_in_words(judged: Iterable[Judged]) -> dict[str, str]:
    """What became of each claim, on all the faces that it was judged on, by its name."""
    words: dict[str, list[str]] = {}
    for one in judged:
        if one.found.seeds:
            seeds = f"{one.found.seeds} seed{'s' * (one.found.seeds > 1)}"
            said = f"{verdict_text(one.found)} on {one.split} faces ({seeds})"
            words.setdefault(one.claim.name, []).append(said)
    return {name: ", ".join(said) for name, said in words.items()}


def statistic_text(found: Estimate) -> str:
    """A claim's statistic with its sign, and its interval."""
    return _interval(found.value, found.low, found.high, _decimals(found), sign="+")


def _decimals(found: Estimate) -> int:
    """Decimals that show three significant digits of a small statistic, at least two of any."""
    size = abs(found.value)
    return min(6, max(2, 2 - math.floor(math.log10(size)))) if size > 0 else 2


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, "low": found.low, "high": found.high, "seeds": found.seeds}


def _number(value: float, decimals: int, sign: str = "") -> str:
    return UNKNOWN if math.isnan(value) else f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


def _interval(value: float, low: float, high: float, decimals: int = 5, sign: str = "") -> str:
    text = _number(value, decimals, sign)
    if math.isnan(low):
        return text
    return f"{text} [{_number(low, decimals, sign)}, {_number(high, decimals, sign)}]"


def _plus_minus(found: Estimate) -> str:
    reach = "" if math.isnan(found.low) else f" ± {found.high - found.value:.2f}"
    return _number(found.value, 2) + reach


def _in_units(difference: float) -> str:
    return _number(difference * IN_UNITS, 1, "+")


def bold_in(
    text: pd.DataFrame, columns: Mapping[str, list[bool]] = MappingProxyType({})
) -> pd.DataFrame:
    """Which cells of a table are bold: those that its columns name, else none."""
    light = pd.DataFrame(False, index=text.index, columns=text.columns)
    weights: pd.DataFrame = light.assign(**dict(columns))
    return weights
