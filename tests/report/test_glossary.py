"""What the page says of each score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from facerot.report.glossary import SCORES, hint, scores_in
from facerot.report.tables import LATENT_SCORES

DEFINITIONS = (Path(__file__).parents[2] / "docs" / "definitions.md").read_text()


def test_every_score_that_is_measured_or_shown_is_explained(studied: Path) -> None:
    run = studied / "outputs" / "heads-smoke" / "unet_concats-1234_seed-0"
    measured = set(pd.read_csv(run / "latents.csv")["score"])
    assert {score for score in (*measured, *LATENT_SCORES) if not hint(score)} == set()


def test_every_score_that_is_explained_is_defined() -> None:
    assert [name for name in SCORES if f"`{name}" not in DEFINITIONS] == []


def test_a_text_is_searched_for_whole_names_in_any_spelling() -> None:
    text = "MSE, edges found, face_luma_front_match and mixing_rg; a frontmatter, a lowpassed input"
    assert list(scores_in(text)) == ["mse", "edges_found", "face_luma_front_match", "mixing"]
    assert hint("face_rotation") == f"{SCORES['rotation']}; in the face box"
    assert hint("Seeds") == ""


def test_a_claim_is_explained_by_its_sentence() -> None:
    assert hint("concat3-hurts") == "Adding Concat3 makes the output worse."
