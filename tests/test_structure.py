"""The rooms of the house: imports point one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import facerot

HOUSE = Path(facerot.__file__).parent
# A room may import from those after it and from itself; the rest are leaves, in their order.
COMMANDS = ("__main__", "calibrate", "train", "analyse", "rotate", "export", "playground")
ROOMS = (*COMMANDS, "training", "report", "measure", "evidence", "runs", "data")
LEAVES = (
    "command",
    "usage",
    "progress",
    "threads",
    "paper",
    "switched",
    "model",
    "panels",
    "latents",
    "config",
    "validate",
    "reading",
    "errors",
    "interrupt",
)


def imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if names == ["facerot"]:
            names = [f"facerot.{alias.name}" for alias in node.names]  # type: ignore[attr-defined]
        yield from (name.split(".")[1] for name in names if name.startswith("facerot."))


def test_imports_point_one_way() -> None:
    order = [*ROOMS, *LEAVES]
    back = []
    for path in HOUSE.rglob("*.py"):
        room = path.relative_to(HOUSE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        back += [
            f"{path.relative_to(HOUSE)} imports {other}"
            for other in imports(path)
            if other != "__version__" and order.index(other) < order.index(room)
        ]
    assert back == []
