"""Photos -> one tensor, and the cache."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerot.config import FaceSet
from facerot.data import images
from facerot.data.images import _key, cache_folder, load_images
from facerot.data.listing import list_faces, list_views
from facerot.data.root import Root, Stamp, _crc_of
from facerot.data.views import View
from facerot.errors import SettingsError
from facerot.panels import Pixels
from tests.conftest import draw_head, png

LOAD = "from tests.data.test_images import load; load({root!r})"


def face_set(
    root: Path | str, background: str = "varied", crop: list[float] | None = None
) -> FaceSet:
    return FaceSet(
        name="test",
        root=str(root),
        pattern=r"(?P<person>\d{4})/yaw(?P<view>-?\d+)\.png",
        yaw={str(yaw): yaw for yaw in (-90, -45, 0, 45, 90)},
        source_yaw=[-45.0],
        target_yaw=0,
        crop=crop,
        eye_band=[0.4, 0.55],
        background=background,
    )


def load_all(root: Path | str, size: int = 64, on_bad: str = "refuse") -> tuple[Pixels, list[View]]:
    faces, source = face_set(root), Root(str(root))
    faces.on_bad = on_bad
    stamps = source.files()
    views, _ = list_views(source, stamps, faces)
    images, faults = load_images(source, stamps, views, faces, size)
    return images, list(faults)


def load(root: Path | str, size: int = 64) -> Pixels:
    return load_all(root, size)[0]


@pytest.fixture
def folder(faces_zip: Path, tmp_path: Path) -> Path:
    """The tiny faces as a folder."""
    with zipfile.ZipFile(faces_zip) as archive:
        archive.extractall(tmp_path / "folder")
    return tmp_path / "folder"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_zip_and_its_folder_give_the_same_faces(faces_zip: Path, folder: Path) -> None:
    assert np.array_equal(load(faces_zip), load(folder))
    assert list_faces(face_set(faces_zip)).fingerprint == list_faces(face_set(folder)).fingerprint


def spoil(folder: Path) -> None:
    """Five photos, each unusable in a way of its own."""
    whole = (folder / "0001" / "yaw0.png").read_bytes()
    (folder / "0001" / "yaw0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "0002" / "yaw0.png").write_bytes(b"")
    (folder / "0003" / "yaw0.png").write_text("not a picture")
    Image.new("1", (20_000, 20_000)).save(folder / "0004" / "yaw0.png")
    Image.new("F", (64, 64)).save(folder / "0005" / "yaw0.png", "TIFF")


def test_every_unusable_photo_is_named_at_once(folder: Path) -> None:
    spoil(folder)
    with pytest.raises(SettingsError) as refused:
        load(folder)
    text = str(refused.value)
    assert "5 of 60" in text
    assert "on_bad=skip" in text
    for why in (r"0002/yaw0.png (empty file)", r"0003/yaw0.png (not a picture)"):
        assert why in text
    assert all(f"000{person}/yaw0.png" in text for person in (1, 4, 5))
    assert "bomb" in text
    assert "\n" not in text


def test_on_bad_skip_leaves_out_what_is_unusable_and_nothing_else(folder: Path) -> None:
    before = load(folder)
    spoil(folder)
    for _ in ("decoded", "from the cache"):
        images, faults = load_all(folder, on_bad="skip")
        assert sorted(view.person for view in faults) == [f"000{person}" for person in range(1, 6)]
        changed = (images != before).any(axis=(1, 2, 3))
        assert changed.sum() == 5
    with pytest.raises(SettingsError, match="5 of 60"):
        load(folder)


def test_a_crop_of_less_than_a_pixel_leaves_nothing_to_train_on(folder: Path) -> None:
    for crop in ([0, 0, 1e-9, 1], [0.5, 0.5, 1, 0.51]):
        faces = face_set(folder, crop=crop)
        listed = list_faces(faces)
        with pytest.raises(SettingsError, match=r"60 of 60 .* less than a pixel .* and 50 more"):
            load_images(listed.root, listed.stamps, listed.views, faces, 64)


def test_a_damaged_archive_member_is_named(faces_zip: Path, tmp_path: Path) -> None:
    damaged = bytearray(faces_zip.read_bytes())
    at = damaged.index(b"0003/yaw0.png") + 60
    damaged[at] ^= 255
    path = tmp_path / "damaged.zip"
    path.write_bytes(damaged)
    with pytest.raises(SettingsError, match=r"0003/yaw0\.png"):
        load(path)


def test_the_cache_is_used_and_never_trusted_when_damaged(faces_zip: Path) -> None:
    first = load(faces_zip)
    (cached,) = cache_folder().iterdir()
    every = np.ones(len(first), bool)
    np.savez(cached, images=255 - first, known=every)
    assert np.array_equal(load(faces_zip), 255 - first)
    whole = cached.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (whole[:1000], bytes(flipped), b"", b"\0" * 5000):
        cached.write_bytes(damaged)
        assert np.array_equal(load(faces_zip), first)
    np.savez(cached, images=first[:3], known=every[:3])
    assert np.array_equal(load(faces_zip), first)
    assert [path.name for path in cache_folder().iterdir()] == [cached.name]


def test_faces_too_large_for_the_memory_stay_on_disk(
    faces_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = load(faces_zip)
    (cached,) = cache_folder().iterdir()
    as_written, written = cached.read_bytes(), cached.stat().st_ino
    monkeypatch.setattr(images, "IN_MEMORY", 0)
    mapped = load(faces_zip)
    assert isinstance(mapped, np.memmap)
    assert np.array_equal(mapped, in_memory)
    assert cached.stat().st_ino == written, "mapped, not decoded again"
    damaged = bytearray(as_written)
    damaged[len(damaged) // 2] ^= 1
    cached.write_bytes(damaged)
    assert np.array_equal(load(faces_zip), in_memory), "damaged: decoded again"
    cached.unlink()
    decoded = load(faces_zip)
    assert isinstance(decoded, np.memmap)
    assert np.array_equal(decoded, in_memory)
    assert cached.read_bytes() == as_written
    assert [path.name for path in cache_folder().iterdir()] == [cached.name]


def test_faces_that_neither_memory_nor_disk_can_hold_are_refused(
    faces_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "IN_MEMORY", 0)
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(SettingsError, match=r"0\.0 GB free: set XDG_CACHE_HOME"):
        load(faces_zip)


def test_two_processes_may_build_the_cache_at_once(
    faces_zip: Path, environment: dict[str, str]
) -> None:
    here = {**environment, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
    line = [sys.executable, "-c", LOAD.format(root=str(faces_zip))]
    pair = [subprocess.Popen(line, env=here, cwd=Path(__file__).parents[2]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in pair] == [0, 0]
    (cached,) = cache_folder().iterdir()
    with np.load(cached) as arrays:
        assert np.array_equal(arrays["images"], load(faces_zip))


def test_an_unwritable_cache_costs_no_run(
    faces_zip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("where the cache should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(load(faces_zip)) == 60


def test_a_changed_photo_or_size_is_decoded_again(folder: Path) -> None:
    before = load(folder)
    assert load(folder, size=32).shape[-1] == 32
    (folder / "0005" / "yaw0.png").write_bytes(png(draw_head(99, 0)))
    changed = (load(folder) != before).any(axis=(1, 2, 3))
    assert changed.sum() == 1


def test_a_photo_exchanged_for_one_of_equal_size_and_age_is_noticed(folder: Path) -> None:
    before, fingerprint = load(folder), list_faces(face_set(folder)).fingerprint
    one, other = folder / "0005" / "yaw0.png", folder / "0006" / "yaw0.png"
    longest = max(one.stat().st_size, other.stat().st_size)
    for path in (one, other):  # a PNG may be followed by anything
        path.write_bytes(path.read_bytes().ljust(longest, b"\0"))
        os.utime(path, (0, 0))
    padded = list_faces(face_set(folder)).fingerprint
    assert np.array_equal(load(folder), before)
    swapped = one.read_bytes(), other.read_bytes()
    for path, content in zip((other, one), swapped):
        path.write_bytes(content)
        os.utime(path, (0, 0))
    _crc_of.cache_clear()  # what a later command begins with
    names_and_sizes, contents = list_faces(face_set(folder)).fingerprint.split("-")
    assert padded != fingerprint
    assert padded.split("-")[0] == names_and_sizes
    assert padded.split("-")[1] != contents
    assert (load(folder) != before).any(axis=(1, 2, 3)).sum() == 2


def test_a_cache_that_claims_more_than_it_has_is_written_again(faces_zip: Path) -> None:
    first = load(faces_zip)
    (cached,) = cache_folder().iterdir()
    head = io.BytesIO()
    shape = (2**25, 3, 2**12, 2**12)  # 1.5 PiB
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(cached, "w") as archive:
        archive.writestr("images.npy", head.getvalue())
        archive.writestr("known.npy", head.getvalue())
    assert np.array_equal(load(faces_zip), first)
    cached.unlink()
    os.mkfifo(cached)
    assert np.array_equal(load(faces_zip), first)
    assert cached.is_file()


def test_what_a_killed_writer_left_beside_the_cache_is_removed(faces_zip: Path) -> None:
    left, young = cache_folder() / "tmpabcdefgh", cache_folder() / "tmpof_another"
    for beside in (left, young):
        beside.mkdir(parents=True)
        (beside / "half.npz").write_bytes(b"half")
    os.utime(left, (0, 0))
    load(faces_zip)
    assert not left.exists()
    assert young.exists()


def test_a_photo_that_is_a_pipe_is_named_and_never_read(folder: Path) -> None:
    (folder / "0003" / "yaw0.png").unlink()
    os.mkfifo(folder / "0003" / "yaw0.png")
    with pytest.raises(SettingsError, match=r"0003/yaw0\.png \(cannot be read: no regular file\)"):
        load(folder)
    assert len(list_faces(face_set(folder)).fingerprint) == 33


def test_the_cache_knows_clutter_and_matte_and_is_else_that_of_before(faces_zip: Path) -> None:
    plain = face_set(faces_zip)
    root = Root(str(faces_zip))
    stamps = root.files()
    views, _ = list_views(root, stamps, plain)

    def load_with(**others: object) -> Pixels:
        return load_images(root, stamps, views, replace(plain, **others), 64)[0]  # type: ignore[arg-type]

    usual = load_with()
    names = {path.name for path in cache_folder().iterdir()}
    assert np.array_equal(load_with(clutter=12, matte=None), usual)
    assert {path.name for path in cache_folder().iterdir()} == names
    assert not np.array_equal(load_with(clutter=4), usual)
    assert np.array_equal(load_with(matte="wall"), usual)  # transparent already
    assert len(list(cache_folder().iterdir())) == 3


def test_the_cache_of_0_2_is_used() -> None:
    view = View("0001/yaw0.png", "0001", (), 0.0)
    key = _key(Root("/"), {view.file: Stamp(1, 2)}, [view], face_set("/"), 64)
    assert key == "62f46627d95cad72d274c42eeb62fc65"
