"""The face set on disk: PNG files and two tables in one zip, read in place."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

SHIPPED = Path(__file__).parent / "heads.zip"
SIZE = 64
YAWS = (-90, -60, -45, -30, 0, 30, 45, 60, 90)
LANDMARKS = (
    *("left_pupil", "right_pupil", "nose_tip", "left_mouth", "right_mouth"),
    *("left_ear", "right_ear"),
)
LANDMARK_COLUMNS = ("person", "yaw", "landmark", "x", "y", "visible")
# Zip files store a date for each entry; a fixed one keeps the bytes free of the clock.
EPOCH = (1980, 1, 1, 0, 0, 0)

Image = npt.NDArray[np.uint8]
Seen = tuple[float, float, bool]


class FaceSet:
    """A finished zip; persons are numbers, images are RGBA with straight alpha."""

    def __init__(self, path: Path = SHIPPED) -> None:
        self.path, self.archive = path, zipfile.ZipFile(path)
        self.names = set(self.archive.namelist())

    def persons(self) -> list[int]:
        """The numbers of the persons in the set."""
        return sorted({int(name[:4]) for name in self.names if name.endswith(".png")})

    def image(self, person: int, yaw: int) -> Image:
        """RGBA (64, 64, 4); raises FileNotFoundError where the set lacks the person or the yaw."""
        name = image_name(person, yaw)
        if name not in self.names:
            raise FileNotFoundError(f"{self.path} has no {name}")
        content = self.archive.read(name)
        return np.asarray(Pillow.open(io.BytesIO(content)))

    def over(self, person: int, yaw: int, background: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The image (64, 64, 3) in [0, 1] over a plain background in [0, 1]."""
        rgba = self.image(person, yaw) / 255
        alpha = rgba[..., 3:]
        shown: npt.NDArray[np.float64] = rgba[..., :3] * alpha + np.asarray(background) * (
            1 - alpha
        )
        return shown

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of `people.csv` or `landmarks.csv`."""
        return list(csv.DictReader(io.StringIO(self.archive.read(name).decode())))


def image_name(person: int, yaw: int) -> str:
    """The place of an image in the set."""
    return f"{person:04d}/yaw{yaw}.png"


def png(image: Image) -> bytes:
    """A PNG file of an image (H, W, C)."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "PNG", optimize=True)
    return file.getvalue()


def table(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> bytes:
    """A CSV file with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def landmark_table(person: int, seen: Mapping[int, Mapping[str, Seen]]) -> bytes:
    """One person's part of `landmarks.csv`, from landmarks by yaw and name."""
    rows = []
    for yaw, by_name in seen.items():
        for name, (x, y, visible) in by_name.items():
            values = (f"{person:04d}", yaw, name, f"{x:.2f}", f"{y:.2f}", int(visible))
            rows.append(dict(zip(LANDMARK_COLUMNS, values, strict=True)))
    return table(rows, LANDMARK_COLUMNS)


def write_set(out: Path, files: Mapping[str, bytes]) -> None:
    """Write the files by name: a zip, replaced at once, if `out` ends in .zip, else a folder."""
    if out.suffix == ".zip":
        unfinished = out.with_name(out.name + ".unfinished")
        _write_zip(unfinished, files)
        unfinished.replace(out)
        return
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Entries sorted by name and undated; PNG files are compressed already."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(files.items()):
            packing = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, packing)
