"""Views that face left or right: counted until they are sorted, on a page and by a list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.config import FaceSet
from facerot.data.check import main as check_main
from facerot.data.listing import list_faces
from facerot.data.sorting import halves
from facerot.train import main as train_main
from facerot.validate import validate
from tests.conftest import InProcess, draw_head, png

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PERSONS = "abcdefghijkl"
RIGHT = "bdgh"  # those whose profile faces right


def profile(person: str) -> str:
    return f"{person}/profile.png"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    for seed, person in enumerate(PERSONS):
        (root / person).mkdir(parents=True)
        for name, yaw in (("front", 0), ("profile", 90 if person in RIGHT else -90)):
            (root / person / f"{name}.png").write_bytes(png(draw_head(seed, yaw)))
    (tmp_path / "flip.txt").write_text("".join(f"{profile(person)}\n" for person in RIGHT) + "\n")
    return root


@pytest.fixture
def faces(root: Path) -> list[str]:
    two_way = "+data.yaw.profile=+-90"
    return ["data=folder", f"data.root={root}", two_way, "source_yaw=-90", "budget=smoke"]


def test_unsorted_sources_are_counted_wherever_the_faces_are_told_of(
    faces: list[str], in_process: InProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(check_main, *faces) is None
    said = capsys.readouterr().out
    assert "+-90 (12), 0 (12)" in said
    assert "12 sources face left or right, unsorted (see data.flip)" in said
    assert "folder-sort.html, save the list and write data.flip=LIST" in said
    assert in_process(train_main, *faces, "latents.fills=[]") is None
    assert "12 sources face left or right, unsorted" in capsys.readouterr().out
    (record,) = tmp_path.glob("outputs/*/*/metrics.json")
    assert "unsorted (see data.flip)" in json.loads(record.read_text())["faces"]["summary"]
    refused = in_process(check_main, "data=cfp", faces[1], "source_yaw=90")
    assert "nobody has said which face right" in str(refused)


def test_the_list_sorts_them_and_makes_another_face_set(
    faces: list[str], in_process: InProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process(train_main, *faces, "latents.fills=[]") is None
    flip = f"data.flip={tmp_path / 'flip.txt'}"
    assert in_process(train_main, *faces, "latents.fills=[]", flip) is not None
    assert "was made from other faces" in capsys.readouterr().err
    assert in_process(check_main, *faces, flip) is None
    said = capsys.readouterr().out
    assert "-90 (8), 0 (12), 90 (4)" in said
    assert "8 pairs (yaw -90 -> 0)" in said
    assert "unsorted" not in said
    assert "4 of 12 photos face right, as data.flip says" in said
    assert in_process(check_main, *faces, flip, "mirror=true") is None
    assert "12 pairs (yaw -90 -> 0, mirrored)" in capsys.readouterr().out


def test_a_list_below_the_root_moves_with_the_faces(root: Path, tmp_path: Path) -> None:
    def yaws(place: Path) -> dict[str, float]:
        values = {
            "name": "mine", "root": str(place), "pattern": r"(?P<person>\w)/(?P<view>\w+)\.png",
            "yaw": {"front": 0, "profile": "±90"}, "flip": "flip.txt", "source_yaw": -90,
            "target_yaw": 0, "crop": None,
        }  # fmt: skip
        return {view.person: view.yaw for view in list_faces(validate(values, FaceSet)).views}

    shutil.copy(tmp_path / "flip.txt", root)
    moved = shutil.move(root, tmp_path / "elsewhere")
    found = yaws(Path(moved))
    assert {person for person, yaw in found.items() if yaw == 90} == set(RIGHT)


def test_names_that_are_no_view_are_refused_by_their_lines(
    faces: list[str], in_process: InProcess, tmp_path: Path
) -> None:
    (tmp_path / "flip.txt").write_text("a/profile.png\nz/profile.png\n\nb/notes\n")
    line = str(in_process(check_main, *faces, f"data.flip={tmp_path / 'flip.txt'}"))
    assert "2 lines that name no view: line 2: 'z/profile.png'; line 4: 'b/notes'" in line
    assert "\n" not in line
    assert "data.flip=none.txt" in str(in_process(check_main, *faces, "data.flip=none.txt"))
    assert "is not a yaw" in str(in_process(check_main, *faces, "+data.yaw.front2=+-x"))


@given(st.lists(st.booleans(), min_size=2, max_size=24), st.integers(0, 99))
def test_photos_of_heads_in_one_place_are_proposed_in_two_halves(
    right: list[bool], seed: int
) -> None:
    random = np.random.default_rng(seed)
    head = random.integers(0, 200, (64, 64, 3))
    photos = head + random.integers(0, 50, (len(right), 64, 64, 3))
    images = np.where(np.reshape(right, (-1, 1, 1, 1)), photos[:, :, ::-1], photos)
    proposed = halves(images.astype(np.uint8)).tolist()
    assert proposed in (right, [not side for side in right])


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")
def test_the_page_sorts_by_clicks_and_saves_the_list(
    faces: list[str], in_process: InProcess, tmp_path: Path
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev: playwright")
    assert in_process(check_main, *faces) is None
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((tmp_path / "outputs" / "folder-sort.html").as_uri())
        assert page.locator("main button").count() == len(PERSONS)
        page.click("#exchange")
        for person in PERSONS:
            button = page.locator(f'button[data-file="{profile(person)}"]')
            there = button.evaluate("button => button.parentElement.id")
            if there != ("right" if person in RIGHT else "left"):
                button.click()
        with page.expect_download() as saved:
            page.click("#save")
        saved.value.save_as(tmp_path / "saved.txt")
        browser.close()
    assert faults == []
    assert (tmp_path / "saved.txt").read_text().split() == [profile(person) for person in RIGHT]
