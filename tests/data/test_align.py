"""Eyes in one place."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from facerot.config import FaceSet
from facerot.data.align import EYE_DISTANCE
from facerot.data.listing import list_faces, list_views
from facerot.data.photo import decode
from facerot.data.root import Root
from facerot.data.views import View
from facerot.errors import SettingsError
from tests.data.test_photo import face_set

Eye = tuple[float, float]
SIZE = 64
ROW = (0.4 + 0.55) / 2  # the middle of the eye band


def photo(*eyes: Eye) -> Image.Image:
    """A grey photo, 300 x 240, with a red and a green eye."""
    picture = Image.new("RGB", (300, 240), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    for (x, y), colour in zip(eyes, ((255, 0, 0), (0, 255, 0))):
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
    return picture


def aligned(root: Path) -> tuple[FaceSet, list[View]]:
    faces = face_set("plain")
    faces.root, faces.manifest, faces.align = str(root), "faces.csv", "eyes"
    source = Root(str(root))
    return faces, list_views(source, source.files(), faces)[0]


def write(root: Path, *rows: tuple[str, float, list[Eye]]) -> None:
    """A face set of one person: for each row a session, a yaw and where the eyes are."""
    lines = ["path,person,yaw,session,eye1_x,eye1_y,eye2_x,eye2_y"]
    for number, (session, yaw, eyes) in enumerate(rows):
        photo(*eyes).save(root / f"{number}.png")
        places = [f"{value:.3f}" for eye in eyes for value in eye]
        lines.append(",".join([f"{number}.png", "a", f"{yaw:g}", session, *places]))
    (root / "faces.csv").write_text("\n".join(lines))


def eye_places(root: Path) -> list[list[Eye]]:
    """Where each view's eyes come to lie, in px."""
    faces, views = aligned(root)
    found = []
    for view in views:
        data = (root / view.file).read_bytes()
        pixels = decode(data, view.person, faces, SIZE, view.place).astype(float)
        red, green, _ = pixels
        eyes = []
        for weight in (red - green, green - red)[: len(view.eyes)]:
            weight = np.where(weight > 40, weight, 0)
            y, x = (np.average(axis, weights=weight) + 0.5 for axis in np.indices(weight.shape))
            eyes.append((float(x), float(y)))
        found.append(eyes)
    return found


@settings(deadline=None, max_examples=25)
@given(st.floats(80, 220), st.floats(70, 170), st.floats(30, 60), st.floats(-30, 30), st.booleans())
def test_eyes_of_a_frontal_view_come_to_one_place(
    tmp_path_factory: pytest.TempPathFactory,
    x: float,
    y: float,
    apart: float,
    tilt: float,
    swapped: bool,
) -> None:
    across = apart / 2 * math.cos(math.radians(tilt)), apart / 2 * math.sin(math.radians(tilt))
    eyes = [(x - across[0], y - across[1]), (x + across[0], y + across[1])]
    root = tmp_path_factory.mktemp("eyes")
    write(root, ("s", 0, eyes[::-1] if swapped else eyes))
    ((one, other),) = eye_places(root)
    half = EYE_DISTANCE / 2 * SIZE
    wanted = [(SIZE / 2 - half, ROW * SIZE), (SIZE / 2 + half, ROW * SIZE)]
    assert np.allclose(sorted([one, other]), wanted, atol=0.75)


def test_other_views_take_the_scale_of_their_frontal_view_and_its_height(tmp_path: Path) -> None:
    write(
        tmp_path,
        ("near", 0, [(120, 100), (180, 100)]),
        ("near", -90, [(110, 140)]),
        ("far", 0, [(140, 90), (170, 90)]),
        ("far", -45, [(120, 60), (140, 60)]),
    )
    _, (near,), _, far = eye_places(tmp_path)
    assert near[1] == pytest.approx(ROW * SIZE, abs=0.75)
    assert far[0][1] == pytest.approx(ROW * SIZE, abs=0.75)
    scale = EYE_DISTANCE * SIZE / 30  # px of the picture for one of the photo
    assert far[1][0] - far[0][0] == pytest.approx(20 * scale, abs=0.75)
    assert near[0] == pytest.approx(SIZE / 2 + (110 - 150) * scale / 2, abs=0.75)


def test_what_lies_outside_of_the_photo_is_background(tmp_path: Path) -> None:
    write(tmp_path, ("s", 0, [(5, 5), (95, 5)]))
    faces, (view,) = aligned(tmp_path)
    pixels = decode((tmp_path / view.file).read_bytes(), "a", faces, SIZE, view.place)
    assert (pixels[:, 0, 0] == 204).all()
    assert (pixels[:, -20, 32] == 120).all()


def test_views_without_eyes_are_left_out_and_all_of_them_refused(tmp_path: Path) -> None:
    write(tmp_path, ("1", 0, [(90, 90), (120, 90)]), ("1", -45, []), ("2", -45, [(90, 90)]))
    faces, (view,) = aligned(tmp_path)
    assert view.file == "0.png"
    before = list_faces(faces).fingerprint
    write(tmp_path, ("1", 0, [(90, 90), (121, 90)]))
    assert list_faces(faces).fingerprint != before
    write(tmp_path, ("1", 0, [(90, 90)]))
    with pytest.raises(SettingsError, match="eye1_x"):
        aligned(tmp_path)
    write(tmp_path, ("1", 0, [(0, 90), (1e9, 90)]))
    with pytest.raises(SettingsError, match=r"0\.png are too far apart"):
        aligned(tmp_path)
    write(tmp_path, ("1", 0, [(math.nan, 90), (3, 4)]))
    with pytest.raises(SettingsError, match="line 2: eye1"):
        aligned(tmp_path)


@pytest.mark.parametrize(
    "text", ["person,yaw\n1,0\n", "person,yaw,landmark,x,y\n1,0,left_pupil,here,9\n"]
)
def test_landmarks_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    photo().save(tmp_path / "1_0.png")
    (tmp_path / "landmarks.csv").write_text(text)
    faces = face_set("plain")
    faces.root, faces.align = str(tmp_path), "eyes"
    faces.pattern, faces.yaw = r"(?P<person>\d)_(?P<view>\d)\.png", {"0": 0}
    source = Root(str(tmp_path))
    with pytest.raises(SettingsError, match=r"^landmarks\.csv is not as the embedded heads have"):
        list_views(source, source.files(), faces)


def test_the_embedded_heads_bring_their_eyes() -> None:
    faces = face_set("plain")
    faces.pattern = r"(?P<person>\d{4})/yaw(?P<view>-?\d+)\.png"
    faces.yaw, faces.align = {"0": 0, "-90": -90}, "eyes"
    faces.root = "pkg://facerot.data.heads/heads.zip"
    root = Root(faces.root)
    views, _ = list_views(root, root.files(), faces)
    assert len(views) == 480
    assert all(view.place is not None for view in views)
