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
        print(f"random pairs, source above target: {write_sheet(root, good, settings)}")
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
    yaws = sorted(view.yaw for view in views)
    sessions = Counter(" ".join(filter(None, view.session)) for view in views)
    print(f"persons   {len({view.person for view in views})}")
    print(f"yaws      {_counts(Counter(f'{yaw:g}' for yaw in yaws))}")
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
    """A picture of a random pair of some random persons, as the network will see them.

    Captions are the source yaw and the person; another `seed` picks others.
    """
    order = np.random.default_rng(settings.seed).permutation(len(pairs)).tolist()
    of_person = {pairs[i].person: pairs[i] for i in order}
    shown = list(of_person.values())[: SHEET_ROWS * SHEET_COLUMNS]
    width = min(SHEET_COLUMNS, len(shown))
    bands = [
        captioned({_caption(pair): _faces(root, pair, settings) for pair in shown[i : i + width]})
        for i in range(0, len(shown) - width + 1, width)
    ]
    sheet = Image.fromarray(np.concatenate(bands))
    path = Path(settings.outputs) / f"{settings.data.name}-check.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = sheet.width * ENLARGE, sheet.height * ENLARGE
    sheet.resize(size, Image.Resampling.NEAREST).save(path)
    return path


def _caption(pair: Pair) -> str:
    return f"{pair.yaw:g} {pair.person}"


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
