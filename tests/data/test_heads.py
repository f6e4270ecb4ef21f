"""The embedded faces: what the shipped zip promises, and that it can be rendered again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from facerot.data.heads import palette
from facerot.data.heads.__main__ import main, person_list
from facerot.data.heads.check import Numbers, measure, nearest_distances
from facerot.data.heads.draw import draw_person
from facerot.data.heads.faceset import LANDMARKS, SHIPPED, SIZE, YAWS, FaceSet, write_set
from facerot.data.heads.people import attributes
from facerot.data.heads.pieces import shell
from facerot.data.heads.shape import paired_axes

RENDERER = ("mitsuba", "anny", "scipy", "tqdm")
needs_renderer = pytest.mark.skipif(
    any(find_spec(package) is None for package in RENDERER), reason="needs the extra heads"
)
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def faces() -> FaceSet:
    return FaceSet()


@pytest.fixture(scope="module")
def numbers(faces: FaceSet) -> Numbers:
    return measure(faces)


@pytest.fixture(scope="module")
def landmarks(faces: FaceSet) -> dict[tuple[int, int, str], tuple[float, float, bool]]:
    return {
        (int(row["person"]), int(row["yaw"]), row["landmark"]): (
            *(float(row["x"]), float(row["y"])),
            row["visible"] == "1",
        )
        for row in faces.rows("landmarks.csv")
    }


Landmarks = dict[tuple[int, int, str], tuple[float, float, bool]]


def test_every_person_has_every_view(faces: FaceSet) -> None:
    persons = faces.persons()
    assert persons == list(range(len(persons)))
    assert len(persons) >= 240
    images = {f"{person:04d}/yaw{yaw}.png" for person in persons for yaw in YAWS}
    assert faces.names == images | {"people.csv", "landmarks.csv"}


def test_images_are_rgba_with_a_clear_background_and_a_person(faces: FaceSet) -> None:
    for person in faces.persons():
        for yaw in YAWS:
            image = faces.image(person, yaw)
            assert image.shape == (SIZE, SIZE, 4)
            alpha = image[..., 3]
            assert 0.2 < (alpha == 255).mean() < 0.8, (person, yaw)
            assert not image[alpha == 0].any()
            assert image[alpha == 255][:, :3].std() > 10, (person, yaw)


def test_the_zip_is_small_and_undated() -> None:
    assert SHIPPED.stat().st_size <= 16e6
    with zipfile.ZipFile(SHIPPED) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        assert archive.namelist() == sorted(archive.namelist())


def test_persons_differ(numbers: Numbers) -> None:
    assert numbers.nearest_person >= 0.005


def test_opposite_views_are_no_mirror_images(numbers: Numbers) -> None:
    assert numbers.mirrored_views >= 0.0015


def test_hair_stays_below_the_top_edge(numbers: Numbers) -> None:
    assert numbers.touching_top <= 0.05


def test_heads_fill_the_frame_alike(landmarks: Landmarks, faces: FaceSet) -> None:
    persons = faces.persons()
    eyes = [landmarks[person, 0, "left_pupil"][1] for person in persons]
    spans = [
        landmarks[person, 0, "left_mouth"][1] - landmarks[person, 0, "left_pupil"][1]
        for person in persons
    ]
    assert np.ptp(eyes) < SIZE / 6
    assert 8 < min(spans) < max(spans) < 20


def test_people_table_has_one_row_per_person(faces: FaceSet) -> None:
    rows = faces.rows("people.csv")
    assert [int(row["person"]) for row in rows] == faces.persons()
    assert all(value != "" for row in rows for name, value in row.items() if name != "moles")
    assert len({row["hair_style"] for row in rows}) >= 10


def test_people_table_is_what_the_generator_draws(faces: FaceSet) -> None:
    for row in faces.rows("people.csv"):
        drawn = attributes(draw_person(1, int(row["person"])))
        assert row == {name: str(value) for name, value in drawn.items()}


def test_landmarks_are_complete_and_seen_ones_lie_on_the_person(
    landmarks: Landmarks, faces: FaceSet
) -> None:
    everything = {(p, yaw, name) for p in faces.persons() for yaw in YAWS for name in LANDMARKS}
    assert landmarks.keys() == everything
    for (person, yaw, name), (x, y, visible) in landmarks.items():
        if visible:
            column, row = int(x), int(y)
            around = faces.image(person, yaw)[
                max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2
            ]
            assert around[..., 3].max() > 0, (person, yaw, name)


def test_negative_yaw_turns_the_nose_to_the_left_of_the_image(landmarks: Landmarks) -> None:
    for (person, yaw, name), (x, _, _) in landmarks.items():
        if name == "nose_tip" and yaw:
            front = landmarks[person, 0, "nose_tip"][0]
            assert (x < front) == (yaw < 0), (person, yaw)


def test_left_and_right_are_the_subjects_own(landmarks: Landmarks, faces: FaceSet) -> None:
    for person in faces.persons():
        for part in ("pupil", "mouth", "ear"):
            left, right = (landmarks[person, 0, f"{side}_{part}"][0] for side in ("left", "right"))
            assert left > right


def test_pupils_lie_on_the_drawn_eyes(landmarks: Landmarks, faces: FaceSet) -> None:
    darker = []
    for person in faces.persons():
        luma = faces.over(person, 0, 0.5) @ LUMA
        for side in ("left", "right"):
            x, y, visible = landmarks[person, 0, f"{side}_pupil"]
            cheek_y = (y + landmarks[person, 0, f"{side}_mouth"][1]) / 2
            if visible:
                darker.append(luma[int(y), int(x)] < luma[int(cheek_y), int(x)])
    assert len(darker) > len(faces.persons())
    assert np.mean(darker) > 0.97


def test_the_profile_hides_the_far_side(landmarks: Landmarks, faces: FaceSet) -> None:
    seen = [landmarks[person, -90, "right_ear"][2] for person in faces.persons()]
    assert not any(seen)


def test_a_person_is_a_function_of_seed_and_number() -> None:
    assert draw_person(1, 17) == draw_person(1, 17)
    assert draw_person(1, 17) != draw_person(2, 17)
    assert draw_person(1, 17) != draw_person(1, 18)


def test_paired_axes_share_left_and_right() -> None:
    names = ["l-ear-scale-decr", "l-ear-scale-incr", "nose-trans-down", "nose-trans-up", "odd-in"]
    assert paired_axes(names) == {
        ("l-ear-scale", "decr"): ("l-ear-scale-decr", "l-ear-scale-incr"),
        ("nose-trans", "down"): ("nose-trans-down", "nose-trans-up"),
    }


def test_a_shell_is_cut_along_the_zero_line() -> None:
    corners = np.array([[x, y, 0.0] for x in range(4) for y in range(4)])
    squares = [(4 * x + y, 4 * x + y + 4, 4 * x + y + 5) for x in range(3) for y in range(3)]
    squares += [(4 * x + y, 4 * x + y + 5, 4 * x + y + 1) for x in range(3) for y in range(3)]
    piece = shell(corners, np.array(squares), 1.3 - corners[:, 0], corners * 0, "cloth")
    a, b, c = (piece.vertices[piece.triangles[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)[:, 2] / 2
    assert area.sum() == pytest.approx(1.3 * 3)
    assert (area > 0).all()


def test_colours_are_written_as_srgb() -> None:
    assert palette.to_hex((0.0, 1.0, 0.2158605)) == "#00ff80"


def test_nearest_distances_leave_out_the_image_itself() -> None:
    images = np.stack([np.full((2, 2, 3), value) for value in (0.0, 0.1, 0.5)])
    assert nearest_distances(images) == pytest.approx([0.01, 0.01, 0.16])


def test_a_set_is_written_with_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    files = {"people.csv": b"person\n", "0001/yaw0.png": b"a", "0000/yaw0.png": b"b"}
    write_set(tmp_path / "a.zip", files)
    write_set(tmp_path / "b.zip", dict(reversed(files.items())))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_person_lists() -> None:
    assert person_list("3,0-2,2") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "--persons", "x"],
        ["render", "--samples", "15"],
        ["render", "--workers", "0"],
        ["sheet", "--yaws=5"],
        ["check", "nowhere.zip"],
        ["sheet", "--persons", "9999"],
    ],
)
def test_bad_arguments_end_with_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    line = capsys.readouterr().err or f"{stop.value.code}\n"
    assert line.startswith("error: ")
    assert line.count("\n") == 1


def test_check_and_sheet_run_on_the_shipped_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check"])
    assert "persons" in capsys.readouterr().out
    sheet = tmp_path / "sheet.png"
    main(["sheet", "--persons", "0-1", "--landmarks", "--out", str(sheet)])
    assert sheet.stat().st_size > 0


def start_render(out: Path, persons: str, hash_seed: int) -> subprocess.Popen[bytes]:
    """Render with few samples, one worker and its own hash seed, in a process group of its own."""
    command = [sys.executable, "-m", "facerot.data.heads", "render", "--out", str(out)]
    command += ["--persons", persons, "--samples", "4", "--workers", "1"]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    return subprocess.Popen(command, env=environment, start_new_session=True)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("heads") / "both.zip"
    assert start_render(out, "16,17", hash_seed=1).wait() == 0
    return out


@needs_renderer
def test_a_person_rendered_alone_has_the_same_bytes(rendered: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    assert start_render(alone, "17", hash_seed=2).wait() == 0
    files = sorted((alone / "0017").iterdir())
    assert len(files) == len(YAWS)
    with zipfile.ZipFile(rendered) as both:
        assert all(file.read_bytes() == both.read(f"0017/{file.name}") for file in files)
        assert set((alone / "landmarks.csv").read_text().splitlines()) <= set(
            both.read("landmarks.csv").decode().splitlines()
        )


@needs_renderer
def test_a_killed_render_goes_on_and_ends_with_the_same_bytes(
    rendered: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed.zip"
    process = start_render(out, "16,17", hash_seed=3)
    while not (done := list(tmp_path.glob("killed.zip.parts/*/0016"))):
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    # A person that is rendered again cannot be put where it already is, and the render would fail.
    assert done[0].exists()
    assert start_render(out, "16,17", hash_seed=4).wait() == 0
    assert out.read_bytes() == rendered.read_bytes()
    assert not list(tmp_path.glob("killed.zip.parts"))
