"""What is said to the user where something cannot be used: one clear line, never a traceback."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from facerot.interrupt import Interrupted

LONGEST = 2000  # bytes of what is said to the user at once
NAMED = 10  # of many faults: the first ones by their names, the others counted


class SettingsError(ValueError):
    """A setting, a face set or a run that cannot be used; its text is one line for the user."""


class FacesNotGiven(SettingsError):
    """Nobody has said where the faces of a spec lie."""


class BadFile(ValueError):
    """A file that cannot be used; its text says why in a few words."""


def printable(text: str) -> str:
    """A text on one line of at most LONGEST bytes; what would steer a terminal is escaped."""
    words = " ".join(text[: 2 * LONGEST].split())
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)
    if len(text) <= 2 * LONGEST and len(plain.encode()) <= LONGEST:
        return plain
    return plain.encode()[: LONGEST - 4].decode(errors="ignore").rstrip() + " ..."


def first_few(faults: Sequence[str], between: str = "; ") -> str:
    """The first NAMED of many faults, and how many more there are."""
    more = len(faults) - NAMED
    return between.join([*faults[:NAMED], *([f"and {more} more"] if more > 0 else [])])


def reason(error: BaseException) -> str:
    """What an error of somebody else's says, on one line that can be printed."""
    return printable(str(error)) or type(error).__name__


def one_line(error: BaseException) -> str:
    """An error as one line: its own text where it is meant for the user, else with its type."""
    plain = isinstance(error, SettingsError | BadFile | Interrupted)
    return reason(error) if plain else printable(f"{type(error).__name__}: {error}")


@contextmanager
def refusals() -> Iterator[None]:
    """End a command with one clear line and exit code 1 where it, Hydra or the disk refuses.

    Ctrl-C ends it with exit code 130.
    """
    try:
        yield
    except KeyboardInterrupt:
        print("facerot: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except HydraException as error:
        cause = error.__cause__
        what = f"{reason(error)}: {reason(cause)}" if cause is not None else reason(error)
        raise SystemExit(f"facerot: {printable(what)}") from None
    except (OmegaConfBaseException, YAMLError) as error:
        raise SystemExit(f"facerot: {reason(error)}") from None
    except FileNotFoundError as error:
        gone = "the working directory has been deleted"
        raise SystemExit(f"facerot: {one_line(error) if error.filename else gone}") from None
    except (SettingsError, OSError) as error:
        raise SystemExit(f"facerot: {one_line(error)}") from None


def require(condition: bool, text: str) -> None:
    """Raise SettingsError with the text where the condition does not hold."""
    if not condition:
        raise SettingsError(text)


def require_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise SettingsError where `value` is none of the `known`, naming the nearest of them."""
    if value not in known:
        raise SettingsError(f"{name}={value} is not known: {nearest(value, known)}")


def require_unique(name: str, values: Sequence[object]) -> None:
    """Raise SettingsError where a list names something twice."""
    for value in values:
        if list(values).count(value) > 1:
            once = ",".join(str(one) for one in dict.fromkeys(values))
            raise SettingsError(f"{name} names {value} twice: write '{name}=[{once}]'")


def nearest(value: str, known: Sequence[str], prefix: str = "") -> str:
    """What may have been meant: the nearest of the known names, or all of them."""
    close = difflib.get_close_matches(value, known, n=1)
    return f"did you mean '{prefix}{close[0]}'?" if close else f"choose from {', '.join(known)}"
