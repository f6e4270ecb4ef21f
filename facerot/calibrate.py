"""The command `python -m facerot.calibrate`: the default nearest to the paper's Tables 1 and 2.

See conf/calibrate.yaml for the rule and the candidates.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import hydra

from facerot.command import command
from facerot.config import CONF, SPLITS, Settings
from facerot.errors import SettingsError
from facerot.latents import of_label
from facerot.paper import BASELINE, TABLES, model_name
from facerot.runs.run import find_run
from facerot.validate import resolve

CALIBRATED = (*TABLES["table1"].mse, *TABLES["table2"].mse)
CHECKED = (*TABLES["table3"].mse, *TABLES["table4"].mse)
PRINTED = {concats: both for table in TABLES.values() for concats, both in table.mse.items()}

Candidate = dict[str, Any]  # setting -> value
Trained = tuple[float, float, float]  # MSE on train and on test faces, seconds
TrainAll = Callable[[Iterable[Sequence[str]]], Iterable[Trained]]


@dataclass
class Calibrate:
    """Which candidates are tried, and how; see conf/calibrate.yaml."""

    start: dict[str, Any]
    candidates: dict[str, list[Any]]
    quick: list[int]
    quick_distance: float
    finalists: int
    seeds: int
    jobs: int | None
    outputs: str
    study: str
    page: str


def train_one(overrides: Sequence[str]) -> Trained:
    """Train one run, or skip it where that has been done."""
    from facerot.train import train

    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        settings = resolve(hydra.compose("train", list(overrides)), Settings)
        run = find_run(settings, resolve(hydra.compose("train"), Settings))
    with run.held():
        outcome = train(settings, run)
    if outcome.train_mse is None or outcome.test_mse is None:
        raise SettingsError(f"{run.folder}: {outcome.error}")
    return outcome.train_mse, outcome.test_mse, outcome.seconds


class Search:
    """Trains candidates and remembers what came out.

    Args:
        asked: the candidates and the rule.
        train_all: the command lines of runs -> what came of each.
    """

    def __init__(self, asked: Calibrate, train_all: TrainAll) -> None:
        self.asked, self.train_all = asked, train_all
        self.tried: dict[str, Candidate] = {}
        self.mse: dict[tuple[str, str, int], tuple[float, float]] = {}
        self.seconds: dict[tuple[str, str, int], float] = {}

    def train(
        self, candidates: Sequence[Candidate], seeds: int, models: Sequence[str] = CALIBRATED
    ) -> None:
        """Train every candidate with so many seeds on every model."""
        asked = product(candidates, models, range(seeds))
        jobs = [job for job in asked if (told(job[0]), *job[1:]) not in self.mse]
        lines = [self._overrides(*job) for job in jobs]
        for (candidate, concats, seed), (*both, seconds) in zip(jobs, self.train_all(lines)):
            key = told(candidate)
            self.tried[key], self.seconds[key, concats, seed] = candidate, seconds
            self.mse[key, concats, seed] = both[0], both[1]

    def _overrides(self, candidate: Candidate, concats: str, seed: int) -> list[str]:
        asked = {**candidate, "concats": list(of_label(concats)), "seed": seed}
        asked |= {"threads": 1, "outputs": self.asked.outputs, "study": self.asked.study}
        return [f"{name}={json.dumps(value)}" for name, value in asked.items()]

    def seeds(self, candidate: Candidate) -> list[int]:
        """The seeds that a candidate has been trained with."""
        key = told(candidate)
        return [one for one in range(self.asked.seeds) if (key, BASELINE, one) in self.mse]

    def distances(self, candidate: Candidate, models: Sequence[str] = CALIBRATED) -> list[float]:
        """For each seed the mean |log(ours / paper's)| over the MSEs of the models."""
        return [self._distance(candidate, models, seed) for seed in self.seeds(candidate)]

    def _distance(self, candidate: Candidate, models: Sequence[str], seed: int) -> float:
        """With one seed; a model that has not been trained adds nothing."""
        ours = ((concats, self.mse.get((told(candidate), concats, seed))) for concats in models)
        away = (
            abs(math.log(mine / theirs))
            for concats, both in ours
            if both
            for mine, theirs in zip(both, PRINTED[concats])
        )
        return sum(away) / (2 * len(models))

    def mean_mse(self, candidate: Candidate, concats: str, split: str) -> float:
        """Over the seeds."""
        at, key = SPLITS.index(split), told(candidate)
        return fmean(self.mse[key, concats, seed][at] for seed in self.seeds(candidate))

    def first(self, candidate: Candidate) -> float:
        """The distance with the first seed, which sorts candidates; at least, if given up."""
        return self._distance(candidate, CALIBRATED, 0)

    def given_up(self, candidate: Candidate) -> bool:
        """Whether some model was not trained, since the candidate could be no finalist any more."""
        return any((told(candidate), concats, 0) not in self.mse for concats in CALIBRATED)

    def race(self, trials: Sequence[Candidate]) -> None:
        """Train candidates with one seed, model by model; give up who cannot be a finalist."""
        whole = [self.first(one) for one in self.tried.values() if not self.given_up(one)]
        bound = sorted([*whole, *[math.inf] * self.asked.finalists])[self.asked.finalists - 1]
        for concats in CALIBRATED:
            self.train([one for one in trials if self.first(one) <= bound], 1, [concats])

    def nearest(self) -> Candidate:
        """One setting at a time, from the start on, with one seed, until nothing is nearer."""
        best, before = self.asked.start, None
        self.race([best])
        while best != before:
            before = best
            for name, values in self.asked.candidates.items():
                trials = [{**best, name: value} for value in values]
                self.race(trials)
                trained = [one for one in trials if not self.given_up(one)]
                best = min([best, *trained], key=self.first)
                print(f"{self.first(best):.3f}  {told(best)}", flush=True)
        return best

    def full(self) -> Candidate:
        """Of the nearest few, with all seeds, the cheapest within the nearest one's spread."""
        few = sorted(self.tried.values(), key=self.first)[: self.asked.finalists]
        self.train(few, self.asked.seeds)
        mean = {told(one): fmean(self.distances(one)) for one in few}
        nearest = min(few, key=lambda one: mean[told(one)])
        reach = mean[told(nearest)] + stdev(self.distances(nearest))
        return min((one for one in few if mean[told(one)] <= reach), key=cost)

    def quick(self, full: Candidate) -> Candidate | None:
        """The fewest steps that keep best and worst of Table 2, and are near enough."""
        shorter = [{**full, "trainer.steps": steps} for steps in self.asked.quick]
        self.train(shorter, self.asked.seeds)
        for one in shorter:
            table2 = {k: self.mean_mse(one, k, "test") for k in TABLES["table2"].mse}
            in_order = sorted(table2, key=lambda k: table2[k])
            near = fmean(self.distances(one)) <= self.asked.quick_distance
            if near and (in_order[0], in_order[-1]) == ("2", "4"):
                return one
        return None


def cost(candidate: Candidate) -> float:
    """Multiplications of all steps of the U-Net, for one face a step."""
    widths, size = [3, *candidate["model.channels"]], 64
    macs = 0
    for level, (above, below) in enumerate(pairwise(widths), start=1):
        ups = 1 if level == 5 else 2  # a Concat doubles what up-K gets
        macs += 16 * (size // 2**level) ** 2 * above * below * (1 + ups)
    return float(macs * candidate["trainer.steps"])


def told(candidate: Candidate) -> str:
    """A candidate as the settings that make it."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in candidate.items())


def calibrate(asked: Calibrate) -> None:
    """Search, choose, and write the page, several runs at once."""
    fresh = get_context("spawn")  # a fork would inherit this command's Hydra
    with ProcessPoolExecutor(asked.jobs or os.cpu_count(), fresh) as pool:
        choose(asked, partial(pool.map, train_one))


def choose(asked: Calibrate, train_all: TrainAll) -> None:
    """The rule: search, choose, and write the page."""
    search = Search(asked, train_all)
    search.nearest()
    full = search.full()
    search.train([full], asked.seeds, CHECKED)
    quick = search.quick(full)
    page = Path(asked.page)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines(search, full, quick)) + "\n")
    print(f"{page}: full is {told(full)}")


def lines(search: Search, full: Candidate, quick: Candidate | None) -> Iterator[str]:
    """The page: the rule, the choice, its MSEs beside the paper's, every candidate."""
    yield "# The default, chosen by a rule\n"
    yield "Written by `python -m facerot.calibrate`; the rule and the candidates stand in"
    yield "[conf/calibrate.yaml](../conf/calibrate.yaml). Distance: mean |log(ours / paper's)|"
    yield "over the train and test MSEs of Tables 1 and 2.\n"
    checked = over_seeds(search.distances(full, CHECKED))
    yield f"`full` is {in_words(full)}: distance {over_seeds(search.distances(full))}; over"
    yield f"Tables 3 and 4, which played no part, {checked}.\n"
    if quick is None:
        yield "No shorter budget keeps the order of Table 2 and is near enough for `quick`."
    else:
        distances = over_seeds(search.distances(quick))
        yield f"`quick` has {quick['trainer.steps']} steps: distance {distances}."
    yield "\n| model | paper, train / test | `full`, train / test |\n|---|---|---|"
    for concats, printed in (entry for table in TABLES.values() for entry in table.mse.items()):
        ours = [search.mean_mse(full, concats, split) for split in SPLITS]
        both = (" / ".join(f"{value:.4f}" for value in values) for values in (printed, ours))
        yield f"| {model_name(concats)} | {' | '.join(both)} |"
    yield "\nA candidate that could not be among the nearest any more was given up: its distance is"
    yield "at least what is told. Cost: multiplications of all steps of the U-Net. Seconds: of the"
    yield "U-Net's training with seed 0 on one thread, beside whatever else ran then."
    yield "\n| candidate | distance, seed 0 | all seeds | cost | seconds |\n|---|---|---|---|---|"
    for one in sorted(search.tried.values(), key=search.first):
        several = over_seeds(search.distances(one)) if len(search.seeds(one)) > 1 else ""
        least = "≥ " if search.given_up(one) else ""
        times, seconds = cost(one) / cost(full), search.seconds[told(one), BASELINE, 0]
        first = f"{least}{search.first(one):.3f} | {several}"
        yield f"| {in_words(one)} | {first} | {times:.2f} | {seconds:.0f} |"


def in_words(candidate: Candidate) -> str:
    """A candidate without the settings' groups and what plays no part."""
    short = {name.split(".")[-1]: value for name, value in candidate.items()}
    short.pop("fills", None)
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in short.items())


def over_seeds(values: Sequence[float]) -> str:
    """A mean, its standard deviation and the number of seeds."""
    return f"{fmean(values):.3f} (sd {stdev(values):.3f}, {len(values)} seeds)"


main = command("calibrate", Calibrate, calibrate)

if __name__ == "__main__":
    main()
