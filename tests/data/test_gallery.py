"""The persons of a run at every yaw."""

from __future__ import annotations

import logging
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from facerot.config import SPLITS, Settings
from facerot.data.datamodule import FacePairs
from facerot.data.gallery import PERSONS, WHO, Gallery
from facerot.data.pixels import to_unit
from tests.conftest import YAWS

POINTS = "person,yaw,landmark,x,y,visible\n"


def opened(settings: Settings) -> tuple[FacePairs, dict[str, Gallery]]:
    pairs = FacePairs(settings)
    return pairs, pairs.galleries()


def with_file(settings: Settings, folder: Path, text: str) -> Settings:
    """The tiny faces with a landmarks.csv beside them."""
    path = Path(shutil.copy(settings.data.root, folder / "faces.zip"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("landmarks.csv", text)
    return replace(settings, data=replace(settings.data, root=str(path)))


def test_a_gallery_has_the_persons_of_its_split_at_every_yaw(tiny_settings: Settings) -> None:
    pairs, galleries = opened(tiny_settings)
    for split in SPLITS:
        gallery, persons = galleries[split], set(pairs.people(split)["person"])
        assert list(gallery.people.columns) == WHO
        seen = gallery.people.groupby("person")["yaw"].apply(sorted)
        assert set(seen.index) == persons
        assert all(yaws == list(YAWS) for yaws in seen)
        assert gallery.landmarks is None
        for yaw, wanted in zip((-45, 0), pairs.splits[split][:]):
            rows = gallery.at(pairs.people(split), yaw)
            torch.testing.assert_close(gallery.pictures(rows), to_unit(wanted))
        assert (gallery.at(pairs.people(split), 17) == -1).all()


@pytest.mark.parametrize(
    ("source_yaw", "wanted"),
    [([-45.0], {-90, -45, 0}), ([90.0], {0, 45, 90}), ([-45.0, 45.0], {*YAWS})],
)
def test_the_side_of_a_gallery_is_that_of_the_sources(
    tiny_settings: Settings, source_yaw: list[float], wanted: set[float]
) -> None:
    _, galleries = opened(replace(tiny_settings, source_yaw=source_yaw))
    side = galleries["train"].on_side()
    assert set(side.people["yaw"]) == wanted
    assert len(side.images) == len(side)


def test_a_gallery_may_have_another_background(tiny_settings: Settings) -> None:
    pairs, galleries = opened(tiny_settings)
    plain = pairs.galleries(background="plain")["test"].images
    assert not torch.equal(plain, galleries["test"].images)
    assert (plain[:, :, 0, 0] == plain[0, 0, 0, 0]).all(), "one grey in all of them"


def test_a_mirrored_run_has_mirrored_views(tiny_settings: Settings) -> None:
    pairs, galleries = opened(replace(tiny_settings, mirror=True))
    people, gallery = pairs.people("train"), galleries["train"]
    rows = gallery.at(people, -45)
    assert (rows >= 0).all()
    torch.testing.assert_close(gallery.pictures(rows), to_unit(pairs.splits["train"][:][0]))
    assert set(people["mirrored"]) == {False, True}


def test_a_gallery_holds_few_of_many_persons(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PERSONS > 3
    monkeypatch.setattr("facerot.data.gallery.PERSONS", 3)
    _, galleries = opened(tiny_settings)
    assert galleries["train"].people["person"].nunique() == 3


def test_landmarks_are_those_of_the_view(tiny_settings: Settings, tmp_path: Path) -> None:
    rows = "".join(
        f"{person:04d},{yaw},nose_tip,{person + yaw},{person},1\n"
        for person in range(12)
        for yaw in (-45, 0)
    )
    _, galleries = opened(with_file(tiny_settings, tmp_path, POINTS + rows))
    gallery = galleries["train"]
    assert gallery.landmarks is not None
    assert list(gallery.landmarks.columns) == ["nose_tip_x", "nose_tip_y"]
    person, yaw = gallery.people["person"].astype(float), gallery.people["yaw"]
    known = yaw.isin([-45, 0])
    wanted = pd.DataFrame({"nose_tip_x": person + yaw, "nose_tip_y": person}).where(known)
    np.testing.assert_array_equal(gallery.landmarks, wanted)
    front = gallery.where(yaw == 0).landmarks
    assert front is not None
    assert len(front) == gallery.people["person"].nunique()


@pytest.mark.parametrize(
    "text",
    ["", "x,y\n1,2\n", POINTS + "0,0,nose,1,2,1\n" * 2, POINTS + "0,0,nose,?,2,1\n"],
    ids=["nothing", "other columns", "twice", "no number"],
)
def test_landmarks_that_are_none_are_left_out_and_said(
    tiny_settings: Settings, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, galleries = opened(with_file(tiny_settings, tmp_path, text))
    assert galleries["test"].landmarks is None
    assert "landmarks.csv" in caplog.text
    assert "is left out" in caplog.text
