"""What is measured of a trained network: its tables, and by which definitions.

An analysis NAME leaves NAME.parquet (tidy, a row a face and score), its means NAME.csv and, written
last, NAME.json: the version of its definitions, and what it was measured with.
ANALYSES are part of every run, FURTHER those that `facerot.analyse` adds once it is trained.
Nothing here needs torch before something is measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image

from facerot import __version__
from facerot.config import FILLS, MEASURES, Latents, Settings, what_decides
from facerot.errors import SettingsError
from facerot.runs.files import checksum, read_json, refuse_changed, write_json, write_whole
from facerot.runs.run import Run

if TYPE_CHECKING:
    from facerot.data.datamodule import FacePairs
    from facerot.measure.scores import Regions
    from facerot.model import UNet


log = logging.getLogger(__name__)

USUAL_SIZE = 64  # px
KINDS = ("parquet", "csv")
NOT_YET = "not measured yet"
DIGITS = 12  # of the checksum that tells weights apart
CSV: dict[str, Any] = {
    "index": False, "float_format": "%.8g", "na_rep": "nan", "lineterminator": "\n"
}  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """One table of a run.

    Attributes:
        name: of its files.
        version: counts up when the same network and faces would get other numbers.
        measure: (network in eval mode, faces, settings) -> the tidy table, a row a face and score.
        averages: the tidy table -> its means over faces.
    """

    name: str
    version: int
    measure: Callable[[UNet, FacePairs, Settings], pd.DataFrame]
    averages: Callable[[pd.DataFrame], pd.DataFrame]

    def decided_by(self, run: Run, settings: Settings) -> dict[str, Any]:
        """What decides the table besides the run's faces: settings, and which weights.

        Without the weights where they are gone: what was measured of them stays.
        """
        measures = what_decides(settings, MEASURES)
        del measures["latents.fills"]
        weights = {"weights": checksum(run.weights)[:DIGITS]} if run.weights.exists() else {}
        return {**measures, **weights}

    def stamp(self, run: Run) -> dict[str, Any]:
        """What NAME.json says of how the table was measured; empty before it was.

        Empty too where it is damaged: then it is measured again.
        """
        try:
            return read_json(run.folder / f"{self.name}.json") or {}
        except SettingsError:
            return {}

    def lacks(self, run: Run, settings: Settings) -> str | None:
        """Why this table has to be measured, None where it is there as asked."""
        stamp, tables = self.stamp(run), [run.folder / f"{self.name}.{kind}" for kind in KINDS]
        if not stamp or not all(table.exists() for table in tables):
            return NOT_YET
        for table in tables:
            try:
                refuse_changed(table, stamp)
            except SettingsError:
                return f"{table.name} is damaged"
        if stamp.get("version") != self.version:
            return f"definitions of version {stamp.get('version')}, now {self.version}"
        for key, asked in self.decided_by(run, settings).items():
            if not self.serves(key, stamp.get(key), asked):
                return f"measured with {key}={stamp.get(key)}, now {asked}"
        return None

    def serves(self, key: str, there: Any, asked: Any) -> bool:
        """Whether what a table was measured with is what is asked for."""
        return bool(there == asked)

    def write(self, run: Run, network: UNet, pairs: FacePairs, settings: Settings) -> None:
        """Measure, and write the files, NAME.json last."""
        if settings.size > USUAL_SIZE:
            times = (settings.size / USUAL_SIZE) ** 2
            log.info(
                f"measuring {self.name} of {settings.size} px: {times:.3g} times the usual work"
            )
        table = self.measure(network, pairs, settings)
        means = self.averages(table)
        place = run.folder / self.name
        write_whole(place.with_suffix(".parquet"), partial(table.to_parquet, compression="zstd"))
        write_whole(place.with_suffix(".csv"), partial(means.to_csv, **CSV))
        said = {"version": self.version, "facerot": __version__, **self.decided_by(run, settings)}
        said["sha256"] = {
            f"{self.name}.{kind}": checksum(place.with_suffix(f".{kind}")) for kind in KINDS
        }
        write_json(place.with_suffix(".json"), said)


class Silencing(Analysis):
    """The table of a run's own, by the fills that are asked for; it is there before the weights."""

    def decided_by(self, run: Run, settings: Settings) -> dict[str, Any]:
        """The settings alone."""
        return what_decides(settings, MEASURES)

    def stamp(self, run: Run) -> dict[str, Any]:
        """As of every analysis; empty too where it does not name its fills."""
        stamp = super().stamp(run)
        return stamp if isinstance(stamp.get("latents.fills"), list) else {}

    def lacks(self, run: Run, settings: Settings) -> str | None:
        """Nothing where no fill is asked for."""
        return super().lacks(run, settings) if settings.latents.fills else None

    def serves(self, key: str, there: Any, asked: Any) -> bool:
        """More fills than asked for serve."""
        among = key == "latents.fills" and all(fill in there for fill in asked)
        return among or super().serves(key, there, asked)

    def write(self, run: Run, network: UNet, pairs: FacePairs, settings: Settings) -> None:
        """Fills measured before are kept."""
        fills = [*settings.latents.fills, *self.stamp(run).get("latents.fills", ())]
        asked = replace(settings, latents=Latents([fill for fill in FILLS if fill in fills]))
        super().write(run, network, pairs, asked)


def _silence(network: UNet, pairs: FacePairs, settings: Settings) -> pd.DataFrame:
    from facerot.measure.silencing import silence

    if settings.data.unknown_regions:
        log.info(f"without {settings.data.unknown_regions} the scores there are left out")
    return silence(network, pairs, settings.latents.fills, _regions(settings))


def _averages(table: pd.DataFrame) -> pd.DataFrame:
    from facerot.measure.silencing import averages

    return averages(table)


def _means(table: pd.DataFrame) -> pd.DataFrame:
    from facerot.measure.tables import means

    return means(table)


class Further(Analysis):
    """One of `facerot.analyse`, which may leave pictures in the run's faces/."""

    def write(self, run: Run, network: UNet, pairs: FacePairs, settings: Settings) -> None:
        """Measure and draw; the pictures first, so that they are there where NAME.json is."""
        draw = getattr(import_module(f"facerot.measure.{self.name}"), "pictures", None)
        for name, picture in draw(network, pairs).items() if draw else ():
            image = Image.fromarray(picture)
            place = run.folder / "faces" / f"{self.name}_{name}.png"
            place.parent.mkdir(exist_ok=True)
            write_whole(place, partial(image.save, format="PNG"))
        super().write(run, network, pairs, settings)


def further(
    name: str, version: int, averages: Callable[[pd.DataFrame], pd.DataFrame] = _means
) -> Analysis:
    """The analysis of the module NAME.py beside this one.

    Its function NAME takes (network in eval mode, faces, regions) and returns the tidy table: the
    columns that say what a value belongs to, FACE, `score`, `value`; a row a face and score. Its
    function `pictures`, where it has one, takes (network, faces) and returns pictures by name.
    """

    def measure(network: UNet, pairs: FacePairs, settings: Settings) -> pd.DataFrame:
        module = import_module(f"facerot.measure.{name}")
        table: pd.DataFrame = getattr(module, name)(network, pairs, _regions(settings))
        return table

    return Further(name, version, measure, averages)


def _regions(settings: Settings) -> Regions:
    from facerot.measure.scores import Regions

    return Regions(settings.data.eye_band, settings.data.face_box)


ANALYSES: tuple[Analysis, ...] = (Silencing("latents", 2, _silence, _averages),)
FURTHER = (
    further("ablation", 1, _averages),
    further("dose", 1),
    further("spectrum", 1),
    further("patching", 1),
    further("decodability", 2),
    further("direction", 1),
    further("depth", 1),
    further("geometry", 1),
)


def lacking(
    run: Run, settings: Settings, analyses: Sequence[Analysis] = ANALYSES
) -> dict[Analysis, str]:
    """The analyses that have to be done, each with the reason."""
    reasons = {analysis: analysis.lacks(run, settings) for analysis in analyses}
    return {analysis: why for analysis, why in reasons.items() if why is not None}
