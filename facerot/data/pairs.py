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
    pairs: Iterable[Pair], test_fraction: float, split_seed: int
) -> tuple[list[Pair], list[Pair]]:
    """Train and test pairs; no person is in both, and adding persons moves nobody."""
    train: list[Pair] = []
    test: list[Pair] = []
    for pair in pairs:
        (test if is_test_person(pair.person, test_fraction, split_seed) else train).append(pair)
    return train, test


def is_test_person(person: str, test_fraction: float, split_seed: int) -> bool:
    """Whether a person is kept for the test: a hash of (split_seed, person), uniform in [0, 1)."""
    digest = hashlib.sha256(f"{split_seed}:{person}".encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < test_fraction


def summary(settings: Settings, pairs: Sequence[Pair], left_out: Counter[str]) -> str:
    """One line: how many persons and pairs, how they are split, what was left out and why."""
    train, test = split(pairs, settings.test_fraction, settings.split_seed)
    persons = [len({pair.person for pair in part}) for part in (train, test)]
    yaws = ", ".join(f"{yaw:g}" for yaw in settings.source_yaw)
    reasons = "; ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()) if count)
    return (
        f"{settings.data.name}: {sum(persons)} persons, {len(pairs)} pairs "
        f"(yaw {yaws} -> {settings.target_yaw:g}{', mirrored' if settings.mirror else ''}); "
        f"train {len(train)} of {persons[0]} persons, test {len(test)} of {persons[1]} persons; "
        f"left out: {reasons or 'nothing'}"
    )
