"""What is said to the user: one line, bounded, and nothing that steers a terminal."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.data.check import main as check_main
from facerot.errors import LONGEST, printable
from tests.conftest import Command, InProcess, draw_head, png

KB = 1024
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@given(st.text(st.characters(), max_size=30).map(lambda text: text * 200) | st.text())
def test_any_text_becomes_one_short_line_that_can_be_printed(text: str) -> None:
    said = printable(text)
    assert len(said.encode()) <= LONGEST
    assert said.isprintable()
    assert printable(said) == said


@pytest.mark.parametrize("rows", [11, 100_000])
def test_of_many_bad_rows_the_first_are_named_and_the_others_counted(
    command: Command, report: Command, tmp_path: Path, rows: int
) -> None:
    lines = ["path,person,yaw", *(f"photo-{i}.png,{i},0" for i in range(rows))]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    done = command(f"data.manifest={tmp_path / 'list.csv'}", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert f"has {rows} rows that cannot be used: line 2: there is no file 'photo-0.png'" in line
    assert line.endswith(f"'photo-9.png'; and {rows - 10} more")
    assert len(line) < 2 * KB
    (status,) = (tmp_path / "outputs").glob("*/*/status.json")
    assert status.stat().st_size < 4 * KB
    assert line.removeprefix("facerot: ") == json.loads(status.read_text())["error"]


def test_a_long_text_in_an_old_record_is_cut_on_the_page(
    command: Command, report: Command, tmp_path: Path
) -> None:
    assert command("data.root=nowhere", cwd=tmp_path).returncode == 1
    (status,) = (tmp_path / "outputs").glob("*/*/status.json")
    usual = report("study=heads-smoke", cwd=tmp_path)
    page = tmp_path / "outputs" / "heads-smoke" / "report" / "index.html"
    size = page.stat().st_size
    status.write_text(json.dumps({"status": "failed", "error": f"{ESCAPE} and so on " * 10_000}))
    done = report("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\\x1b" in done.stdout
    assert len(done.stdout) < len(usual.stdout) + 2 * KB
    assert page.stat().st_size < size + 3 * KB


def test_no_file_name_steers_the_terminal(
    in_process: InProcess, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for person in range(4):
            for yaw in (-45, 0):
                archive.writestr(f"{person:04d}/yaw{yaw}.png", png(draw_head(person, yaw)))
        archive.writestr(f"0001/{ESCAPE}.png", b"")
        archive.writestr(f"0002/{ESCAPE}/yaw45.png", b"")
    pattern = r"data.pattern='(?P<person>\d{4})/(?P<session>[^/]*?)/?yaw(?P<view>-?\d+)\.png'"
    said = in_process(check_main, f"data.root={tmp_path / 'faces.zip'}", pattern)
    out = capsys.readouterr().out + str(said)
    assert "1 photos cannot be used" in out
    assert "owned" in out
    assert "\x1b" not in out
