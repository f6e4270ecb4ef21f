"""Progress bars: on a terminal, and not by one of several jobs that write to it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from multiprocessing import parent_process
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def is_shown() -> bool:
    """Whether this process draws bars."""
    return sys.stderr.isatty() and parent_process() is None


def bar(items: Iterable[T], title: str, unit: str, total: int | None = None) -> Iterable[T]:
    """The items, with a bar that is gone once they are."""
    return tqdm(items, title, total, unit=unit, leave=False, disable=not is_shown())
