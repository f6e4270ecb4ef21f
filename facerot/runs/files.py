"""Files that are whole or not there: written beside their place, then renamed.

And places that one process holds at a time, of all processes of all machines that see them.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import SoftFileLease, Timeout

from facerot.errors import BadFile, SettingsError, reason
from facerot.reading import (
    MOST_TEXT,
    MOST_WEIGHTS,
    YAML_LOADER,
    read_bytes,
    refuse_nested,
    require_regular,
)

UNFINISHED = ".part"
LEASE = 60  # seconds without a sign of life after which what another machine's process held is free


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write beside the final name, then rename: a reader sees all of it or the old."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def held(path: Path, what: str, wait: bool = True) -> Iterator[None]:
    """Hold a place, among all processes of all machines that see its file; gone when released.

    The file says which process holds it, and is touched while that works: after its end another
    one takes it, of the same machine at once, elsewhere after LEASE seconds. The system's locks
    would be simpler, but network file systems keep them on one machine, or refuse them.

    Args:
        path: the file.
        what: is held, for the user.
        wait: for the end of another process that holds it; raises Timeout where not.
    """

    def lost(_: object) -> None:
        print(f"{what}: another process took it, as this one seemed to be dead", file=sys.stderr)
        os.kill(os.getpid(), signal.SIGTERM)

    lease = SoftFileLease(path, lease_duration=LEASE, on_compromise=lost)
    try:
        lease.acquire(blocking=False)
    except Timeout:
        if not wait:
            raise
        print(f"{what}: another process works on it; waiting for its end", flush=True)
        lease.acquire(poll_interval=0.5)
    try:
        with path.open() as file:
            os.fsync(file)  # an empty file would never be taken over
        yield
    finally:
        lease.release()


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(value, indent=2) + "\n"
    write_whole(path, lambda beside: beside.write_text(text))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None where there is no file; raises SettingsError."""
    text = read_record(path)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path} is damaged: it holds no object")
    return value


def read_yaml(path: Path) -> dict[str, Any] | None:
    """The mapping in a YAML file, None where there is no file; raises SettingsError."""
    text = read_record(path)
    if text is None:
        return None
    try:
        refuse_nested(text)
        value = yaml.load(text, YAML_LOADER)
    except Exception as error:  # values that are none of their tag provoke errors of many kinds
        raise damaged(path, error) from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path} is damaged: it holds no settings")
    return value


def read_record(path: Path) -> str | None:
    """The text of a record, None where there is no file; raises SettingsError."""
    try:
        return read_bytes(path, MOST_TEXT).decode()
    except FileNotFoundError:
        return None
    except (BadFile, UnicodeDecodeError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> SettingsError:
    """What is said of a record that cannot be read."""
    return SettingsError(f"{path} is damaged: {reason(error)}")


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hex; raises SettingsError."""
    digest = hashlib.sha256()
    try:
        require_regular(path, MOST_WEIGHTS)
        with path.open("rb") as file:
            for block in iter(lambda: file.read(2**20), b""):
                digest.update(block)
    except (OSError, BadFile) as error:
        raise damaged(path, error) from error
    return digest.hexdigest()


def refuse_changed(path: Path, stamp: dict[str, Any]) -> None:
    """Raise SettingsError where a table is not the file that its NAME.json speaks of.

    What facerot wrote before 0.3 names no checksums: it is taken as it is.
    """
    sums = stamp.get("sha256", {})
    if not isinstance(sums, dict) or sums.get(path.name) not in (None, checksum(path)):
        raise SettingsError(f"{path} is damaged: it is not the file that was measured")
