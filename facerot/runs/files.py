"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facerot.errors import SettingsError, reason


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write beside the final name, then rename: a reader sees all of it or the old."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(value, indent=2) + "\n"
    write_whole(path, lambda beside: beside.write_text(text))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None where there is no file; raises SettingsError."""
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} is damaged: {reason(error)}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path} is damaged: it holds no object")
    return value
