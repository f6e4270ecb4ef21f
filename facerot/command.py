"""What every command shares: the command line read once, then Hydra, each refusal one line."""

from __future__ import annotations

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO, cast

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig

from facerot.config import CONF
from facerot.errors import SettingsError, refusals, require_choice
from facerot.reading import refuse_unreadable_yaml
from facerot.usage import QUERY, answer
from facerot.validate import Schema, refuse_unknown_name, resolve

LISTS = ("concats", "source_yaw")
LISTED = (ValueType.SIMPLE_CHOICE_SWEEP, ValueType.CHOICE_SWEEP)  # sweeps whose values are named
CHOOSE_RUNS = ("experiment", "hydra.mode")  # make a sweep without -m
FOREIGN = ("hydra", "experiment")  # no settings of ours
# Launchers that are plugins of Hydra, or ours by one, each with its plugin and what installs it.
JOBLIB = "hydra_joblib_launcher", "hydra-joblib-launcher"
SUBMITIT = "hydra_submitit_launcher", "'facerot[slurm]'"
LAUNCHERS = {"parallel": JOBLIB, "joblib": JOBLIB,
             "submitit_slurm": SUBMITIT, "submitit_local": SUBMITIT}  # fmt: skip


Main = Callable[[], None]


def command(config: str, schema: type[Schema], work: Callable[[Schema], None]) -> Main:
    """The `main` of a command that validates its settings and then does its work once.

    Args:
        config: its file in conf/.
        schema: the dataclass of its settings.
        work: what is done; SettingsError and OSError end in one line and exit code 1.
    """

    def job(cfg: DictConfig) -> None:
        with refusals():  # here too: what leaves a job, Hydra explains at length
            work(resolve(cfg, schema))

    return hydra_command(config, schema, job)


def hydra_command(config: str, schema: type, job: Callable[[DictConfig], object]) -> Main:
    """The `main` of a command whose job gets the composed config, in a sweep many times."""
    run = hydra.main(version_base="1.3", config_path=str(CONF), config_name=config)(job)

    def main() -> None:
        """Entry point."""
        os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors come here instead of being printed
        with unread_output_is_fine(), refusals():
            said = answer(sys.argv[1:], config)
            if said is not None:
                print(said)
                return
            if QUERY not in sys.argv:
                sys.argv[1:] = read_command_line(sys.argv[1:], schema)
            run()

    return main


@contextmanager
def unread_output_is_fine() -> Iterator[None]:
    """Go on where nobody reads what is printed (`| head -1`), or the disk it goes to is full."""
    printed, sys.stdout, sys.stderr = (
        (sys.stdout, sys.stderr),
        cast(TextIO, Forgiving(sys.stdout)),
        cast(TextIO, Forgiving(sys.stderr)),
    )
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = printed


class Forgiving:
    """A text stream whose text is dropped from the first time on that it cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write, or drop."""
        with self._dropping():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        with self._dropping():
            self.stream.flush()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            with suppress(OSError):  # a stream without a file of the system
                os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


def read_command_line(arguments: list[str], schema: type) -> list[str]:
    """The arguments as Hydra takes them: flags first, so that overrides may stand anywhere.

    Raises SettingsError, with one line, for what Hydra would misread or explain at length.
    """
    asked = get_args_parser().parse_intermixed_args(arguments)
    overrides = [parsed(text) for text in asked.overrides]
    sweeps = asked.multirun or any(one.key_or_group in CHOOSE_RUNS for one in overrides)
    for override in overrides:
        name = override.key_or_group
        if re.split("[./@]", name)[0] not in FOREIGN:
            refuse_unknown_name(name, schema)
        refuse_unknown_option(override, _options(name, asked))
        refuse_unreadable_option(override, asked)
        refuse_missing_launcher(override)
        if override.is_sweep_override():
            refuse_accidental_sweep(override, sweeps)
    flags = list(arguments)
    for text in asked.overrides:
        flags.remove(text)
    return [*flags, *asked.overrides]


def parsed(text: str) -> Override:
    """An override as Hydra reads it; raises SettingsError where quotes would make it readable."""
    parser = OverridesParser.create()
    try:
        return parser.parse_overrides([text])[0]
    except HydraException:
        if (quoted := in_quotes(text)) is not None:
            with suppress(HydraException):
                parser.parse_overrides([quoted])
                raise SettingsError(
                    f"{text} cannot be read: such characters need quotes, write "
                    f"{shlex.quote(quoted)}"
                ) from None
        raise


def in_quotes(text: str) -> str | None:
    """An override whose value is in Hydra's double quotes; None of a list or what has quotes."""
    name, equals, value = text.partition("=")
    if not equals or value[:1] in ("", *"[{\"'"):
        return None
    return f'{name}="{os.path.expanduser(value)}"'


def refuse_missing_launcher(override: Override) -> None:
    """Raise SettingsError where a launcher's plugin is not installed, naming what to install."""
    known = LAUNCHERS.get(str(override.value()))
    if override.key_or_group != "hydra/launcher" or known is None:
        return
    plugin, package = known
    if not (find_spec("hydra_plugins") and find_spec(f"hydra_plugins.{plugin}")):
        raise SettingsError(
            f"{override.input_line} needs a plugin of Hydra that is not there: "
            f"pip install {package}"
        )


def refuse_unknown_option(override: Override, options: list[str]) -> None:
    """Raise SettingsError where a config group has no such file: `budget=smok`."""
    name, text = override.key_or_group, override.input_line
    if not options or override.is_delete():
        return
    listed = override.value_type in LISTED
    single = [] if override.is_sweep_override() else [override.value()]
    for value in override.sweep_string_iterator() if listed else single:
        require_choice(name, "null" if value is None else str(value), options)
    if name == "experiment" and not override.is_add():
        raise SettingsError(f"{text} lacks its plus: write +{text}")


def refuse_unreadable_option(override: Override, asked: Namespace) -> None:
    """Raise SettingsError where the file of a choice, in a --config-dir, cannot be read."""
    if asked.config_dir is None or override.is_delete() or override.is_sweep_override():
        return
    path = Path(asked.config_dir) / override.key_or_group / f"{override.value()}.yaml"
    if os.path.lexists(path):
        refuse_unreadable_yaml(path)


def refuse_accidental_sweep(override: Override, sweeps: bool) -> None:
    """Raise SettingsError for `concats=2,4`, which is no list, and for a sweep without -m."""
    name, text = override.key_or_group, str(override.input_line)
    if name in LISTS and override.value_type in LISTED:
        values = list(override.sweep_string_iterator())
        bare = not any(value.startswith("[") for value in values)
        if bare and not (sweeps and name == "source_yaw"):
            listed, each = ",".join(values), ",".join(f"[{value}]" for value in values)
            raise SettingsError(
                f"{name}={listed} is not a list: write '{name}=[{listed}]' for one model with all "
                f"of them, or '{name}={each}' -m for one model each"
            )
    if not sweeps:
        one = (
            f", or write {shlex.quote(in_quotes(text) or text)} for one path" if "/" in text else ""
        )
        raise SettingsError(f"{text} names several values: add -m for a run with each of them{one}")


def _options(group: str, asked: Namespace) -> list[str]:
    """The files of a config group, in conf/ and in a --config-dir; none where it is a setting.

    None either where Hydra and its plugins have files of their own.
    """
    if group.startswith("hydra/"):
        return []
    folders = [Path(folder) for folder in (asked.config_dir, asked.config_path or CONF) if folder]
    return sorted({path.stem for folder in folders for path in (folder / group).glob("*.yaml")})
