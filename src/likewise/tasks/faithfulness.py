"""How well explanations predict what the model does."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.products import LabelledPairs, take, to_device
from likewise.data.relevance import Groups, Pairs, Relevance
from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.faithfulness import (
    RemovalCurves,
    rank_correlation,
    removal_curves,
    with_shuffled_weights,
)
from likewise.explanations.pair import ProductPair
from likewise.matchers.base import Matcher
from likewise.metrics.faithfulness import FaithfulnessMetric
from likewise.similarity.base import Similarity
from likewise.tasks.base import DrawnFigure, Result, Task

# Products of a split with groups for which one match and one other pair are drawn.
DRAWN = 500
# Explanations that are drawn.
EXAMPLES = 3


class Faithfulness(Task):
    """Explains matches of a split, and removes or puts back units in the order of the explanation.

    With labelled pairs, the matches are those of the split. With groups, a match is a product with
    a random one of its group. Epochs are compared by the average precision of the validation pairs,
    so that the explanation has no part in the training: methods that differ in the explanation only
    explain the same model. Data with both kinds of relevance use their pairs.

    Args:
        metrics: by name.
        similarity: compares embeddings.
        explanation: is judged; its units must be words, attributes or regions.
        pairs: number of matches that are explained.
        random_orders: number of random orders per pair that it is compared with.
        seed: of the draws.
    """

    metric_kind = FaithfulnessMetric
    scorer_kind = Matcher
    uses_explanation = True
    chosen_by = "average_precision"

    def __init__(
        self,
        metrics: Mapping[str, FaithfulnessMetric],
        similarity: Similarity,
        explanation: Explanation | None = None,
        pairs: int = 60,
        random_orders: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__(metrics, similarity)
        if explanation is None or not explanation.units_are_content:
            chosen = "none" if explanation is None else type(explanation).__name__
            raise LikewiseError(
                "task=faithfulness leaves out words and regions, and so needs "
                "explanation=occlusion, integrated_gradients, exact or random, and not "
                f"{chosen}"
            )
        if pairs < 1 or random_orders < 1:
            raise LikewiseError(
                f"task.pairs={pairs} and random_orders={random_orders} must be at least 1"
            )
        self.explanation, self.pairs, self.random_orders = explanation, pairs, random_orders
        self.seed = seed

    def splits(self, data: ProductData) -> Collection[str]:
        """See ``Task``."""
        return [name for name, rows in self._relevance(data).splits.items() if len(rows)]

    def check(self, data: ProductData, split: str) -> None:
        """See ``Task``."""
        lacking = self._relevance(data).untellable()
        for name in ("validation", split):
            if name in lacking:
                raise LikewiseError(lacking[name])

    def validate(
        self, scorer: Matcher, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``; the average precision of the validation pairs."""
        from sklearn.metrics import average_precision_score

        left, right, labels = self._pairs(module.data, "validation")
        scores = _scores(scorer, module, left, right, device)
        known = np.isfinite(scores).all()
        value = float(average_precision_score(labels, scores)) if known else float("nan")
        return {self.chosen_by: value}

    def test(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``; the table has one row per explained pair."""
        left, right, labels = self._pairs(module.data, split)
        scale = float(_scores(scorer, module, left, right, device).std())
        generator = np.random.default_rng(self.seed)
        chosen = generator.permutation(np.flatnonzero(labels == 1))[: self.pairs]
        rows = list(zip(left[chosen].tolist(), right[chosen].tolist(), strict=True))
        other = with_shuffled_weights(scorer, self.seed)

        def open_pair(model: Matcher, one: tuple[int, int]) -> ProductPair:
            return ProductPair(
                model, module.readers, module.data.catalogue, one, self.explanation.grid, device
            )

        parts, correlations, counts = [], [], []
        examples: list[tuple[ProductPair, Attribution]] = []
        for one in rows:
            pair = open_pair(scorer, one)
            found = self.explanation.explain(pair)
            parts.append(removal_curves(pair, found.values, self.random_orders, generator))
            again = None if other is None else self.explanation.explain(open_pair(other, one))
            correlations.append(
                float("nan") if again is None else rank_correlation(found.values, again.values)
            )
            counts.append(len(pair.units))
            if len(examples) < EXAMPLES:
                examples.append((pair, found))
        deletion, insertion, *random = (np.stack(one) for one in zip(*parts, strict=True))
        curves = RemovalCurves(
            deletion, insertion, random[0], random[1], scale, np.array(correlations)
        )
        values = {name: metric.per_pair(curves) for name, metric in self.metrics.items()}
        ids = np.array(module.data.catalogue["product_id"][:])
        lefts, rights = ids[left[chosen]], ids[right[chosen]]
        return Result(
            {f"{split}/{name}": metric(curves) for name, metric in self.metrics.items()},
            {
                "unit_id": np.array([f"{a}|{b}" for a, b in zip(lefts, rights, strict=True)]),
                "left_id": lefts,
                "right_id": rights,
                "units": np.array(counts),
                **values,
            },
            clusters=("left_id", "right_id"),
            specifications=self.specifications,
            draw=lambda: _draw(curves, examples),
        )

    def _relevance(self, data: ProductData) -> Relevance:
        found: Relevance = data.any_of((Pairs, Groups), "task=faithfulness")
        return found

    def _pairs(self, data: ProductData, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of both sides and labels of the pairs of a split, int64 [m] each."""
        relevance = self._relevance(data)
        if isinstance(relevance, Pairs):
            rows = relevance.splits[split]
            return relevance.left[rows], relevance.right[rows], relevance.labels[rows]
        assert isinstance(relevance, Groups)
        return _drawn_pairs(relevance, split, self.seed)


def _drawn_pairs(
    relevance: Groups, split: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For random products of a split: one pair with its group and one with another group."""
    generator = np.random.default_rng(seed)
    rows, groups = relevance.rows(split), relevance.labels_of(split)
    found: list[tuple[int, int, int]] = []
    for place in generator.permutation(len(rows))[:DRAWN]:
        same = groups == groups[place]
        others = np.flatnonzero(~same)
        same[place] = False
        for label, among in ((1, np.flatnonzero(same)), (0, others)):
            if len(among):
                found.append((int(rows[place]), int(rows[generator.choice(among)]), label))
    left, right, labels = np.array(found, np.int64).T
    return left, right, labels


@torch.no_grad()
def _scores(
    scorer: Matcher,
    module: ProductModule,
    left: np.ndarray,
    right: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """float64 [m]."""
    rows, places = np.unique(np.stack([left, right]), return_inverse=True)
    ends = torch.from_numpy(places.reshape(2, -1)).to(device)
    products = to_device(take(module.products, torch.from_numpy(rows)), device)
    labels = torch.zeros(len(left), dtype=torch.int64, device=device)
    pairs = LabelledPairs(products, ends[0], ends[1], labels, module.data.catalogue, rows)
    return scorer.match_pairs(pairs).double().cpu().numpy()


def _draw(
    curves: RemovalCurves, examples: list[tuple[ProductPair, Attribution]]
) -> dict[str, DrawnFigure]:
    from likewise.explanations.drawing import draw
    from likewise.figures.explanations import removal_figure

    both = [
        (curves.deletion, curves.random_deletion),
        (curves.insertion, curves.random_insertion),
    ]
    figure = removal_figure(both, ("best removed first", "best put back first"))
    caption = "Mean scores of the explained pairs while words or regions are removed or put back"
    drawn = {"removal": DrawnFigure(figure, caption)}
    for place, (pair, found) in enumerate(examples, 1):
        caption = "Contributions to the score of a pair: blue raises it, orange lowers it"
        drawn[f"explanation_{place}"] = DrawnFigure(draw(pair, found), caption)
    return drawn
