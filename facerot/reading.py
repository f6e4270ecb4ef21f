"""Files are read when they are regular and of a size that makes sense: nothing else ever ends."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG

import yaml

from facerot.errors import BadFile, SettingsError, reason

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 20  # levels of a YAML: libyaml follows thousands of them until the stack ends

MOST_TEXT = 2**20  # bytes of a record or of settings
MOST_TABLE = 2**26  # bytes of a CSV or a parquet file
MOST_PHOTO = 2**28  # bytes: the largest photo that is decoded, uncompressed
MOST_WEIGHTS = 2**32  # bytes of a checkpoint


def require_regular(path: Path, most: int) -> None:
    """Raise BadFile for a pipe, a device, a folder, or a file of more than `most` bytes.

    Raises FileNotFoundError where there is nothing. Opening a pipe would wait for a writer, and
    /dev/zero has no end: this asks before anything is opened.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # a name that is none
        raise BadFile(reason(error)) from error
    if not S_ISREG(found.st_mode):
        raise BadFile("no regular file")
    if found.st_size > most:
        raise BadFile(f"{found.st_size} bytes: more than {most}")


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a regular file; raises BadFile, and FileNotFoundError where there is none."""
    require_regular(path, most)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BadFile(reason(error)) from error
    if len(data) > most:  # files of /proc have no size
        raise BadFile(f"more than {most} bytes")
    return data


def refuse_nested(text: str) -> None:
    """Raise BadFile for a YAML that a few lines make grow without end, or nest."""
    depth = 0
    for event in yaml.parse(text, YAML_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
            raise BadFile("no settings of ours nest so deep or name a part twice")


def refuse_unreadable_yaml(path: Path) -> None:
    """Raise SettingsError for a YAML of a user's that would be read in vain or without end."""
    try:
        refuse_nested(read_bytes(path, MOST_TEXT).decode())
    except (BadFile, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {reason(error)}") from error
