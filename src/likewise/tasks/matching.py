"""Telling matches from other pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import torch

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.relevance import Pairs
from likewise.matchers.base import Matcher
from likewise.metrics.matching import DecisionRule, JudgedPairs, MatchingMetric
from likewise.tasks.base import DrawnFigure, Result, Task


class Matching(Task):
    """Labelled pairs, a match from a threshold on.

    The threshold (best F1) and the calibration of scores to probabilities (Platt's) come from the
    validation pairs; a finished run that is evaluated on data without validation pairs uses those
    that it has stored. Other splits of the pairs that begin with the tested one's name, such as
    ``test_without_leaks``, are scored by the same.

    Args:
        metrics: by name.
        similarity: compares embeddings.
    """

    metric_kind = MatchingMetric
    scorer_kind = Matcher
    relevance = Pairs
    restored: DecisionRule | None = None

    def restore(self, chosen: Mapping[str, float]) -> None:
        """See ``Task``."""
        self.restored = DecisionRule(**chosen) if chosen else None

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``."""
        if name != "validation" or self.restored is None:
            super().check_split(data, name)

    def validate(
        self, scorer: Matcher, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``."""
        scores, labels = self._scores(scorer, module, "validation", device)
        if not np.isfinite(scores).all():
            return dict.fromkeys(self.metrics, np.nan)
        judged = DecisionRule.fit(scores, labels).judge(scores, labels)
        return {name: metric(judged) for name, metric in self.metrics.items()}

    def test(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``."""
        rule = self._rule(scorer, module, device)
        judged = rule.judge(*self._scores(scorer, module, split, device))
        pairs = module.data.get(Pairs)
        found = {f"{split}/{name}": metric(judged) for name, metric in self.metrics.items()}
        for other in (name for name in pairs.splits if name.startswith(f"{split}_")):
            kept = np.isin(pairs.splits[split], pairs.splits[other])
            some = judged.some(kept)
            # Where no pair is left out, the scores would be those of the split itself.
            if not kept.all() and len(np.unique(some.labels)) == 2:
                found |= {f"{other}/{name}": metric(some) for name, metric in self.metrics.items()}
        rows = pairs.splits[split]
        ids = np.array(module.data.catalogue["product_id"][:])
        left, right = ids[pairs.left[rows]], ids[pairs.right[rows]]
        table = {
            "unit_id": np.array([f"{a}|{b}" for a, b in zip(left, right, strict=True)]),
            "left_id": left,
            "right_id": right,
            "label": judged.labels,
            "score": judged.scores,
            "probability": judged.probabilities,
            "is_match": judged.predicted,
        }
        table |= {name: metric.per_pair(judged) for name, metric in self.metrics.items()}
        found[f"{split}/threshold"] = judged.threshold
        # Pairs of the same product go up and down together.
        clusters = ("left_id", "right_id")
        return Result(
            found,
            dict(table),
            clusters=clusters,
            specifications=self.specifications,
            draw=lambda: _draw(judged),
            chosen=asdict(rule),
        )

    def _rule(self, scorer: Matcher, module: ProductModule, device: torch.device) -> DecisionRule:
        """The rule of the validation pairs; where they cannot give one, the restored rule."""
        if self.restored is not None and "validation" in module.data.get(Pairs).untellable():
            return self.restored
        return DecisionRule.fit(*self._scores(scorer, module, "validation", device))

    def _scores(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> tuple[np.ndarray, np.ndarray]:
        pairs = module.pair_split(split, device)
        scores = scorer.match_pairs(pairs)
        return scores.double().cpu().numpy(), pairs.labels.cpu().numpy()


def _draw(judged: JudgedPairs) -> dict[str, DrawnFigure]:
    from likewise.figures.matching import matching_curves

    figure = matching_curves(judged.labels, judged.scores, judged.probabilities, judged.threshold)
    caption = "Precision and recall, scores and calibration of the test pairs"
    return {"matching": DrawnFigure(figure, caption)}
