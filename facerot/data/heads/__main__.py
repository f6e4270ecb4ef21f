"""The command `python -m facerot.data.heads`: render, check and show the embedded faces."""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from pathlib import Path
from typing import NoReturn

from facerot.data.heads.check import measure
from facerot.data.heads.faceset import SHIPPED, YAWS, FaceSet
from facerot.data.heads.sheet import contact_sheet

PERSONS, SEED, SAMPLES = "0-239", 1, 144


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and do it; errors end with one line."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: {error.name} is not installed; rendering needs pip install facerot[heads]"
        )
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:
        sys.exit(f"error: {error}")


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and stop."""
        self.exit(2, f"error: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The three commands and their flags."""
    commands = Parser(prog="python -m facerot.data.heads", description=__doc__)
    sub = commands.add_subparsers(required=True, metavar="render | check | sheet")

    render = sub.add_parser("render", help="render persons; a killed render goes on")
    render.add_argument("--out", type=Path, default=Path("heads.zip"), help="a .zip or a folder")
    render.add_argument("--persons", type=person_list, default=PERSONS, help="such as 17 or 0-9,12")
    render.add_argument("--seed", type=natural, default=SEED)
    render.add_argument("--samples", type=square, default=SAMPLES, help="rays per pixel, a square")
    render.add_argument("--workers", type=positive, default=os.cpu_count() or 1)
    render.set_defaults(run=run_render)

    check = sub.add_parser("check", help="print the numbers a face set must show")
    check.add_argument("zip", type=Path, nargs="?", default=SHIPPED)
    check.set_defaults(run=run_check)

    sheet = sub.add_parser("sheet", help="draw a contact sheet")
    sheet.add_argument("zip", type=Path, nargs="?", default=SHIPPED)
    sheet.add_argument("--out", type=Path, default=Path("contact_sheet.png"))
    sheet.add_argument("--persons", type=person_list, default="0-11", help="such as 17 or 0-9,12")
    sheet.add_argument("--yaws", type=yaw_list, default="-90,-45,0,45,90", help="--yaws=-45,0")
    sheet.add_argument("--columns", type=positive, default=2)
    sheet.add_argument("--enlarge", type=positive, default=2)
    sheet.add_argument("--landmarks", action="store_true", help="green: visible, red: hidden")
    sheet.set_defaults(run=run_sheet)
    return commands


def run_render(options: argparse.Namespace) -> None:
    """Render the persons; the rendering packages are needed only from here on."""
    from facerot.data.heads.batch import render_set

    render_set(options.out, options.persons, options.seed, options.samples, options.workers)


def run_check(options: argparse.Namespace) -> None:
    """Print the numbers of a set."""
    print(measure(FaceSet(options.zip)))


def run_sheet(options: argparse.Namespace) -> None:
    """Write a contact sheet."""
    faces = FaceSet(options.zip)
    size = (options.columns, options.enlarge)
    sheet = contact_sheet(faces, options.persons, options.yaws, *size, options.landmarks)
    sheet.save(options.out, optimize=True)


def person_list(text: str) -> list[int]:
    """Numbers and ranges, such as 0-9,12, sorted and without repeats."""
    persons: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise argparse.ArgumentTypeError(f"{part!r} is no person; give 17 or 0-9 or 0-9,12")
        persons.update(range(int(first), int(last or first) + 1))
    if not persons or max(persons) > 9999:
        raise argparse.ArgumentTypeError(f"{text!r} must name persons between 0 and 9999")
    return sorted(persons)


def yaw_list(text: str) -> list[int]:
    """Yaws in degrees, such as -45,0,45."""
    yaws = [int(part) for part in text.split(",") if part.lstrip("-").isdecimal()]
    if len(yaws) != len(text.split(",")) or not set(yaws) <= set(YAWS):
        raise argparse.ArgumentTypeError(f"{text!r}: the set has the yaws {YAWS}")
    return yaws


def natural(text: str) -> int:
    """A number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def positive(text: str) -> int:
    """A number from 1."""
    if natural(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return int(text)


def square(text: str) -> int:
    """A square number: the sampler lays its rays on a square grid and rounds others up."""
    if round(positive(text) ** 0.5) ** 2 != int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no square number, such as 144")
    return int(text)


if __name__ == "__main__":
    main()
