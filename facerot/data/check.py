"""The command `python -m facerot.data.check`: what a face set holds, before an hour of training."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facerot.command import command
from facerot.config import FaceSet, Settings
from facerot.data.images import for_each
from facerot.data.listing import list_faces
from facerot.data.pairs import Pair, make_pairs, summary, too_few_persons
from facerot.data.photo import decode, opened, upright_rgb
from facerot.data.root import Root
from facerot.data.views import View
from facerot.errors import SettingsError, first_few, printable
from facerot.panels import Pixels, captioned

THUMBNAIL = 16  # px
# RMS of 255 between thumbnails. Of the 102 persons of the London Set, and of the 240 rendered ones,
# no two came below 8.9; one photo saved again in another size and quality stayed below 2.3.
SAME_PHOTO = 4.0
BLOCK = 1024  # thumbnails compared with all others at a time
SHEET_ROWS, SHEET_COLUMNS, ENLARGE = 2, 12, 2
MEAN_OF = 200  # pairs at most
CYAN, YELLOW = (0, 255, 255), (255, 255, 0)


@dataclass(frozen=True)
class Photo:
    """What one readable file turned out to be."""

    size: str
    kind: str
    thumbnail: Pixels


def check(settings: Settings) -> None:
    """Print what was found, what would be paired and what would not; write a sheet of pairs.

    Raises SettingsError, at the end, where the set cannot be trained on as it is.
    """
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # any file name
    listed = list_faces(settings.data)
    root, views = listed.root, listed.views
    print(f"{root.path}\n{len(listed.stamps)} files, {len(views)} views")
    _print_unlisted(listed.stamps.keys() - {view.file for view in views})
    photos, faults = scan(root, views, settings.data)
    _print_views(views, photos)
    pairs, unpaired = make_pairs(views, settings.source_yaw, settings.target_yaw, settings.mirror)
    bad = Counter({"photos that cannot be used": len(faults)})
    good = [pair for pair in pairs if pair.source in photos and pair.target in photos]
    print(summary(settings, good, listed.left_out + unpaired + bad))
    if good:
        print(f"mean and random pairs, source above target: {write_sheet(root, good, settings)}")
        print(_regions(settings.data))
        print("Is the nose to the image's left wherever the yaw is negative? Does the crop fit?")
    _refuse(settings, good, faults, duplicates(photos))


def scan(
    root: Root, views: Sequence[View], faces: FaceSet
) -> tuple[dict[View, Photo], dict[View, str]]:
    """Every view, opened and decoded whole: what it is, or why it cannot be used."""
    photos: dict[View, Photo] = {}

    def look(view: View, data: bytes) -> None:
        if faces.matte is not None:  # a photo that can be read may have no wall
            decode(data, view.person, faces, THUMBNAIL, view.place)
        photos[view] = _photo(data)

    faults = for_each(views, root, f"reading {faces.name}", look)
    return {view: photos[view] for view in views if view in photos}, faults


def _photo(data: bytes) -> Photo:
    with opened(data) as picture:
        kind, size = f"{picture.format} {picture.mode}", f"{picture.width}x{picture.height}"
        picture.draft("RGB", (4 * THUMBNAIL,) * 2)  # of a large JPEG, to save time
        small = upright_rgb(picture).resize((THUMBNAIL,) * 2, Image.Resampling.BOX)
    return Photo(size, kind, np.asarray(small.convert("RGB")))


def duplicates(photos: Mapping[View, Photo]) -> list[list[View]]:
    """Groups of views that show the same photo under several persons' names."""
    first: dict[View, View] = {}
    for one, other in _same_looks(photos):
        if one.person != other.person:
            first.setdefault(other, first.get(one, one))
    groups: dict[View, list[View]] = defaultdict(list)
    for other, one in first.items():
        groups[one].append(other)
    return [[one, *others] for one, others in groups.items()]


def _same_looks(photos: Mapping[View, Photo]) -> Iterator[tuple[View, View]]:
    views = list(photos)
    looks = np.array([photos[view].thumbnail.ravel() for view in views], np.float32)
    squares = (looks**2).sum(axis=-1)
    for start in range(0, len(views), BLOCK):
        block = looks[start : start + BLOCK]
        distances = (block**2).sum(axis=1)[:, None] + squares - 2 * block @ looks.T
        for row, column in np.argwhere(distances < SAME_PHOTO**2 * looks.shape[1]).tolist():
            if start + row < column:
                yield views[start + row], views[column]


def _print_unlisted(names: set[str]) -> None:
    if names:
        few = printable(", ".join(sorted(names)[:3]))
        print(f"{len(names)} files are no view, such as {few}")


def _print_views(views: Sequence[View], photos: Mapping[View, Photo]) -> None:
    yaws = Counter(f"{yaw:g}" for yaw in sorted(view.yaw for view in views))
    sessions = Counter(" ".join(filter(None, view.session)) for view in views)
    print(f"persons   {len({view.person for view in views})}")
    print(f"yaws      {', '.join(f'{yaw} ({count})' for yaw, count in yaws.items()) or '-'}")
    print(f"sessions  {_counts(sessions)}")
    print(f"sizes     {_counts(Counter(photo.size for photo in photos.values()))}")
    print(f"modes     {_counts(Counter(photo.kind for photo in photos.values()))}")


def _counts(counter: Counter[str], most: int = 12) -> str:
    rest = len(counter) - most
    known = ", ".join(
        f"{printable(name) or '-'} ({count})" for name, count in counter.most_common(most)
    )
    return f"{known}, and {rest} others" if rest > 0 else known or "-"


def write_sheet(root: Root, pairs: Sequence[Pair], settings: Settings) -> Path:
    """A picture of the mean pair, and of a random pair of some random persons, as they are seen.

    Eye band and face box are drawn on all. Captions are the source yaw and the person; another
    `seed` picks others.
    """
    order = np.random.default_rng(settings.seed).permutation(len(pairs)).tolist()
    of_person = {pairs[i].person: pairs[i] for i in order}
    some = [_faces(root, pairs[i], settings) for i in order[:MEAN_OF]]
    shown = {"mean": np.rint(np.mean(some, axis=0)).astype(np.uint8)}
    for pair in list(of_person.values())[: SHEET_ROWS * SHEET_COLUMNS - 1]:
        shown[f"{pair.yaw:g} {pair.person}"] = _faces(root, pair, settings)
    columns = [(name, _outlined(faces, settings.data)) for name, faces in shown.items()]
    width = min(SHEET_COLUMNS, len(columns))
    bands = [
        captioned(dict(columns[i : i + width])) for i in range(0, len(columns) - width + 1, width)
    ]
    sheet = Image.fromarray(np.concatenate(bands))
    yaws = "_".join(f"{yaw:g}" for yaw in settings.source_yaw)
    name = f"{settings.data.name}-check_{yaws}_to_{settings.target_yaw:g}.png"
    path = Path(settings.outputs) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    size = sheet.width * ENLARGE, sheet.height * ENLARGE
    sheet.resize(size, Image.Resampling.NEAREST).save(path)
    return path


def _faces(root: Root, pair: Pair, settings: Settings) -> Pixels:
    """The source and the target of a pair, (2, size, size, 3)."""
    pixels = np.stack(
        [
            decode(root.read(view.file), view.person, settings.data, settings.size, view.place)
            for view in (pair.source, pair.target)
        ]
    )
    faces: Pixels = pixels.transpose(0, 2, 3, 1)
    return faces[:, :, ::-1] if pair.flip else faces


def _outlined(images: Pixels, faces: FaceSet) -> Pixels:
    """Images (N, S, S, 3) with the eye band in CYAN and the face box in YELLOW."""
    size = images.shape[1]
    drawn: Pixels = images.copy()
    for edge in faces.eye_band or ():
        drawn[:, min(round(edge * size), size - 1), ::2] = CYAN
    if faces.face_box is not None:
        left, top, right, bottom = (min(round(edge * size), size - 1) for edge in faces.face_box)
        drawn[:, top : bottom + 1, [left, right]] = YELLOW
        drawn[:, [top, bottom], left : right + 1] = YELLOW
    return drawn


def _regions(faces: FaceSet) -> str:
    known = {"eye band (cyan)": faces.eye_band, "face box (yellow)": faces.face_box}
    named = " and ".join(name for name, where in known.items() if where is not None)
    lacking = [f"data.{name}" for name in ("eye_band", "face_box") if not getattr(faces, name)]
    said = f"Does the {named} fit?" if named else ""
    without = f"Without {' and '.join(lacking)} the scores there are left out." if lacking else ""
    return f"{said} {without}".strip()


def _refuse(
    settings: Settings,
    pairs: Sequence[Pair],
    faults: Mapping[View, str],
    twins: Sequence[Sequence[View]],
) -> None:
    """Raise SettingsError with everything that needs mending, or say that nothing does."""
    wrong = []
    if twins:
        named = first_few([first_few([view.file for view in same], " = ") for same in twins])
        wrong.append(f"{len(twins)} photos are there under several persons (a leak): {named}")
    if faults:
        named = first_few(sorted(f"{view.file} ({why})" for view, why in faults.items()))
        wrong.append(f"{len(faults)} photos cannot be used: {named}")
    if not pairs:
        wrong.append(f"nothing is paired at source_yaw={settings.source_yaw}")
    elif (too_few := too_few_persons(settings, pairs)) is not None:
        wrong.append(too_few)
    if wrong:
        raise SettingsError(f"data={settings.data.name}: {'. '.join(wrong)}")
    print("no photo is unusable, none is there under several persons")


main = command("check", Settings, check)

if __name__ == "__main__":
    main()
