"""Telling matches from other pairs."""

from __future__ import annotations

import numpy as np
import torch

from likewise.data.module import ProductModule
from likewise.data.relevance import Pairs
from likewise.encoders.base import Encoder
from likewise.metrics.matching import JudgedPairs, MatchingMetric, best_threshold, calibrate
from likewise.tasks.base import DrawnFigure, Result, Task


class Matching(Task):
    """Labelled pairs, a match from a threshold on.

    The threshold (best F1) and the calibration of scores to probabilities (Platt's) come from the
    validation pairs. Other splits of the pairs that begin with the tested one's name, such as
    ``test_without_leaks``, are scored by the same.

    Args:
        metrics: by name.
        similarity: compares embeddings.
    """

    metric_kind = MatchingMetric
    relevance = Pairs

    def validate(
        self, encoder: Encoder, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``."""
        scores, labels = self._scores(encoder, module, "validation", device)
        if not np.isfinite(scores).all():
            return dict.fromkeys(self.metrics, np.nan)
        judged = _judge(scores, labels, scores, labels)
        return {name: metric(judged) for name, metric in self.metrics.items()}

    def test(
        self, encoder: Encoder, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``."""
        known = self._scores(encoder, module, "validation", device)
        scores, labels = self._scores(encoder, module, split, device)
        judged = _judge(scores, labels, *known)
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
            # What evidence is paired by.
            "product_id": np.array([f"{a}|{b}" for a, b in zip(left, right, strict=True)]),
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
        )

    def _scores(
        self, encoder: Encoder, module: ProductModule, split: str, device: torch.device
    ) -> tuple[np.ndarray, np.ndarray]:
        pairs = module.pair_split(split, device)
        scores = encoder.match_pairs(pairs, self.similarity)
        return scores.double().cpu().numpy(), pairs.labels.cpu().numpy()


def _draw(judged: JudgedPairs) -> dict[str, DrawnFigure]:
    from likewise.figures.matching import matching_curves

    figure = matching_curves(judged.labels, judged.scores, judged.probabilities, judged.threshold)
    caption = "Precision and recall, scores and calibration of the test pairs"
    return {"matching": DrawnFigure(figure, caption)}


def _judge(
    scores: np.ndarray, labels: np.ndarray, known_scores: np.ndarray, known_labels: np.ndarray
) -> JudgedPairs:
    return JudgedPairs(
        scores,
        calibrate(scores, known_scores, known_labels),
        labels,
        best_threshold(known_scores, known_labels),
    )
