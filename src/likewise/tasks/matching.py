"""Telling matches from other pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.relevance import Pairs
from likewise.matchers.base import Matcher
from likewise.metrics.matching import Calibration, JudgedPairs, MatchingMetric
from likewise.similarity.base import Similarity
from likewise.tasks.base import DrawnFigure, ExamplePair, Result, Task
from likewise.thresholds.base import Decision, KnownPairs, Threshold, pair_categories, pair_clusters
from likewise.thresholds.best_f1 import BestF1, best_threshold

# Before the name of a category whose threshold is recorded with a run.
CATEGORY = "threshold of "


class Matching(Task):
    """Labelled pairs, a match from a threshold on.

    The threshold and the calibration of scores to probabilities (Platt's) come from the validation
    pairs; a finished run that is evaluated on data without validation pairs uses those that it has
    stored. Other splits of the pairs that begin with the tested one's name, such as
    ``test_without_leaks``, are scored by the same. Epochs are compared at the best F1, whatever the
    rule of the threshold, so that the rule does not change the training.

    Args:
        metrics: by name.
        similarity: compares embeddings.
        threshold: chooses the threshold; ``None`` is the best F1.
    """

    metric_kind = MatchingMetric
    scorer_kind = Matcher
    relevance = Pairs
    uses_threshold = True
    gives_examples = True

    def __init__(
        self,
        metrics: Mapping[str, MatchingMetric],
        similarity: Similarity,
        threshold: Threshold | None = None,
    ) -> None:
        super().__init__(metrics, similarity)
        self.threshold = threshold or BestF1()
        self.restored: tuple[Decision, Calibration] | None = None

    def restore(self, chosen: Mapping[str, float]) -> None:
        """See ``Task``."""
        if chosen:
            by_category = {
                key.removeprefix(CATEGORY): value
                for key, value in chosen.items()
                if key.startswith(CATEGORY)
            }
            decision = Decision(chosen["threshold"], by_category=by_category)
            self.restored = decision, Calibration(chosen["slope"], chosen["intercept"])

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
        probabilities = Calibration.fit(scores, labels)(scores)
        judged = JudgedPairs(scores, probabilities, labels, best_threshold(scores, labels))
        return {name: metric(judged) for name, metric in self.metrics.items()}

    def test(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``."""
        decision, calibration = self._rule(scorer, module, device)
        scores, labels = self._scores(scorer, module, split, device)
        thresholds = decision.thresholds(categories_of(module, split), len(scores))
        judged = JudgedPairs(scores, calibration(scores), labels, thresholds)
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
        found[f"{split}/threshold"] = decision.threshold
        # Pairs of the same product go up and down together.
        clusters = ("left_id", "right_id")
        return Result(
            found,
            dict(table),
            clusters=clusters,
            specifications=self.specifications,
            draw=lambda: _draw(judged, decision.threshold),
            examples=_examples(judged, pairs.left[rows], pairs.right[rows]),
            notes=(decision.promise,) if decision.promise else (),
            chosen={
                **{CATEGORY + name: value for name, value in decision.by_category.items()},
                "threshold": decision.threshold,
                "slope": calibration.slope,
                "intercept": calibration.intercept,
            },
        )

    def _rule(
        self, scorer: Matcher, module: ProductModule, device: torch.device
    ) -> tuple[Decision, Calibration]:
        """From the validation pairs; where they cannot tell, what was restored."""
        if self.restored is not None and "validation" in module.data.get(Pairs).untellable():
            return self.restored
        known = self.known_pairs(scorer, module, device)
        return self.threshold.decide(known), Calibration.fit(known.scores, known.labels)

    def known_pairs(
        self, scorer: Matcher, module: ProductModule, device: torch.device
    ) -> KnownPairs:
        """Return the validation pairs, from which the threshold is chosen."""
        scores, labels = self._scores(scorer, module, "validation", device)
        pairs = module.data.get(Pairs)
        rows = pairs.splits["validation"]
        clusters = pair_clusters(pairs.left[rows], pairs.right[rows], labels)
        return KnownPairs(scores, labels, clusters, categories_of(module, "validation"))

    def _scores(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> tuple[np.ndarray, np.ndarray]:
        pairs = module.pair_split(split, device)
        scores = scorer.match_pairs(pairs)
        return scores.double().cpu().numpy(), pairs.labels.cpu().numpy()


def categories_of(module: ProductModule, split: str) -> np.ndarray | None:
    """Return the category of each pair of a split, object [m]; ``None`` without such a column."""
    catalogue, pairs = module.data.catalogue, module.data.get(Pairs)
    if "category" not in catalogue.column_names:
        return None
    known, rows = np.array(catalogue["category"][:], dtype=object), pairs.splits[split]
    return pair_categories(known[pairs.left[rows]], known[pairs.right[rows]])


def _examples(judged: JudgedPairs, left: np.ndarray, right: np.ndarray) -> list[ExamplePair]:
    """The surest match that was found, the surest one that is none, and the most missed one."""
    match, called = judged.labels == 1, judged.predicted
    found = []
    for among, sign, what in (
        (match & called, 1, "a match that was found"),
        (~match & called, 1, "products that were called a match and are none"),
        (match & ~called, -1, "a match that was missed"),
    ):
        if among.any():
            place = np.flatnonzero(among)[(sign * judged.scores[among]).argmax()]
            found.append(ExamplePair((int(left[place]), int(right[place])), what))
    return found


def _draw(judged: JudgedPairs, threshold: float) -> dict[str, DrawnFigure]:
    from likewise.figures.matching import matching_curves

    figure = matching_curves(
        judged.labels, judged.scores, judged.probabilities, judged.predicted, threshold
    )
    caption = "Precision and recall, scores and calibration of the test pairs"
    return {"matching": DrawnFigure(figure, caption)}
