"""Every command that the documentation shows is one that can be given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser

from facerot.analyse import Analyse
from facerot.calibrate import Calibrate
from facerot.command import read_command_line
from facerot.config import CONF, Settings
from facerot.export import Export
from facerot.measure.__main__ import Measure
from facerot.playground import Play
from facerot.report.__main__ import Report
from facerot.rotate import Rotate
from facerot.validate import resolve

HOME = Path(__file__).parents[1]
README = HOME / "README.md"
COMMANDS: dict[str, tuple[str, type]] = {
    "train": ("train", Settings),
    "data.check": ("check", Settings),
    "calibrate": ("calibrate", Calibrate),
    "measure": ("measure", Measure),
    "analyse": ("analyse", Analyse),
    "report": ("report", Report),
    "rotate": ("rotate", Rotate),
    "export": ("export", Export),
    "playground": ("playground", Play),
}
PAGES = ["README.md", "CONTRIBUTING.md", "facerot/data/heads/HEADS.md", *(
    f"conf/{config}.yaml" for config, _ in COMMANDS.values()
)]  # fmt: skip


def shown() -> Iterator[tuple[str, list[str]]]:
    """Each `python -m facerot.X ...` of the documentation: X and its arguments."""
    for page in PAGES:
        text = (HOME / page).read_text()
        for line in re.findall(r"^ *python -m facerot\.(\S+)(.*)$", text, re.MULTILINE):
            command, rest = line
            words = shlex.split(re.split(r" {3,}|#", rest.replace("DIR", "faces"))[0])
            yield command, [word for word in words if re.search(r"=|^-|^\+", word)]


LINES = sorted({(command, *arguments) for command, arguments in shown() if command in COMMANDS})


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_command_of_the_documentation_can_be_given(
    line: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, schema = COMMANDS[line[0]]
    monkeypatch.chdir(tmp_path)
    (experiment,) = re.findall(r"(# @package _global_.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "two.yaml").write_text(experiment)
    asked = get_args_parser().parse_args(read_command_line(list(line[1:]), schema))
    own = [f"hydra.searchpath=[{tmp_path / asked.config_dir}]"] if asked.config_dir else []
    for overrides in jobs(asked.overrides):
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            resolve(hydra.compose(config, [*own, *overrides]), schema)


def jobs(overrides: list[str]) -> Iterator[list[str]]:
    """The overrides of each job, every swept setting at its first and at its last value."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    for place in (0, -1):
        yield [at_place(override, place) for override in parsed]


def at_place(override: Any, place: int) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    value = list(override.sweep_string_iterator())[place]
    return f"{override.get_key_element()}={value}"


def test_every_target_that_is_shown_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOME / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"^make ([a-z]+)", (HOME / page).read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "paper"} <= named <= targets


def test_every_link_leads_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (HOME / page).read_text()):
            assert (HOME / page).parent.joinpath(target).exists(), f"{page}: {target}"
