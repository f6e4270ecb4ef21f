"""The documentation: every command it shows can be given, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
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
from facerot.data.heads.__main__ import parser as heads_parser
from facerot.export import Export
from facerot.measure.__main__ import Measure
from facerot.playground import Play
from facerot.report.__main__ import Report
from facerot.rotate import Rotate
from facerot.validate import resolve

HOME = Path(__file__).parents[1]
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
PAGES = sorted(
    page
    for folder in (".", "docs", "outputs", "facerot/data/heads")
    for page in (HOME / folder).glob("*.md")
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown() -> Iterator[str]:
    """Each command line of the documentation: in a block for the shell, a sentence, a help."""
    for page in set(PAGES) - {HOME / "CHANGELOG.md"}:  # which tells of commands of its time
        text = page.read_text()
        for language, block in FENCED.findall(text):
            yield from block.splitlines() if language == "sh" else ()
        yield from re.findall(r"`(python -m facerot\.[^`]+|make [^`]+)`", FENCED.sub("", text))
    for config, _ in COMMANDS.values():
        for line in re.findall(
            r"^ +(python -m facerot\..*)", (CONF / f"{config}.yaml").read_text(), re.MULTILINE
        ):
            words = shlex.split(re.split(r" {3,}", line)[0])
            yield shlex.join([*words[:3], *(w for w in words[3:] if re.search(r"=|^-|^\+", w))])


WORDS = {tuple(shlex.split(line, comments=True)) for line in shown() if line.strip()}
LINES = [shlex.join(words) for words in sorted(WORDS)]


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_command_of_the_documentation_can_be_given(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files_of_the_documentation(tmp_path)
    assert not re.search(r"(?<!\.)\.\./", line), "a path outside of the clone"
    for command, *arguments in given(shlex.split(line)):
        if command == "data.heads":
            heads_parser().parse_args(arguments)
        else:
            compose(*COMMANDS[command], arguments)


def given(words: list[str]) -> Iterator[list[str]]:
    """The command of ours that a line gives, and its arguments; of make those it would give."""
    while re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    if words[0] == "make":
        for line in re.findall(r"python -m facerot\.(.*?)(?:;|&&|$)", dry(words), re.MULTILINE):
            yield shlex.split(line)
    elif words[:2] == ["python", "-m"]:
        yield [words[2].removeprefix("facerot."), *words[3:]]
    else:
        assert words[0] in ("source", "pip"), words


def dry(words: list[str]) -> str:
    """What make would do; there must be such a target."""
    environment = {key: value for key, value in os.environ.items() if key != "MAKEFLAGS"}
    command = [words[0], "--dry-run", *words[1:]]
    return subprocess.run(
        command, cwd=HOME, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def write_files_of_the_documentation(folder: Path) -> None:
    """Each YAML that is shown with its place in a comment."""
    for page in PAGES:
        for _, block in FENCED.findall(page.read_text()):
            for place in re.findall(r"^# (mine/\S+)$", block, re.MULTILINE):
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block)


def compose(config: str, schema: type, arguments: list[str]) -> None:
    """The settings of every job; refused where the command would refuse them."""
    asked = get_args_parser().parse_args(read_command_line(arguments, schema))
    own = [f"hydra.searchpath=[{Path(asked.config_dir).resolve()}]"] if asked.config_dir else []
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        for overrides in jobs(asked.overrides):
            resolve(hydra.compose(config, [*own, *overrides]), schema)


def jobs(overrides: list[str]) -> list[list[str]]:
    """The overrides of two jobs, every swept setting at its first and at its last value."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    first, last = ([at_place(override, place) for override in parsed] for place in (0, -1))
    return [first] if first == last else [first, last]


def at_place(override: Any, place: int) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    value = list(override.sweep_string_iterator())[place]
    return f"{override.get_key_element()}={value}"


def test_the_documentation_shows_every_command() -> None:
    shown = {line.split()[2] for line in LINES if line.startswith("python -m")}
    assert {f"facerot.{command}" for command in COMMANDS} <= shown
    assert {"make demo", "make test", "make paper"} <= {
        line.split("#")[0].strip() for line in LINES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        assert path.is_relative_to(HOME), path
        assert path.exists(), path
        assert not anchor or anchor in anchors(path), f"{path}#{anchor}"


def test_the_readme_leads_to_every_page_of_the_documentation() -> None:
    anywhere = {path for page in PAGES for path, _ in links(page)}
    assert set((HOME / "docs").glob("*.png")) <= anywhere
    assert set((HOME / "docs").glob("*.md")) <= {path for path, _ in links(HOME / "README.md")}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files that a page links to or shows, each with its anchor or nothing."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text())):
        if ":" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
