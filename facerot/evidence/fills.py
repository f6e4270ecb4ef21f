"""What silencing shows under each fill: what is necessary, what suffices, which claims stand.

Zeros disturb the decoder besides withholding information. The less a fill costs by itself, the more
of what is left is the information: `optimal` costs least.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from facerot.config import FILLS
from facerot.evidence.bootstrap import Estimate
from facerot.evidence.claims import ALL, CLAIMS, NONE, WITHOUT
from facerot.evidence.shapley import GAMES, games
from facerot.latents import LATENTS
from facerot.runs.study import Study

ALL_FILLS = (*FILLS, "other", "optimal")  # in the order in which they disturb less


def ablations(study: Study, split: str) -> pd.DataFrame:
    """Necessity and sufficiency of each latent of the Baseline, for the scores of GAMES.

    Columns `score`, `fill`, `latent`, `seed`, `necessity` = worth(all) - worth(-k) and
    `sufficiency` = worth(keep k) - worth(none), worth being the score, an error with a minus.
    A fill that no run was measured with has no rows.
    """
    rows = []
    for fill in ALL_FILLS:
        filled = replace(study, fill=fill)
        for score in games(study):
            worth = {
                keep: GAMES[score] * filled.score(score, keep, split)
                for keep in (ALL, NONE, *WITHOUT.values(), *map(str, LATENTS))
            }
            for k in LATENTS:
                both = {
                    "necessity": worth[ALL] - worth[WITHOUT[k]],
                    "sufficiency": worth[str(k)] - worth[NONE],
                }
                found = pd.DataFrame(both).rename_axis("seed").reset_index()
                rows.append(found.assign(score=score, fill=fill, latent=k))
    whole: pd.DataFrame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return whole


def claims_by_fill(study: Study, split: str) -> dict[str, dict[str, Estimate]]:
    """The claims that rest on silenced latents, by name: what comes out under each fill.

    No seeds where a fill was not measured: `other` and `optimal` are of the probe rgb alone.
    """
    filled = {fill: replace(study, fill=fill) for fill in ALL_FILLS}
    return {
        claim.name: {fill: claim.judge(one, split) for fill, one in filled.items()}
        for claim in CLAIMS
        if claim.silences
    }
