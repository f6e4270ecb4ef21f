"""Views -> pairs (source, target) of one person in one session, and who is kept for the test."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from facerot.config import Settings
from facerot.data.views import View
from facerot.errors import SettingsError


@dataclass(frozen=True)
class Pair:
    """A source view and the target view of the same person in the same session."""

    source: View
    target: View
    flip: bool = False

    @property
    def person(self) -> str:
        """Whose faces these are."""
        return self.source.person

    @property
    def yaw(self) -> float:
        """Of the source as the network sees it, in degrees."""
        return -self.source.yaw if self.flip else self.source.yaw


def make_pairs(
    views: Iterable[View], source_yaw: Sequence[float], target_yaw: float, mirror: bool = False
) -> tuple[list[Pair], Counter[str]]:
    """Pair every source view with its target view; say what was left out and why.

    With `mirror`, the views at the opposite yaws are added, flipped left-right: a flipped view at
    +45 degrees is a view at -45.

    Raises SettingsError where two files claim the same person, session and yaw.
    """
    by_session: dict[tuple[str, tuple[str, ...]], dict[float, View]] = defaultdict(dict)
    for view in views:
        same = by_session[view.person, view.session].setdefault(view.yaw, view)
        if same is not view:
            raise SettingsError(
                f"{same.file} and {view.file} are both person {view.person} at yaw {view.yaw:g}: "
                "name what tells them apart in a group of data.pattern"
            )
    pairs, left_out = [], Counter[str]()
    for _, session in sorted(by_session.items()):
        for yaw in source_yaw:
            wanted = [(yaw, target_yaw, False)] + [(-yaw, -target_yaw, True)] * mirror
            for source, target, flip in wanted:
                if source in session and target in session:
                    pairs.append(Pair(session[source], session[target], flip))
                else:
                    missing = source if source not in session else target
                    left_out[f"sessions without a view at yaw {missing:g}"] += 1
    return pairs, left_out


def split(
    pairs: Iterable[Pair], test_fraction: float, split_seed: int, train_persons: int | None = None
) -> tuple[list[Pair], list[Pair]]:
    """Train and test pairs; no person is in both, and adding persons moves nobody across.

    With `train_persons`, the train pairs are those of so many persons, or of all where there are
    fewer (`too_few_persons`); those of a smaller number are among those of a larger one.
    """
    train: list[Pair] = []
    test: list[Pair] = []
    for pair in pairs:
        (test if is_test_person(pair.person, test_fraction, split_seed) else train).append(pair)
    if train_persons is not None:
        chosen = first_persons({pair.person for pair in train}, train_persons, split_seed)
        train = [pair for pair in train if pair.person in chosen]
    return train, test


def is_test_person(person: str, test_fraction: float, split_seed: int) -> bool:
    """Whether a person is kept for the test, by their place."""
    return place_of(person, split_seed) < test_fraction


def first_persons(persons: Iterable[str], count: int, split_seed: int) -> set[str]:
    """So many of the persons, from the highest place down.

    From that end, as a larger `test_fraction` takes its test persons from the other.
    """
    ranked = sorted(persons, key=lambda person: (place_of(person, split_seed), person))
    return set(ranked[::-1][:count])


def place_of(person: str, split_seed: int) -> float:
    """A hash of (split_seed, person), uniform in [0, 1)."""
    digest = hashlib.sha256(f"{split_seed}:{person}".encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_as_asked(settings: Settings, pairs: Iterable[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Train and test pairs as the settings have them split."""
    return split(pairs, settings.test_fraction, settings.split_seed, settings.train_persons)


def too_few_persons(settings: Settings, pairs: Iterable[Pair]) -> str | None:
    """What is wrong where `train_persons` asks for more training persons than there are.

    The face set's own number is its usual one at most: without any other, all there are will do.
    """
    asked, there = settings.train_persons, _training_persons(settings, pairs)
    if asked in (None, settings.data.train_persons) or asked <= there:
        return None
    return (
        f"train_persons={settings.train_persons}: there are only {there} training persons "
        f"(test_fraction={settings.test_fraction:g}), ask for no more, or for all with "
        "train_persons=null"
    )


def _training_persons(settings: Settings, pairs: Iterable[Pair]) -> int:
    train, _ = split(pairs, settings.test_fraction, settings.split_seed)
    return _persons(train)


def _persons(pairs: Iterable[Pair]) -> int:
    return len({pair.person for pair in pairs})


def summary(settings: Settings, pairs: Sequence[Pair], left_out: Counter[str]) -> str:
    """One line: how many persons and pairs, how they are split, what was left out and why."""
    train, test = split_as_asked(settings, pairs)
    some = settings.train_persons is not None
    of_all = f" (of {_training_persons(settings, pairs)})" if some else ""
    yaws = ", ".join(f"{yaw:g}" for yaw in settings.source_yaw)
    unsorted = sum(settings.data.flip is None and pair.source.two_way for pair in pairs)
    either = f"{unsorted} sources face left or right, unsorted (see data.flip); " * (unsorted > 0)
    reasons = "; ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()) if count)
    return (
        f"{settings.data.name}: {_persons(pairs)} persons, {len(pairs)} pairs "
        f"(yaw {yaws} -> {settings.target_yaw:g}{', mirrored' if settings.mirror else ''}); "
        f"train {len(train)} pairs of {_persons(train)} persons{of_all}, "
        f"test {len(test)} pairs of {_persons(test)} persons; {either}"
        f"left out: {reasons or 'nothing'}"
    )
