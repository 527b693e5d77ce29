"""Explaining the score of a pair of products by a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.experiment.parts import make_explanation
from likewise.experiment.targets import is_part
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair
from likewise.matchers.base import Matcher
from likewise.runs.saved import SavedRun

if TYPE_CHECKING:
    from datasets import Dataset

# The explanation that works for every encoder and matcher.
DEFAULT = "explanation=occlusion"


def with_explanation(overrides: Sequence[str]) -> list[str]:
    """Return the overrides of a run, with the default explanation if they choose none."""
    chosen = any(one.lstrip("+").startswith("explanation=") for one in overrides)
    return list(overrides) if chosen else [DEFAULT, *overrides]


def chosen_explanation(run: SavedRun) -> Explanation:
    """Make the explanation of a run; it has learned from the training data if it needs to.

    Raises:
        LikewiseError: the run scores no pairs, or has no explanation.
    """
    scorer = _matcher(run)
    if not is_part(run.config.get("explanation")):
        raise LikewiseError(f"explanation=none explains nothing; use {DEFAULT}")
    explanation = make_explanation(run.config)
    if explanation.learns:
        explanation.learn(scorer, run.module)
    return explanation


def explain(
    run: SavedRun, explanation: Explanation, catalogue: Dataset, rows: tuple[int, int]
) -> tuple[ProductPair, Attribution]:
    """Explain the score of two rows of a catalogue.

    Raises:
        LikewiseError: the pair cannot be explained in this way.
    """
    pair = ProductPair(
        _matcher(run), run.model.readers, catalogue, rows, explanation.grid, run.device
    )
    return pair, explanation.explain(pair)


def _matcher(run: SavedRun) -> Matcher:
    if not isinstance(run.scorer, Matcher):
        raise LikewiseError(
            f"the scores of this run's {type(run.scorer).__name__} are not those of pairs of "
            "products, so there is no pair to explain; use a run that has a matcher, or an encoder"
        )
    return run.scorer
