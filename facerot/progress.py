"""How far the work is: a bar on a terminal, a line every half minute anywhere else.

Nor does one of several jobs that write to a terminal draw bars.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

EVERY = 30.0  # seconds from one line to the next

_subject = ""  # what this process works on
_said = time.monotonic()  # when the last line was printed
_is_told_elsewhere = False


def is_shown() -> bool:
    """Whether this process draws bars."""
    return sys.stderr.isatty() and parent_process() is None


@contextmanager
def of(subject: str) -> Iterator[None]:
    """Name what is worked on in the lines that come; the first is due EVERY seconds from now."""
    global _subject, _said
    before, _subject, _said = _subject, subject, time.monotonic()
    try:
        yield
    finally:
        _subject = before


def leave_to_parent() -> None:
    """Print no lines from now on: the process that started this one tells of all that it did."""
    global _is_told_elsewhere
    _is_told_elsewhere = True


def tell(text: Callable[[], str]) -> None:
    """Print a line where it is due, and no bar shows as much to whoever reads this."""
    global _said
    now = time.monotonic()
    shown = is_shown() and sys.stdout.isatty()
    if now - _said < EVERY or shown or _is_told_elsewhere:
        return
    _said = now
    print(f"{_subject}: {text()}" if _subject else text(), flush=True)


def left(since: float, done: int, total: int) -> str:
    """The time that the rest of some work takes if it goes on as it did: `1:05 left`.

    Args:
        since: when it began, by time.monotonic.
        done: how much of `total` has been done, 1 or more.
        total: all of it.
    """
    minutes, seconds = divmod(round((time.monotonic() - since) / done * (total - done)), 60)
    return f"{minutes}:{seconds:02} left"


def bar(items: Iterable[T], title: str, unit: str, total: int | None = None) -> Iterable[T]:
    """The items, with a bar that is gone once they are, or a line every half minute."""
    count = total if total is not None else len(items) if isinstance(items, Sized) else None
    told = _told(items, title, unit, count)
    return tqdm(told, title, count, unit=unit, leave=False, disable=not is_shown())


def _told(items: Iterable[T], title: str, unit: str, total: int | None) -> Iterator[T]:
    since = time.monotonic()
    for done, item in enumerate(items):
        if done:
            rest = f" of {total}, {left(since, done, total)}" if total else ""
            tell(lambda done=done, rest=rest: f"{title}, {unit} {done}{rest}")  # type: ignore[misc]
        yield item
