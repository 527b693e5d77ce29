"""A threshold that follows a stream of feedback."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from likewise.errors import LikewiseError
from likewise.thresholds.base import Decision, KnownPairs, Threshold


class Adaptive(Threshold):
    """An online rule that controls the share of false matches in any stream, also under drift.

    After feedback on a declared pair, the threshold moves by ``step`` times (false - alpha), where
    false is 1 for a false match and 0 otherwise, and alpha = 1 - ``precision`` (adaptive conformal
    inference, Gibbs and Candès 2021, arXiv 2106.00170, equation 2, on declared pairs only).
    Feedback on a pair that was not declared lowers it by ``step`` times alpha, but only while false
    matches are at most alpha times the declared ones.

    **What is promised.** For every stream, without any assumption on it, after n declared pairs
    with feedback at most alpha n + 1 + 1 / ``step`` of them are false. This is a statement on long
    runs: it says little before n is large against 1 / (alpha ``step``). A stream in which even the
    highest scores are false ends in silence: nothing is declared until a threshold is chosen again.

    The proof: let V be the number of false matches minus alpha n. Since V was last at most 0, only
    declared pairs have moved the threshold, so it rose by at least ``step`` times the rise of V. It
    cannot rise by more than 1 + ``step``, the range of scores and one step, as nothing is declared
    above that range.

    Scores are put on the range of the validation scores, from 0 to 1, and clipped.

    Args:
        rule: chooses the first threshold from validation pairs.
        precision: 1 - alpha, between 0 and 1.
        step: of the threshold, as a fraction of the range of scores, between 0 and 1.
    """

    def __init__(self, rule: Threshold, precision: float = 0.95, step: float = 0.02) -> None:
        for name, value in (("precision", precision), ("step", step)):
            if not 0 < value < 1:
                raise LikewiseError(f"threshold.{name}={value} must be between 0 and 1")
        self.rule, self.precision, self.step = rule, precision, step

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``; no feedback was given yet."""
        low, high = float(known.scores.min()), float(known.scores.max())
        if low == high:
            raise LikewiseError(
                "all validation scores are equal, so a threshold cannot follow feedback; use a "
                "matcher that tells pairs apart"
            )
        at = (min(self.rule.decide(known).threshold, high) - low) / (high - low)
        state = {"low": low, "high": high, "at": at, "declared": 0.0, "false": 0.0}
        return Decision(self._on_scores(at, state), self._promise(), promised=True, state=state)

    def follow(self, decision: Decision, scores: np.ndarray, labels: np.ndarray) -> Decision:
        """See ``Threshold``."""
        return self.trace(decision, scores, labels)[0]

    def trace(
        self, decision: Decision, scores: np.ndarray, labels: np.ndarray
    ) -> tuple[Decision, np.ndarray]:
        """Return the decision after feedback, and the threshold that each pair met, float64 [m].

        Args:
            decision: of ``decide``, ``follow`` or ``trace``.
            scores, labels: float [m] and int [m], in the order of the stream.

        Raises:
            LikewiseError: the decision is of another rule, or a score or label cannot be used.
        """
        state = dict(decision.state)
        if not {"low", "high", "at", "declared", "false"} <= set(state):
            raise LikewiseError(
                "the saved threshold was chosen by a rule that does not follow feedback; choose it "
                "again with threshold=adaptive"
            )
        if not np.isfinite(scores).all() or not np.isin(labels, (0, 1)).all():
            raise LikewiseError("feedback needs finite scores and labels that are 0 or 1")
        alpha, at = 1 - self.precision, state["at"]
        low, span = state["low"], state["high"] - state["low"]
        met = np.empty(len(scores))
        for place, (score, label) in enumerate(zip(scores, labels, strict=True)):
            met[place] = at
            if min(max((score - low) / span, 0.0), 1.0) >= at:
                state["declared"] += 1
                state["false"] += float(label == 0)
                at = max(0.0, at + self.step * (float(label == 0) - alpha))
            elif state["false"] <= alpha * state["declared"]:
                at = max(0.0, at - self.step * alpha)
        state["at"] = at
        now = replace(decision, threshold=self._on_scores(at, state), state=state)
        return now, np.array([self._on_scores(one, state) for one in met])

    def _on_scores(self, at: float, state: Mapping[str, float]) -> float:
        """Return a threshold on the scale of scores; above the range nothing is declared."""
        if at <= 0:
            return -math.inf
        return state["low"] + (state["high"] - state["low"]) * at if at <= 1 else math.inf

    def _promise(self) -> str:
        return (
            f"In any stream, of n declared pairs with feedback at most {1 - self.precision:g} n + "
            f"{1 + 1 / self.step:g} are false matches."
        )
