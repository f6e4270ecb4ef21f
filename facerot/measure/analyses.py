"""What is measured of a trained network: its tables, and by which definitions.

An analysis NAME leaves NAME.parquet (tidy, a row a face and score), its means NAME.csv and, written
last, NAME.json: the version of its definitions, and the settings it was measured with.
Nothing here needs torch before something is measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from facerot import __version__
from facerot.config import FILLS, MEASURES, Latents, Settings, what_decides
from facerot.errors import SettingsError
from facerot.runs.files import checksum, read_json, refuse_changed, write_json, write_whole
from facerot.runs.run import Run

if TYPE_CHECKING:
    from facerot.data.datamodule import FacePairs
    from facerot.model import UNet


log = logging.getLogger(__name__)

USUAL_SIZE = 64  # px
KINDS = ("parquet", "csv")
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

    def stamp(self, run: Run) -> dict[str, Any]:
        """What NAME.json says of how the table was measured; empty before it was.

        Empty too where it is damaged: then it is measured again.
        """
        try:
            stamp = read_json(run.folder / f"{self.name}.json") or {}
        except SettingsError:
            return {}
        return stamp if isinstance(stamp.get("latents.fills"), list) else {}

    def lacks(self, run: Run, settings: Settings) -> str | None:
        """Why this table has to be measured, None where it is there as asked."""
        stamp, tables = self.stamp(run), [run.folder / f"{self.name}.{kind}" for kind in KINDS]
        if not settings.latents.fills:
            return None
        if not stamp or not all(table.exists() for table in tables):
            return "not measured yet"
        for table in tables:
            try:
                refuse_changed(table, stamp)
            except SettingsError:
                return f"{table.name} is damaged"
        if stamp.get("version") != self.version:
            return f"definitions of version {stamp.get('version')}, now {self.version}"
        for key, asked in what_decides(settings, MEASURES).items():
            there = stamp.get(key)
            among = key == "latents.fills" and all(fill in stamp[key] for fill in asked)
            if there != asked and not among:
                return f"measured with {key}={there}, now {asked}"
        return None

    def write(self, run: Run, network: UNet, pairs: FacePairs, settings: Settings) -> None:
        """Measure, and write the files, NAME.json last; fills measured before are kept."""
        fills = [*settings.latents.fills, *self.stamp(run).get("latents.fills", ())]
        asked = replace(settings, latents=Latents([fill for fill in FILLS if fill in fills]))
        if settings.size > USUAL_SIZE:
            times = (settings.size / USUAL_SIZE) ** 2
            log.info(
                f"measuring {self.name} of {settings.size} px: {times:.3g} times the usual work"
            )
        table = self.measure(network, pairs, asked)
        means = self.averages(table)
        place = run.folder / self.name
        write_whole(place.with_suffix(".parquet"), partial(table.to_parquet, compression="zstd"))
        write_whole(place.with_suffix(".csv"), partial(means.to_csv, **CSV))
        said = {"version": self.version, "facerot": __version__, **what_decides(asked, MEASURES)}
        said["sha256"] = {
            f"{self.name}.{kind}": checksum(place.with_suffix(f".{kind}")) for kind in KINDS
        }
        write_json(place.with_suffix(".json"), said)


def _silence(network: UNet, pairs: FacePairs, settings: Settings) -> pd.DataFrame:
    from facerot.measure.scores import Regions
    from facerot.measure.silencing import silence

    regions = Regions(settings.data.eye_band, settings.data.face_box)
    return silence(network, pairs, settings.latents.fills, regions)


def _averages(table: pd.DataFrame) -> pd.DataFrame:
    from facerot.measure.silencing import averages

    return averages(table)


ANALYSES = (Analysis("latents", 2, _silence, _averages),)


def lacking(run: Run, settings: Settings) -> dict[Analysis, str]:
    """The analyses that have to be done, each with the reason."""
    reasons = {analysis: analysis.lacks(run, settings) for analysis in ANALYSES}
    return {analysis: why for analysis, why in reasons.items() if why is not None}
