"""Seeded mutations of a file: a few bytes, a value, a part of it, or what it is at all."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

VALUES = (b"null", b"[]", b"{}", b"-1", b"1e999", b'"text"', b"true", b"9" * 400, b"*", b"\0")
BOMB = b"a: &a [1,1,1,1,1,1,1,1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 8)) for name in b"bcdefgh"
)


def mutated(whole: bytes, chance: Random) -> bytes:
    """A few bytes or one value changed, or a part gone, doubled or cut off."""
    start, end = sorted(chance.choices(range(len(whole) + 1), k=2))
    part = whole[start:end]
    at = chance.randrange(max(1, len(whole)))
    stop = next((i for i in range(at, len(whole)) if whole[i : i + 1] in b",\n:"), at)
    flipped = bytearray(whole)
    for place in chance.choices(range(max(1, len(whole))), k=chance.choice([1, 1, 4, 30])):
        flipped[place : place + 1] = bytes([chance.randrange(256)])
    return chance.choice(
        [
            whole[:start],
            whole[:start] + whole[end:],
            whole[:start] + part + part + whole[end:],
            bytes(flipped),
            whole[:at] + chance.choice(VALUES) + whole[stop:],
            whole[: whole.rfind(b" ", 0, at) + 1] + chance.choice(VALUES) + whole[stop:],
        ]
    )


def spoil(path: Path, chance: Random) -> str:
    """Mutate a file in place, or put something in its place; says what was done."""
    if chance.random() < 0.85:
        path.write_bytes(mutated(path.read_bytes(), chance))
        return "mutated"
    path.unlink()
    what = chance.choice(
        ["pipe", "endless", "folder", "gone", "empty", "nested", "growing", "huge"]
    )
    if what == "pipe":
        os.mkfifo(path)
    elif what == "endless":
        path.symlink_to("/dev/zero")
    elif what == "folder":
        path.mkdir()
    elif what == "huge":
        with path.open("wb") as file:
            file.truncate(2**40)  # takes no room on the disk
    elif what != "gone":
        nested = b"[" * 200_000 + b"]" * 200_000
        path.write_bytes({"empty": b"", "nested": nested, "growing": BOMB}[what])
    return what
