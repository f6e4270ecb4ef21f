"""The command `python -m facerot.measure`: the finished runs of a study, measured again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from facerot.command import command
from facerot.config import FILLS, Latents, Settings, require_fills
from facerot.errors import require
from facerot.measure.analyses import lacking
from facerot.measure.walk import Walk, each_run, refuse
from facerot.runs.run import Run


@dataclass
class Measure(Walk):
    """What is measured of which study; see conf/measure.yaml."""

    fills: list[str] | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fills is not None:
            require(len(self.fills) > 0, "fills=[] is empty: write fills=[zero]")
            require_fills("fills", self.fills)

    def of_run(self, made_with: Settings) -> Settings:
        """The settings of a run, as far as nothing else is asked for here."""
        latents = Latents(self.fills or made_with.latents.fills or list(FILLS))
        return replace(super().of_run(made_with), latents=latents)


def measure(asked: Measure) -> None:
    """Measure what is lacking of every finished run of a study, saying what is done and why.

    Raises SettingsError, once the others are measured, naming the runs that could not be.
    """
    refuse(each_run(asked, measure_run), "measured")


def measure_run(run: Run, settings: Settings) -> None:
    """Measure what is lacking of one run."""
    reasons = lacking(run, settings)
    if not reasons:
        print(f"{run.folder}: measured already", flush=True)
        return
    from facerot.measure.again import measure_again  # torch takes seconds: only for work

    measure_again(run, settings)
    for analysis, why in reasons.items():
        print(f"{run.folder}: {analysis.name} measured ({why})", flush=True)


main = command("measure", Measure, measure)

if __name__ == "__main__":
    main()
