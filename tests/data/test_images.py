"""Photos -> pixels, and the cache."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerot.config import Faces, SettingsError
from facerot.data.faces import Root, find_views, fingerprint
from facerot.data.images import Pixels, background, cache_folder, decode, load_images
from tests.conftest import draw_head, png


def face_set(root: Path | str, background: str = "varied", crop: object = None) -> Faces:
    return Faces(
        name="test",
        root=str(root),
        pattern=r"(?P<person>\d{4})/yaw(?P<view>-?\d+)\.png",
        yaw={str(yaw): yaw for yaw in (-90, -45, 0, 45, 90)},
        source_yaw=-45,
        target_yaw=0,
        crop=crop,
        eye_band=(0.4, 0.55),
        background=background,
    )


def load(root: Path, size: int = 64) -> Pixels:
    faces, source = face_set(root), Root(str(root))
    stamps = source.files()
    return load_images(source, stamps, find_views(stamps, faces)[0], faces, size)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_zip_and_its_folder_give_the_same_faces(faces_zip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    zipfile.ZipFile(faces_zip).extractall(folder)
    assert np.array_equal(load(faces_zip), load(folder))
    assert fingerprint(face_set(faces_zip)) == fingerprint(face_set(folder))


def test_an_opaque_picture_of_the_right_size_is_taken_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    decoded = decode(png(Image.fromarray(pixels)), "0000", face_set(""), 64)
    assert np.array_equal(decoded, pixels.transpose(2, 0, 1))


def test_crop_takes_the_relative_box_and_by_default_the_centre_square() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 200
    wide = png(Image.fromarray(pixels))
    square = decode(wide, "0000", face_set(""), 64)
    assert np.all(square[:, :, 8:56] == 200)
    right = decode(wide, "0000", face_set("", crop=(0.5, 0.0, 1.0, 1.0)), 64)
    assert np.all(right[:, :, :24] == 200)
    assert np.all(right[:, :, 40:] == 0)


def test_the_background_shows_only_where_the_person_is_not() -> None:
    head = draw_head(0, 0)
    opaque = np.asarray(head)[:, :, 3] == 255
    for kind in ("plain", "varied"):
        decoded = decode(png(head), "0000", face_set("", kind), 64).transpose(1, 2, 0)
        behind = np.rint(background(kind, "0000", 64) * 255)
        assert np.array_equal(decoded[opaque], np.asarray(head)[opaque][:, :3])
        assert np.array_equal(decoded[~opaque], behind[~opaque])


def test_a_varied_background_is_one_per_person_smooth_and_in_range() -> None:
    one, other = (background("varied", person, 64) for person in ("0000", "0001"))
    assert np.array_equal(one, background("varied", "0000", 64))
    assert np.abs(one - other).mean() > 0.1
    assert one.min() >= 0
    assert one.max() <= 1
    assert np.abs(np.diff(one, axis=0)).max() < 0.2


def test_every_unreadable_file_is_named_at_once(faces_zip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    zipfile.ZipFile(faces_zip).extractall(folder)
    whole = (folder / "0001" / "yaw0.png").read_bytes()
    (folder / "0001" / "yaw0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "0002" / "yaw0.png").write_bytes(b"")
    (folder / "0003" / "yaw0.png").write_text("not a picture")
    with pytest.raises(SettingsError) as refused:
        load(folder)
    text = str(refused.value)
    assert "3 of 60" in text
    assert all(f"000{person}/yaw0.png" in text for person in (1, 2, 3))
    assert "\n" not in text


def test_the_cache_is_used_and_never_trusted_when_damaged(
    faces_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(faces_zip)
    (cached,) = cache_folder().iterdir()
    np.save(cached, 255 - first)
    assert np.array_equal(load(faces_zip), 255 - first)
    cached.write_bytes(cached.read_bytes()[:1000])
    assert np.array_equal(load(faces_zip), first)
    np.save(cached, first[:3])
    assert np.array_equal(load(faces_zip), first)
    assert np.array_equal(np.load(cached), first)


def test_a_changed_photo_or_size_is_decoded_again(faces_zip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    zipfile.ZipFile(faces_zip).extractall(folder)
    before = load(folder)
    assert load(folder, size=32).shape[-1] == 32
    (folder / "0005" / "yaw0.png").write_bytes(png(draw_head(99, 0)))
    changed = (load(folder) != before).any(axis=(1, 2, 3))
    assert changed.sum() == 1


@pytest.mark.parametrize("root", ["nowhere", "nowhere.zip"])
def test_a_root_that_is_not_there_is_refused(root: str) -> None:
    with pytest.raises(SettingsError, match=r"no such folder or \.zip"):
        Root(root)


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(b"PK but no more")
    with pytest.raises(SettingsError, match=r"not a readable \.zip"):
        Root(str(path))
