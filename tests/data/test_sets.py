"""The face sets of conf/data on tiny trees in their publishers' own names.

What must be paired is written here from the publishers' descriptions, person by person.
"""

from __future__ import annotations

import bz2
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import hydra
import numpy as np
import pytest

from facerot.config import CONF, Settings
from facerot.data.datamodule import FacePairs
from facerot.data.listing import list_faces, list_views
from facerot.data.pairs import make_pairs
from facerot.data.root import Root
from facerot.errors import SettingsError
from facerot.validate import resolve
from tests.conftest import draw_head

Triple = tuple[str, str, str]  # person, source file, target file


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def draw(root: Path, names: Iterable[str]) -> Path:
    """A tree of small drawn heads under the given names, each of its own colour."""
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture, buffer = draw_head(seed, 0).convert("RGB"), io.BytesIO()
        kind = {"ppm": "PPM", "jpg": "JPEG", "png": "PNG"}.get(name.lower().split(".")[1], "PNG")
        picture.save(buffer, kind)
        data = buffer.getvalue()
        path.write_bytes(bz2.compress(data) if name.endswith(".bz2") else data)
    return root


def settings_of(data: str, root: Path, *overrides: str) -> Settings:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        line = [f"data={data}", f"data.root='{root}'", "budget=smoke", *overrides]
        return resolve(hydra.compose("train", line), Settings)


def paired(settings: Settings) -> set[Triple]:
    root = Root(settings.data.root)
    views, _ = list_views(root, root.files(), settings.data)
    pairs, _ = make_pairs(views, settings.source_yaw, settings.target_yaw)
    found = [(pair.person, pair.source.file, pair.target.file) for pair in pairs]
    assert len(set(found)) == len(found)
    return set(found)


def test_fei_turns_from_01_to_10_and_is_frontal_at_11(tmp_path: Path) -> None:
    photos = [f"{number:02d}" for number in range(1, 15)]
    names = [f"originalimages_part1/{person}-{photo}.jpg" for person in (1, 50) for photo in photos]
    names += [f"originalimages_part4/200-{photo}.jpg" for photo in photos]
    root = draw(tmp_path / "fei", names)
    one, four = "originalimages_part1", "originalimages_part4"
    for yaw, photo in ((-90, "01"), (90, "10")):
        assert paired(settings_of("fei", root, f"source_yaw={yaw}")) == {
            ("1", f"{one}/1-{photo}.jpg", f"{one}/1-11.jpg"),
            ("50", f"{one}/50-{photo}.jpg", f"{one}/50-11.jpg"),
            ("200", f"{four}/200-{photo}.jpg", f"{four}/200-11.jpg"),
        }
    flat = draw(tmp_path / "flat", ["1-01.jpg", "1-11.jpg", "1-14.jpg"])
    assert paired(settings_of("fei", flat)) == {("1", "1-01.jpg", "1-11.jpg")}


def test_kdef_pairs_within_a_session_and_an_expression(tmp_path: Path) -> None:
    names = [
        f"{shot}/{shot}{expression}{angle}.JPG"
        for shot in ("AF01", "BF01", "AM01")
        for expression in ("AN", "NE")
        for angle in ("FL", "HL", "S", "HR", "FR")
    ]
    root = draw(tmp_path / "KDEF", [*names, "AF31/AF31V.JPG", "AM31/AM31H.JPG", "AM34/AM34DIS.JPG"])
    assert paired(settings_of("kdef", root)) == {
        (person, f"{shot}/{shot}{expression}FL.JPG", f"{shot}/{shot}{expression}S.JPG")
        for shot, person in (("AF01", "F01"), ("BF01", "F01"), ("AM01", "M01"))
        for expression in ("AN", "NE")
    }
    assert ("M01", "AM01/AM01NEHR.JPG", "AM01/AM01NES.JPG") in paired(
        settings_of("kdef", root, "source_yaw=45")
    )


def test_cfp_pairs_its_two_folders_by_number(tmp_path: Path) -> None:
    names = [
        f"cfp-dataset/Data/Images/{person}/{folder}/{number:02d}.jpg"
        for person in ("001", "500")
        for folder, count in (("frontal", 10), ("profile", 4))
        for number in range(1, count + 1)
    ]
    root = draw(tmp_path / "cfp", names)
    (root / "cfp-dataset/Data/Fiducials/001/frontal").mkdir(parents=True)
    (root / "cfp-dataset/Data/Fiducials/001/frontal/01.txt").write_text("1,1")
    wanted = {
        (person, f"{person}/profile/{number:02d}.jpg", f"{person}/frontal/{number:02d}.jpg")
        for person in ("001", "500")
        for number in range(1, 5)
    }
    for top in ("", "cfp-dataset/Data/", "cfp-dataset/Data/Images/"):
        below = "cfp-dataset/Data/Images/".removeprefix(top)
        assert paired(settings_of("cfp", root / top)) == {
            (person, below + source, below + target) for person, source, target in wanted
        }


def test_multipie_reads_the_camera_codes(tmp_path: Path) -> None:
    cameras = ("11_0", "12_0", "09_0", "08_0", "13_0", "14_0", "05_1", "05_0", "04_1", "19_0",
               "20_0", "01_0", "24_0", "08_1", "19_1")  # fmt: skip

    def name(person: str, session: str, recording: str, camera: str, flash: str) -> str:
        file = f"{person}_{session}_{recording}_{camera.replace('_', '')}_{flash}.png"
        return f"session{session}/multiview/{person}/{recording}/{camera}/{file}"

    shots = [("001", "01", "01"), ("001", "01", "02"), ("346", "04", "01")]
    lit = [(*shot, camera, flash) for shot in shots for camera in cameras for flash in ("00", "07")]
    root = draw(tmp_path, [name(*photo) for photo in lit])
    for yaw, camera in ((-90, "11_0"), (-45, "08_0"), (15, "05_0"), (30, "04_1"), (90, "24_0")):
        assert paired(settings_of("multipie", root, f"source_yaw={yaw}")) == {
            (shot[0], name(*shot, camera, "07"), name(*shot, "05_1", "07")) for shot in shots
        }


def test_rafd_pairs_within_an_expression_and_a_gaze(tmp_path: Path) -> None:
    who = ("01_Caucasian_female", "33_Caucasian_male", "73_Moroccan_male")
    acts = [
        f"{expression}_{gaze}"
        for expression in ("angry", "neutral")
        for gaze in ("frontal", "left")
    ]
    names = [f"Rafd{angle}_{person}_{act}.jpg" for angle in ("000", "045", "090", "135", "180")
             for person in who for act in acts]  # fmt: skip
    root = draw(tmp_path, names)
    for yaw, angle in ((-90, "180"), (-45, "135"), (45, "045"), (90, "000")):
        assert paired(settings_of("rafd", root, f"source_yaw={yaw}")) == {
            (person[:2], f"Rafd{angle}_{person}_{act}.jpg", f"Rafd090_{person}_{act}.jpg")
            for person in who
            for act in acts
        }


def test_feret_pairs_within_a_date_and_reads_bz2(tmp_path: Path) -> None:
    names = [
        f"dvd1/data/images/00001/00001_{date}_{pose}.ppm.bz2"
        for date in ("930831", "940128")
        for pose in ("fa", "fb", "pl", "pr", "hl", "rb")
    ]
    names += [f"dvd2/data/images/00740/00740_941201_{pose}_a.ppm.bz2" for pose in ("fa", "pl")]
    names += ["dvd2/data/images/00740/00740_941201_pl.ppm"]  # without glasses: no frontal one
    root = draw(tmp_path, names)
    at = "dvd1/data/images/00001/00001_"
    glasses = "dvd2/data/images/00740/00740_941201_"
    settings = settings_of("feret", root, "test_fraction=0.5", "split_seed=3")
    assert paired(settings) == {
        ("00001", f"{at}930831_pl.ppm.bz2", f"{at}930831_fa.ppm.bz2"),
        ("00001", f"{at}940128_pl.ppm.bz2", f"{at}940128_fa.ppm.bz2"),
        ("00740", f"{glasses}pl_a.ppm.bz2", f"{glasses}fa_a.ppm.bz2"),
    }
    assert len(paired(settings_of("feret", root, "source_yaw=10"))) == 2
    assert sum(map(len, FacePairs(settings).splits.values())) == 3  # decoded from the .bz2


def test_pointing04_takes_tilt_0_and_leaves_the_front_folder_out(tmp_path: Path) -> None:
    def name(person: str, series: int, tilt: str, pan: str, number: int) -> str:
        return f"Person{person}/personne{person}{series}{number:02d}{tilt}{pan}.jpg"

    pans = ("-90", "-45", "+0", "+15", "+90")
    names = [
        name(person, series, tilt, pan, 10 * row + column)
        for person in ("01", "15")
        for series in (1, 2)
        for row, tilt in enumerate(("-60", "+0", "+15"))
        for column, pan in enumerate(pans)
    ]
    root = draw(tmp_path, [*names, "Front/personne01112+0+0.jpg", "Front/personne15212+0+0.jpg"])
    assert paired(settings_of("pointing04", root)) == {
        (person, name(person, series, "+0", "-45", 11), name(person, series, "+0", "+0", 12))
        for person in ("01", "15")
        for series in (1, 2)
    }


def test_london_pairs_within_an_expression(tmp_path: Path) -> None:
    views = {"left_profile": "06", "left_3quarter": "07", "front": "03", "right_3quarter": "04",
             "right_profile": "09"}  # fmt: skip
    names = [f"{mood}_{view}/{person}_{number}.jpg" for mood in ("neutral", "smiling")
             for view, number in views.items() for person in ("001", "173")]  # fmt: skip
    root = draw(tmp_path, [*names, "london_faces_info.csv.jpg"])
    for yaw, view in ((-90, "left_profile"), (-36, "left_3quarter"), (90, "right_profile")):
        assert paired(settings_of("london", root, f"source_yaw={yaw}")) == {
            (person, f"{mood}_{view}/{person}_{views[view]}.jpg", f"{mood}_front/{person}_03.jpg")
            for person in ("001", "173")
            for mood in ("neutral", "smiling")
        }


def test_muct_pairs_within_a_light(tmp_path: Path) -> None:
    shots = (("000q", "fn"), ("000r", "fn"), ("624z", "mg"))
    names = [f"jpg/i{shot}{camera}-{kind}.jpg" for shot, kind in shots for camera in "abcde"]
    root = draw(tmp_path, names)
    assert paired(settings_of("muct", root)) == {
        ("000", "jpg/i000qc-fn.jpg", "jpg/i000qa-fn.jpg"),
        ("000", "jpg/i000rc-fn.jpg", "jpg/i000ra-fn.jpg"),
        ("624", "jpg/i624zc-mg.jpg", "jpg/i624za-mg.jpg"),
    }


def test_facescape_asks_for_a_manifest_and_pairs_what_it_lists(tmp_path: Path) -> None:
    names = [
        f"{person}/{act}/{view}.jpg" for person in (1, 212) for act in (1, 20) for view in (0, 7)
    ]
    root = draw(tmp_path, names)
    settings = settings_of("facescape", root)
    with pytest.raises(SettingsError, match=r"data\.manifest=views\.csv"):
        paired(settings)
    yaw = {"0": 0, "7": -45}
    rows = [f"{name},{name.split('/')[0]},{yaw[name[-5]]},{name.split('/')[1]}" for name in names]
    (root / "views.csv").write_text("\n".join(["path,person,yaw,session", *rows]))
    assert paired(settings) == {
        (str(person), f"{person}/{act}/7.jpg", f"{person}/{act}/0.jpg")
        for person in (1, 212)
        for act in (1, 20)
    }


def test_your_own_folder_takes_any_name_and_format(tmp_path: Path) -> None:
    names = ["Zoë Müller/front.jpg", "Zoë Müller/left.JPG", "o'Neil/front.TIFF", "o'Neil/left.bmp"]
    names += ["山田 花子/front.png", "山田 花子/left.webp", "o'Neil/holiday.png", "notes.txt"]
    root = draw(tmp_path / "my photos", names)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for name in names:
            archive.write(root / name, f"my photos/{name}")
    for place, top in ((root, ""), (tmp_path / "mine.zip", "my photos/")):
        settings = settings_of("folder", place, "test_fraction=0.5")
        assert paired(settings) == {
            ("Zoë Müller", f"{top}Zoë Müller/left.JPG", f"{top}Zoë Müller/front.jpg"),
            ("山田 花子", f"{top}山田 花子/left.webp", f"{top}山田 花子/front.png"),
            ("o'Neil", f"{top}o'Neil/left.bmp", f"{top}o'Neil/front.TIFF"),
        }
    more = settings_of("folder", root, "+data.yaw.holiday=-20", "source_yaw=-20")
    assert paired(more) == {("o'Neil", "o'Neil/holiday.png", "o'Neil/front.TIFF")}


MANIFEST = """path,person,yaw,session
a.png,Ann,0,1
b.png,Ann,-30,1
c.png,Ann,-30,2
sub/d e.png,Bo,0,
"sub/f,g.png",Bo,-30,
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    names = ["a.png", "b.png", "c.png", "sub/d e.png", "sub/f,g.png", "unlisted.png"]
    root = draw(tmp_path / "listed", names)
    (root / "faces.csv").write_text(MANIFEST)
    return root


def test_a_manifest_pairs_what_it_lists(listed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text("\ufeff" + MANIFEST)
    for manifest in ("faces.csv", str(elsewhere)):
        settings = settings_of("folder", listed, f"data.manifest={manifest}", "source_yaw=-30")
        assert paired(settings) == {
            ("Ann", "b.png", "a.png"),
            ("Bo", "sub/f,g.png", "sub/d e.png"),
        }


def test_another_manifest_is_another_face_set(listed: Path) -> None:
    settings = settings_of("folder", listed, "data.manifest=faces.csv")
    before = list_faces(settings.data).fingerprint
    (listed / "faces.csv").write_text(MANIFEST.replace("Ann,-30,1", "Ann,-31,1"))
    assert list_faces(settings.data).fingerprint != before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a.png", "nowhere.png", ["line 2: there is no file 'nowhere.png'"]),
        (",0,", ",front,", ["line 2: yaw 'front'", "line 5: yaw 'front'"]),
        ("Ann", "", ["line 2: no person", "line 4: no person"]),
        ("-30", "nan", ["yaw nan"]),
        ("yaw", "angle", ["no column yaw"]),
        ("b.png", '"b.png', ["not a CSV"]),
        (MANIFEST.partition("\n")[2], "", ["no rows"]),
    ],
)
def test_a_manifest_is_refused_with_all_its_faults(
    listed: Path, old: str, new: str, says: list[str]
) -> None:
    (listed / "faces.csv").write_text(MANIFEST.replace(old, new))
    with pytest.raises(SettingsError) as refused:
        paired(settings_of("folder", listed, "data.manifest=faces.csv"))
    assert all(text in str(refused.value) for text in ["data.manifest=faces.csv", *says])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("manifest", ["none.csv", "a.png"])
def test_a_manifest_that_cannot_be_read_is_refused(listed: Path, manifest: str) -> None:
    with pytest.raises(SettingsError, match=r"data\.manifest="):
        paired(settings_of("folder", listed, f"data.manifest={manifest}"))


def test_a_face_set_becomes_the_tensors_of_its_files(tmp_path: Path) -> None:
    names = [f"{person}/{view}.png" for person in "abcdef" for view in ("left", "front")]
    root = draw(tmp_path / "six", names)
    faces = FacePairs(settings_of("folder", root, "test_fraction=0.3")).splits
    assert sum(map(len, faces.values())) == 6
    colours = np.concatenate([part[:][1][:, :, 16, 32] for part in faces.values()])
    wanted = {draw_head(seed, 0).getpixel((32, 16))[:3] for seed in range(1, 12, 2)}  # type: ignore[index]
    assert {tuple(colour) for colour in colours.tolist()} == wanted
