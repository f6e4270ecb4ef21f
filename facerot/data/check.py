"""The command `python -m facerot.data.check`: what a face set holds, before an hour of training."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image

from facerot.command import command
from facerot.config import EITHER_WAY, FaceSet, Settings
from facerot.data.images import for_each
from facerot.data.listing import list_faces
from facerot.data.pairs import Pair, make_pairs, summary, too_few_persons
from facerot.data.photo import crop_box, decode, opened, upright_rgb
from facerot.data.root import Root
from facerot.data.sheet import write_sheet
from facerot.data.sorting import write_page
from facerot.data.views import View
from facerot.errors import SettingsError, first_few, printable
from facerot.panels import Pixels

THUMBNAIL = 16  # px
# RMS of 255 between thumbnails. Of the 102 persons of the London Set, and of the 240 rendered ones,
# no two came below 8.9; one photo saved again in another size and quality stayed below 2.3.
SAME_PHOTO = 4.0
BLOCK = 1024  # thumbnails compared with all others at a time
COMPANIONS = (".csv", ".json", ".md", ".txt", ".xml")  # tables and texts beside photos
KEYS = ("person", "view")  # of a pattern; its other groups make the session
USUAL_BAND = 0.15  # the height of an eye band, of that of the picture


@dataclass(frozen=True)
class Photo:
    """What one readable file turned out to be."""

    size: tuple[int, int]  # upright: width, height in px
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
    _print_views(views, photos, settings.data)
    pairs, unpaired = make_pairs(views, settings.source_yaw, settings.target_yaw, settings.mirror)
    bad = Counter({"photos that cannot be used": len(faults)})
    good = [pair for pair in pairs if pair.source in photos and pair.target in photos]
    print(summary(settings, good, listed.left_out + unpaired + bad))
    if good:
        print(f"such as   {_example(good[0])}")
        print(f"mean and random pairs, source above target: {write_sheet(root, good, settings)}")
        print("\n".join(_questions(settings, good, photos)))
    _print_unsorted(root, views, settings)
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
        kind, size = f"{picture.format} {picture.mode}", picture.size
        if picture.getexif().get(ExifTags.Base.Orientation, 1) > 4:  # it lies on its side
            size = size[::-1]
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
    """Files that are no view, but for the tables and texts that lie beside photos."""
    missed = sorted(name for name in names if not name.lower().endswith(COMPANIONS))
    if missed:
        few = printable(", ".join(missed[:3]))
        print(f"{len(missed)} files are no view, such as {few}")


def _print_views(views: Sequence[View], photos: Mapping[View, Photo], faces: FaceSet) -> None:
    yaws = Counter(_yaw(view, faces) for view in sorted(views, key=lambda view: view.yaw))
    sessions = Counter(" ".join(filter(None, view.session)) for view in views)
    sizes = Counter(f"{width}x{height}" for width, height in (p.size for p in photos.values()))
    print(f"persons   {len({view.person for view in views})}")
    print(f"yaws      {', '.join(f'{yaw} ({count})' for yaw, count in yaws.items()) or '-'}")
    print(f"sessions  {_counts(sessions)}{_what_is_a_session(faces)}")
    print(f"sizes     {_counts(sizes)}")
    print(f"modes     {_counts(Counter(photo.kind for photo in photos.values()))}")


def _yaw(view: View, faces: FaceSet) -> str:
    unsorted = view.two_way and faces.flip is None
    return f"{EITHER_WAY}{-view.yaw:g}" if unsorted else f"{view.yaw:g}"


def _what_is_a_session(faces: FaceSet) -> str:
    if faces.manifest is not None:
        return "; both photos of a pair have the same 'session' in the manifest"
    groups = [name for name in re.compile(faces.pattern or "").groupindex if name not in KEYS]
    named = " and ".join(f"'{name}'" for name in sorted(groups))
    return f"; both photos of a pair have the same {named} in data.pattern" if groups else ""


def _example(pair: Pair) -> str:
    mirrored = ", both mirrored" * pair.flip
    return printable(f"{pair.source.file} -> {pair.target.file}{mirrored}")


def _counts(counter: Counter[str], most: int = 12) -> str:
    rest = len(counter) - most
    known = ", ".join(
        f"{printable(name) or '-'} ({count})" for name, count in counter.most_common(most)
    )
    return f"{known}, and {rest} others" if rest > 0 else known or "-"


def _questions(
    settings: Settings, pairs: Sequence[Pair], photos: Mapping[View, Photo]
) -> Iterator[str]:
    """What only a look at the sheet answers, and what the files themselves say of its regions."""
    faces = settings.data
    known = {"eye band (cyan)": faces.eye_band, "face box (yellow)": faces.face_box}
    drawn = [name for name, where in known.items() if where is not None]
    if drawn:
        yield f"Look at it: {'does' if len(drawn) == 1 else 'do'} the {' and '.join(drawn)} fit?"
    if faces.unknown_regions:
        yield f"Without {faces.unknown_regions} the scores there are left out."
    yield "Is the nose to the image's left wherever the yaw is negative? Does the crop fit?"
    used = dict.fromkeys(view for pair in pairs for view in (pair.source, pair.target))
    yield from _eyes(faces, [(view, photos[view].size) for view in used if view.eyes])
    boxes = [crop_box(photos[view].size, faces.crop) for view in used if view.place is None]
    small = sum(min(box[2] - box[0], box[3] - box[1]) < settings.size for box in boxes)
    if small:
        yield (
            f"{small} of {len(used)} photos are smaller than size={settings.size} once they are "
            "cut: they are enlarged, which adds no detail"
        )


def _eyes(faces: FaceSet, views: Sequence[tuple[View, tuple[int, int]]]) -> Iterator[str]:
    """Where the eyes lie that a manifest gives, and a warning where that is not the eye band."""
    if faces.align is not None or not views:
        return  # none is known, or they were put into the band
    boxes = [(view.eyes, crop_box(size, faces.crop)) for view, size in views]
    rows = [(y - box[1]) / (box[3] - box[1]) for eyes, box in boxes for _, y in eyes]
    low, middle, high = np.quantile(rows, (0.05, 0.5, 0.95))
    said = f"the eyes lie at rows {low:.2f} to {high:.2f} of the cut photos (19 of 20 of them)"
    top, bottom = faces.eye_band or (1.0, 0.0)
    outside = sum(not top <= row <= bottom for row in rows)
    if not outside:
        yield said
        return
    half = max(USUAL_BAND / 2, (high - low) / 2)
    fit = f"[{max(middle - half, 0):.2f},{min(middle + half, 1):.2f}]"
    yield f"{said}, {outside} of {len(rows)} outside of data.eye_band={faces.eye_band}: try {fit}"


def _print_unsorted(root: Root, views: Sequence[View], settings: Settings) -> None:
    """Where photos face either way, by their names: the page on which they are sorted."""
    either = [view for view in views if view.two_way]
    if not either:
        return
    page = write_page(root, either, settings)
    if settings.data.flip is None:
        print(
            f"{len(either)} photos face left or right, and nobody has said which: sort them in "
            f"{page}, save the list and write data.flip=LIST"
        )
    else:
        right = sum(view.yaw > 0 for view in either)
        print(f"{right} of {len(either)} photos face right, as data.flip says: {page}")


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
