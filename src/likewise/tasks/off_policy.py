"""The value of a policy, from the log of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from likewise.data.catalogue import ProductData
from likewise.data.contexts import Contexts
from likewise.data.module import ProductModule
from likewise.data.relevance import LoggedFeedback
from likewise.errors import LikewiseError
from likewise.metrics.off_policy import (
    LoggedRounds,
    OffPolicyEstimator,
    UnsupportedValue,
    diagnose,
)
from likewise.policies.base import Policy
from likewise.policies.rewards import cross_fitted
from likewise.similarity.base import Similarity
from likewise.tasks.base import Result, Task


class OffPolicy(Task):
    """Estimates the mean reward per round that a policy would have earned.

    The units are the rounds of the split; each estimator is a metric whose terms are the values of
    the units. An estimate that the log cannot support is left out with a sentence in the notes; in
    validation it counts as the least reward of the split, so that no such epoch is chosen.

    Args:
        metrics: estimators, by name.
        similarity: of the run; it is not used.
        folds: number of folds by which rewards are predicted: a round is predicted by a model of
            the training rounds and of the other folds.
        penalty: of the squared coefficients of the predictions, see ``RewardModel``.
    """

    metric_kind = OffPolicyEstimator
    scorer_kind = Policy
    relevance = LoggedFeedback

    def __init__(
        self,
        metrics: Mapping[str, Any],
        similarity: Similarity,
        folds: int = 3,
        penalty: float = 1.0,
    ) -> None:
        super().__init__(metrics, similarity)
        if folds < 2 or not penalty > 0:
            raise LikewiseError(
                f"task.folds={folds} must be at least 2 and task.penalty={penalty} above 0"
            )
        self.folds, self.penalty = folds, penalty
        # Contexts and predicted rewards by split and data: they do not depend on the policy.
        self._read: dict[tuple[str, str, int], tuple[Contexts, np.ndarray]] = {}

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``."""
        feedback = data.get(LoggedFeedback)
        rows = feedback.splits.get(name, np.zeros(0, np.int64))
        if not len(rows):
            raise LikewiseError(f"the log has no rounds in {name}, so no policy has a value there")
        super().check_split(data, name)

    def validate(
        self, scorer: Policy, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``."""
        rounds = self.rounds(scorer, module, "validation", device)
        if rounds is None:
            return dict.fromkeys(self.metrics, float("nan"))
        found = {}
        for name, estimator in self.metrics.items():
            try:
                found[name] = estimator(rounds)
            except UnsupportedValue:
                found[name] = float(rounds.reward.min())
        return found

    def test(
        self, scorer: Policy, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``.

        Raises:
            UnsupportedValue: no estimate can be supported.
        """
        rounds = self.rounds(scorer, module, split, device)
        if rounds is None:
            raise LikewiseError("the policy gives probabilities that are not finite")
        feedback = module.data.get(LoggedFeedback)
        rows = feedback.splits[split]
        ids = np.array(module.data.catalogue["product_id"][:])
        table: dict[str, Any] = {
            # What evidence is paired by: the number of the round in the log.
            "product_id": rows.astype(str),
            "shown": ids[feedback.action[rows]],
            "position": feedback.position[rows],
            "reward": rounds.reward,
            "weight": rounds.weights,
        }
        scores, refused = {}, []
        for name, estimator in self.metrics.items():
            try:
                found = estimator.estimate(rounds)
            except UnsupportedValue as error:
                refused.append(error)
                continue
            table[name] = estimator.terms(rounds)
            scores[f"{split}/{name}"] = found.value
            scores[f"{split}/{name}_low"] = found.interval.low
            scores[f"{split}/{name}_high"] = found.interval.high
        if not scores:
            raise refused[0]
        known = diagnose(rounds)
        scores |= {
            f"{split}/effective_sample_size": known.effective_sample_size,
            f"{split}/mean_weight": known.mean_weight.mean,
            f"{split}/max_weight": known.max_weight,
            f"{split}/support": known.support,
        }
        notes = (
            "Intervals (low, high) are Student's t over rounds; the interval of DM leaves out the "
            "error of its model.",
            *(f"{error}." for error in refused),
        )
        return Result(scores, table, specifications=self.specifications, notes=notes)

    def rounds(
        self, scorer: Policy, module: ProductModule, split: str, device: torch.device
    ) -> LoggedRounds | None:
        """Return the rounds of a split under a policy; ``None`` if a probability is NaN."""
        feedback = module.data.get(LoggedFeedback)
        rows = feedback.splits[split]
        key = split, module.data.fingerprint, module.seed
        if key not in self._read:
            self._read[key] = self._contexts_and_predictions(module, rows)
        contexts, predicted = self._read[key]
        with torch.no_grad():
            logs = scorer.log_probabilities(contexts.to(device))
        probability = logs.double().exp().cpu().numpy()
        if not np.isfinite(probability).all():
            return None
        # In double precision they add up to 1 better than in the policy's own.
        probability /= probability.sum(1, keepdims=True)
        here = np.arange(len(rows)), feedback.action[rows]
        unseen = ~feedback.shown(probability.shape[1])[feedback.position[rows]]
        return LoggedRounds(
            reward=feedback.reward[rows],
            propensity=feedback.propensity[rows],
            probability=probability[here],
            predicted=predicted[here],
            expected=(probability * predicted).sum(1),
            unsupported=(probability * unseen).sum(1),
        )

    def _contexts_and_predictions(
        self, module: ProductModule, rows: np.ndarray
    ) -> tuple[Contexts, np.ndarray]:
        """Return the contexts of rows of the log and all predicted rewards, float64 [m, n]."""
        feedback = module.data.get(LoggedFeedback)
        products = len(module.data.catalogue)
        contexts = Contexts.of(feedback, rows, products)
        if not any(estimator.predicts for estimator in self.metrics.values()):
            return contexts, np.zeros((len(rows), products))
        known = np.concatenate([np.setdiff1d(feedback.splits["train"], rows), rows])
        predicted = cross_fitted(
            Contexts.of(feedback, known, products),
            feedback.action[known],
            feedback.reward[known],
            len(rows),
            self.folds,
            module.seed,
            self.penalty,
        )
        return contexts, predicted
