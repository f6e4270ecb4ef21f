"""What every command does with its command line, before any work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facerot
from facerot.__main__ import main as list_main
from facerot.command import parsed, read_command_line
from facerot.config import Settings
from facerot.errors import SettingsError
from facerot.train import main as train_main
from facerot.usage import COMMANDS, help_of
from tests.conftest import InProcess
from tests.test_readme import COMMANDS as SCHEMAS

paths = st.text("ab1 /.-_[](){}~#&=,;!?*éß+%@", min_size=1).map(lambda text: f"/x{text.strip()}")


@given(paths)
def test_what_is_said_of_a_path_without_quotes_is_the_same_path_with_them(path: str) -> None:
    try:
        override = parsed(f"data.root={path}")
        assert override.is_sweep_override() or override.value() == path
    except SettingsError as refused:
        (word,) = shlex.split(str(refused).rpartition(", write ")[2])
        assert parsed(word).value() == path


def test_of_a_path_with_a_comma_both_readings_are_named() -> None:
    with pytest.raises(SettingsError, match=r"add -m .* or write .data.root=./a,b.. for one"):
        read_command_line(["data.root=/a,b"], Settings)


@pytest.mark.skipif(find_spec("submitit") is not None, reason="the extra slurm is there")
def test_a_launcher_that_is_not_installed_names_its_package() -> None:
    with pytest.raises(SettingsError, match=r"pip install 'facerot\[slurm\]'$"):
        read_command_line(["hydra/launcher=submitit_local", "seed=0,1", "-m"], Settings)


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_a_question_is_answered_without_work(
    in_process: InProcess, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    assert in_process(train_main, "concats=[2]", flag) is None
    said = capsys.readouterr().out
    assert said.startswith(
        "Trains one network" if flag == "--help" else f"facerot {facerot.__version__}\n"
    )


def test_every_command_is_listed_and_its_help_has_its_settings_with_reasons_and_no_other(
    in_process: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(list_main) is None
    listed = capsys.readouterr().out
    for name, config in COMMANDS.items():
        assert len(re.findall(rf"^  python -m facerot\.{name} +[A-Z].*\.$", listed, re.M)) == 1
        assert SCHEMAS[name][0] == config
        text = help_of(config)
        asked = {field.name for field in fields(SCHEMAS[name][1])}
        shown = set(re.findall(r"^(\w+):", text.partition("\nSettings:")[2], re.M))
        if name == "data.check":
            assert {"data", "size", "source_yaw", "test_fraction"} < shown < asked - {"trainer"}
        else:
            grouped = {"model", "budget", "spec", "data"} & asked if name == "train" else set()
            assert shown | grouped == asked
        assert len(re.findall(r"^\w+:.*#", text, re.M)) > len(shown) / 2
        assert "hydra" not in text


def test_help_waits_for_no_library_that_takes_seconds() -> None:
    modules = [f"facerot.{name}" for name in COMMANDS if name not in ("report", "measure")]
    modules += ["facerot.report.__main__", "facerot.measure.__main__"]
    code = (
        f"import sys, {', '.join(modules)}; sys.exit({{'torch', 'matplotlib'}} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() in ("", "set()"), done.stderr


def test_bash_completes_commands_settings_and_choices() -> None:
    script = f"""
        eval "$({sys.executable} -m facerot -sc install=bash)"
        for COMP_LINE in 'python -m facerot.tr' '{sys.executable} -m facerot.train budget=f'; do
            COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _facerot; echo "${{COMPREPLY[*]}}"
        done"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["facerot.train", "budget=full"]
