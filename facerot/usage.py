"""What a command says without doing anything: its settings, its version, how a shell completes it.

The settings and their reasons are the text of conf/, where they stand once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import fill, indent
from typing import Any

import yaml

from facerot import __version__
from facerot.config import CONF
from facerot.errors import SettingsError

COMMANDS = {  # each with its file in conf/
    "train": "train",
    "report": "report",
    "data.check": "check",
    "rotate": "rotate",
    "playground": "playground",
    "export": "export",
    "measure": "measure",
    "analyse": "analyse",
    "calibrate": "calibrate",
}
OF_FACES = ("seed", "source_yaw", "target_yaw", "mirror", "test_fraction", "split_seed",
            "train_persons", "data", "size")  # fmt: skip
QUERY = "query=bash"  # what completion.bash asks Hydra by
WIDTH = 100  # columns


def answer(arguments: Collection[str], config: str | None = None) -> str | None:
    """What to print where help, version or completion is asked for, None where work is.

    Of a command by its file in conf/; without, of all.

    Raises SettingsError for the completion of another shell than bash.
    """
    if {"--help", "-h"} & {*arguments}:
        return help_of(config) if config else commands()
    if "--version" in arguments:
        return f"facerot {__version__}"
    completes = {"--shell-completion", "-sc"} & {*arguments}
    return completion(arguments) if completes and QUERY not in arguments else None


def completion(arguments: Collection[str]) -> str:
    """The script that bash evaluates; raises SettingsError where that is not what is asked for."""
    if "install=bash" not in arguments:
        raise SettingsError('-sc is for bash: eval "$(python -m facerot.train -sc install=bash)"')
    script = Path(__file__).with_name("completion.bash").read_text()
    return script.replace("COMMANDS", " ".join(f"facerot.{name}" for name in COMMANDS))


def commands() -> str:
    """The commands, a line each."""
    width = max(map(len, COMMANDS))
    lines = [
        f"  python -m facerot.{name:{width}}  {introduction(config).splitlines()[0]}"
        for name, config in COMMANDS.items()
    ]
    return "\n".join([*lines, "", "--help after any of them lists its settings."])


def help_of(config: str) -> str:
    """What a command does, then its settings with their reasons, then the choices among files."""
    shared = config == "check"  # whose settings are those of a run that say which faces
    source = "train" if shared else config
    named = settings_in((CONF / f"{source}.yaml").read_text())
    settings = [block for name, block in named.items() if not shared or name in OF_FACES]
    title = "Settings: write key=value, or outer.inner=value"
    groups = [text for group, text in choices(source) if not shared or group == "data"]
    return "\n\n".join([introduction(config), f"{title}\n{''.join(settings).rstrip()}", *groups])


def introduction(config: str) -> str:
    """What a command does, and examples."""
    said: str = yaml.safe_load((CONF / f"{config}.yaml").read_text())["hydra"]["help"]["template"]
    return said.rstrip()


def settings_in(text: str) -> dict[str, str]:
    """The text of each setting in a file of conf/, with the comments beside and under it."""
    blocks = re.split(r"^(?=\w+:)", re.sub(r"^(#.*)?\n", "", text, flags=re.M), flags=re.M)
    named = {block.partition(":")[0]: block for block in blocks if block}
    return {name: block for name, block in named.items() if name not in ("defaults", "hydra")}


def choices(config: str) -> Iterator[tuple[str, str]]:
    """Each group of files, with their names and what the usual one of them sets."""
    listed: list[Any] = yaml.safe_load((CONF / f"{config}.yaml").read_text())["defaults"]
    chosen = {k: v for one in listed if isinstance(one, dict) for k, v in one.items()}
    for group in sorted(path.name for path in CONF.iterdir() if path.is_dir()):
        if group in chosen or (chosen.keys() > {"data"} and group == "experiment"):
            yield group, _choice(group, chosen.get(group))


def _choice(group: str, usual: str | None) -> str:
    names = ", ".join(sorted(path.stem for path in (CONF / group).glob("*.yaml")))
    title = f"{group}={usual}" if usual else f"+{group}=NAME"
    line = fill(f"{title}, of {names}", WIDTH, subsequent_indent="  ")
    if group not in ("model", "budget"):
        return line
    own = settings_in((CONF / group / f"{usual}.yaml").read_text())
    own.pop("name", None)
    own.pop("budget", None)
    return f"{line}\n{indent(''.join(own.values()).rstrip(), '  ')}"
