"""Which unnamed setting decides each claim: the claims over many specs.

A spec is one way of setting what the paper does not name. Steegen et al. (2016), Increasing
Transparency Through a Multiverse Analysis; Simonsohn et al. (2020), Specification curve analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from facerot.config import what_trains
from facerot.evidence.bootstrap import Estimate
from facerot.evidence.claims import Judged, judge_all
from facerot.runs.study import ASKED_PER_RUN, Study

NAMES_OF_FACES = ("data.pattern", "data.yaw", "data.manifest", "data.crop")
VERDICTS = ("holds", "fails", "null", "open")


@dataclass(frozen=True)
class Spec:
    """One way of setting what the paper does not name, and what became of the claims under it.

    Attributes:
        name: of its file in conf/spec, or of what it changes.
        changed: the settings in which it differs from the default spec.
        judged: the claims.
    """

    name: str
    changed: dict[str, Any]
    judged: Sequence[Judged]

    def found(self, claim: str, split: str) -> Estimate | None:
        """What came out for a claim, None where it is not judged on that split."""
        for one in self.judged:
            if (one.claim.name, one.split) == (claim, split):
                return one.found
        return None


def specs_of(study: Study, judged: Sequence[Judged]) -> list[Spec]:
    """The specs of a study that holds several: the default with what is judged of it, then others.

    Another face set than the default's is one change, `data`.
    """
    others = [Spec(one.spec, changes(one, study), judge_all(one)) for one in study.others]
    return [Spec(study.spec, {}, judged), *others]


def changes(study: Study, usual: Study) -> dict[str, Any]:
    """The training settings in which a study differs from the usual one."""
    ours, theirs = (what_trains(one.runs[0].settings) for one in (study, usual))
    differ = {
        key: value
        for key, value in ours.items()
        if theirs.get(key) != value and key not in (*ASKED_PER_RUN, *NAMES_OF_FACES)
    }
    data = study.runs[0].settings.data.name
    return differ if data == usual.runs[0].settings.data.name else {"data": data, **differ}


def sentence(claim: str, split: str, specs: Sequence[Spec]) -> str:
    """In how many specs a claim holds, fails, ..., and which differ from the default, the first."""
    known = {spec.name: spec.found(claim, split) for spec in specs}
    verdicts = {name: found.verdict for name, found in known.items() if found and found.seeds}
    usual = verdicts.get(specs[0].name)
    told = []
    for verdict in VERDICTS:
        names = [name for name, found in verdicts.items() if found == verdict]
        if not names:
            continue
        which = f": {', '.join(names)}"
        if {usual, verdict} == {"holds", "fails"}:
            which = f", turned by {', '.join(names)}"
        elif verdict == usual:
            which = ", as by default"
        told.append(f"{verdict} in {len(names)}{which}")
    return f"{'; '.join(told) or 'not judged'} (of {len(verdicts)} specs)"
