"""Signals that ask a command to end: SIGINT (Ctrl-C) and SIGTERM (a cluster, a shutdown).

The first one is heeded at the next safe point, a second one ends the process at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asked this process to end; no Exception, so that nobody takes it for a failure."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"interrupted by {number.name}; the same command goes on")


_asked: signal.Signals | None = None  # the first signal that came
_at_once = False  # whether any moment is a safe point
_is_child = False  # whether another process is there to end this one
_heeded: tuple[signal.Signals, ...] = SIGNALS


def listens() -> bool:
    """Whether this process heeds the signals."""
    return signal.getsignal(signal.SIGINT) is _heed


def listen_again() -> None:
    """Heed the signals where this process did and somebody else has taken them."""
    if listens():
        for number in _heeded:
            signal.signal(number, _heed)


def asked() -> signal.Signals | None:
    """The signal that asked this process to end, if one did."""
    return _asked


def exit_code(number: signal.Signals) -> int:
    """What a shell calls the end by a signal: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + number


def check() -> None:
    """A safe point: raise Interrupted where a signal asked this process to end."""
    if _asked is not None:
        raise Interrupted(_asked)


@contextmanager
def listening(is_child: bool = False, also: signal.Signals | None = None) -> Iterator[None]:
    """Heed both signals; where this process does already, or outside its main thread, no change.

    Args:
        is_child: it gets the same signal from several sides: a second one means nothing to it.
        also: another signal that asks this process to end.
    """
    global _asked, _is_child, _heeded
    if listens() or threading.current_thread() is not threading.main_thread():
        yield
        return
    _heeded, _is_child = (*SIGNALS, *([also] if also else [])), is_child
    before = {number: signal.getsignal(number) for number in _heeded}
    for number in _heeded:
        signal.signal(number, _heed)
    try:
        yield
    finally:
        _asked = _asked if is_child else None  # what else is asked of a child is to end too
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def at_once() -> Iterator[None]:
    """Where any moment is a safe point: nothing is lost that takes long to do again."""
    with _heeding(at_once=True):
        check()
        yield


@contextmanager
def patiently() -> Iterator[None]:
    """Where whoever looks at `asked` finds the safe points, and the end is one."""
    with _heeding(at_once=False):
        yield
    if _at_once:
        check()


@contextmanager
def _heeding(at_once: bool) -> Iterator[None]:
    global _at_once
    before, _at_once = _at_once, at_once
    try:
        yield
    finally:
        _at_once = before


def _heed(number: int, _: FrameType | None) -> None:
    global _asked
    first, _asked = _asked is None, _asked or signal.Signals(number)
    for child in active_children():  # those of a parallel sweep
        if not first:
            child.kill()
        elif number == signal.SIGTERM:  # Ctrl-C reaches them anyway
            child.terminate()
    if not first and not _is_child:
        os._exit(exit_code(_asked))
    if first and _at_once:
        raise Interrupted(_asked)
