"""Render many persons on all cores, so that a killed render can go on where it was."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from facerot.data.heads import assets, render
from facerot.data.heads.draw import draw_person
from facerot.data.heads.faceset import image_name, landmark_table, png, table, write_set
from facerot.data.heads.people import attributes

# A renderer that crashes takes its worker along; what it left undone is tried again this often.
ATTEMPTS = 3


def render_set(out: Path, persons: Sequence[int], seed: int, samples: int, workers: int) -> None:
    """Render the persons into `out`, a zip or a folder; raises RuntimeError if some keep failing.

    Finished persons wait in a folder beside `out`, one for each set of arguments that changes
    the pictures, until all are there.
    """
    assets.data_folder()
    render.mitsuba()
    work = out.with_name(out.name + ".parts") / f"{seed}-{samples}-{source_hash()}"
    work.mkdir(parents=True, exist_ok=True)
    with tqdm(total=len(persons), unit="person") as bar:
        for _ in range(ATTEMPTS):
            missing = [person for person in persons if not folder(work, person).exists()]
            bar.update(len(persons) - len(missing) - bar.n)
            if missing:
                _render_missing(work, missing, seed, samples, workers, bar)
    if missing := [person for person in persons if not folder(work, person).exists()]:
        raise RuntimeError(f"the renderer crashed {ATTEMPTS} times on persons among {missing}")
    write_set(out, gather(work, persons, seed))
    shutil.rmtree(work.parent)


def source_hash() -> str:
    """Eight hex digits that change with the generator's code."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def folder(work: Path, person: int) -> Path:
    """Where a finished person waits."""
    return work / f"{person:04d}"


def _render_missing(
    work: Path,
    missing: Sequence[int],
    seed: int,
    samples: int,
    workers: int,
    bar: tqdm[Any],
) -> None:
    """Render what is missing in fresh processes, up to the first crash of the renderer."""
    spawn = multiprocessing.get_context("spawn")
    job = partial(render_one, work, seed, samples)
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        try:
            for _ in pool.map(job, missing):
                bar.update()
        except BrokenProcessPool:
            bar.write("a renderer crashed; going on with a new one")


def render_one(work: Path, seed: int, samples: int, person: int) -> None:
    """Render one person into its folder, which appears only when it is complete."""
    images, seen = render.render_person(seed, person, samples)
    unfinished = work / f"{person:04d}.unfinished"
    unfinished.mkdir(exist_ok=True)
    for yaw, image in images.items():
        (unfinished / Path(image_name(person, yaw)).name).write_bytes(png(image))
    (unfinished / "landmarks.csv").write_bytes(landmark_table(person, seen))
    unfinished.rename(folder(work, person))


def gather(work: Path, persons: Sequence[int], seed: int) -> dict[str, bytes]:
    """The files of the whole set by name."""
    files: dict[str, bytes] = {}
    landmarks: list[bytes] = []
    for person in sorted(persons):
        for file in folder(work, person).glob("*.png"):
            files[f"{person:04d}/{file.name}"] = file.read_bytes()
        header, *rows = (folder(work, person) / "landmarks.csv").read_bytes().splitlines(True)
        landmarks += rows if landmarks else [header, *rows]
    people = [attributes(draw_person(seed, person)) for person in sorted(persons)]
    files["people.csv"] = table(people, people[0])
    files["landmarks.csv"] = b"".join(landmarks)
    return files
