"""Folders and archives of pictures."""

from __future__ import annotations

import os
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facerot.data.root import Root
from facerot.errors import BadFile, SettingsError


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_every_file_is_found_and_read_whatever_its_name(tmp_path: Path) -> None:
    names = ["a.jpg", "deep/er/b c.JPG", "名前/正面 1.png", "ö/é.tif"]
    folder = write(tmp_path / "folder", *names)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for name in names:
            archive.write(folder / name, name)
    for root in (Root(str(folder)), Root(str(tmp_path / "faces.zip"))):
        assert list(root.files()) == sorted(names)
        assert [root.read(name).decode() for name in names] == names


def test_a_name_that_is_no_text_is_found_and_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")).write_text("pixels")
    root = Root(str(tmp_path))
    (name,) = root.files()
    assert root.read(name) == b"pixels"


def test_links_that_leave_the_root_are_refused_all_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", "in/a.jpg")
    outside = write(tmp_path / "outside", "b.jpg")
    (folder / "fine.jpg").symlink_to(folder / "in" / "a.jpg")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert set(Root(str(folder)).files()) == {"in/a.jpg", "fine.jpg"}

    (folder / "file.jpg").symlink_to(outside / "b.jpg")
    (folder / "in" / "all").symlink_to(outside, target_is_directory=True)
    (folder / "lost.jpg").symlink_to("nowhere.jpg")
    with pytest.raises(SettingsError) as refused:
        Root(str(folder)).files()
    text = str(refused.value)
    assert "3 symbolic links" in text
    assert all(name in text for name in ("file.jpg", "in/all", "lost.jpg"))
    assert "fine.jpg" not in text


def test_a_root_may_itself_be_a_link(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", "a.jpg")
    (tmp_path / "link").symlink_to(folder)
    assert list(Root(str(tmp_path / "link")).files()) == ["a.jpg"]


@pytest.mark.parametrize("root", ["nowhere", "nowhere.zip"])
def test_a_root_that_is_not_there_is_refused(root: str) -> None:
    with pytest.raises(SettingsError, match=r"no such folder or \.zip"):
        Root(root)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=9))
def test_a_damaged_zip_is_read_or_refused_in_one_line(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/front.png", "ü.png"):
            archive.writestr(name, name)
    damaged = bytearray(path.read_bytes())
    for back, value in changes:  # mostly the directory, which is at the end
        damaged[-1 - back % len(damaged)] = value
    path.write_bytes(damaged)
    try:
        root = Root(str(path))
        for name in root.files():
            with suppress(BadFile):
                root.read(name)
    except SettingsError as refused:
        lines = str(refused).splitlines()
    else:
        lines = ["read"]
    assert len(lines) == 1


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK but no more")
    with pytest.raises(SettingsError, match=r"not a readable \.zip"):
        Root(str(path))
