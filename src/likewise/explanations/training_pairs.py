"""The labelled training pairs that are nearest to a pair, as evidence for its score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from likewise.data.relevance import Groups, Pairs
from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair
from likewise.explanations.units import Unit
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.matchers.boosted_trees import BoostedTrees

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.module import ProductModule

# Characters of a title that are printed.
TITLE = 60


@dataclass(frozen=True)
class _LabelledRows:
    """Training pairs: rows of the catalogue, int64 [m] each, and labels, int64 [m]."""

    left: np.ndarray
    right: np.ndarray
    labels: np.ndarray


class TrainingPairs(Explanation):
    """The labelled training pairs that the model sees as nearest to the explained pair.

    With embeddings, the nearness of a training pair is the mean cosine of its products to those of
    the explained pair, in the better order. With ``matcher=signals`` it is 1 / (1 + d), where d is
    the distance of the standardised signals. Where the data have groups instead of pairs, two
    training products are a pair, and a match if they share a group.

    Args:
        count: number of training pairs.
    """

    units_are_content = False
    learns = True

    def __init__(self, grid: int = 7, count: int = 5) -> None:
        super().__init__(grid)
        if count < 1:
            raise LikewiseError(f"explanation.count={count} must be at least 1")
        self.count = count
        self.known = _LabelledRows(*(np.empty(0, np.int64) for _ in range(3)))
        # The row of each training product, and its group where there are no labelled pairs.
        self.rows = self.groups = np.empty(0, np.int64)
        self.vectors = torch.empty(0, 0)

    def learn(self, scorer: Matcher, module: ProductModule) -> None:
        """See ``Explanation``."""
        if not isinstance(scorer, EmbeddingMatcher | BoostedTrees):
            raise LikewiseError(
                f"explanation=training_pairs needs embeddings or signals, which "
                f"{type(scorer).__name__} does not have; use explanation=occlusion"
            )
        data = module.data
        if data.has(Pairs):
            pairs, rows = data.get(Pairs), data.get(Pairs).splits["train"]
            self.known = _LabelledRows(pairs.left[rows], pairs.right[rows], pairs.labels[rows])
        if isinstance(scorer, BoostedTrees):
            self.vectors = torch.from_numpy(scorer.table(module.pair_split("train")))
            return
        self.rows = data.splits["train"]
        if not data.has(Pairs):
            groups = data.get(Groups, "explanation=training_pairs")
            self.groups = groups.numbers(len(data.catalogue))[self.rows]
        device = next(scorer.parameters(), torch.empty(0)).device
        embeddings = scorer.encoder.embed(module.products_of("train", device))
        self.vectors = F.normalize(embeddings).cpu()

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        if isinstance(pair.scorer, BoostedTrees):
            known, nearness = self.known, self._by_signals(pair, pair.scorer)
        else:
            known, nearness = self._by_embeddings(pair)
        sides = np.sort(np.stack([known.left, known.right]), axis=0)
        same = sides == np.sort(pair.rows)[:, None]
        nearness = np.where(same.all(0), -np.inf, nearness)
        best = np.argsort(-nearness, kind="stable")[: self.count]
        best = best[np.isfinite(nearness[best])]
        names = _names(pair.catalogue)
        units = tuple(
            Unit(
                "both",
                "training pair",
                place,
                f"{'match' if known.labels[row] else 'no match'}: "
                f"{names(int(known.left[row]))} | {names(int(known.right[row]))}",
            )
            for place, row in enumerate(best)
        )
        score = float(pair.scorer.match_pairs(pair.as_pairs())[0])
        meaning = "A value is how near the training pair is to this pair, at most 1."
        return Attribution(units, nearness[best], score, float("nan"), meaning)

    def _by_signals(self, pair: ProductPair, trees: BoostedTrees) -> np.ndarray:
        own = torch.from_numpy(trees.table(pair.as_pairs()))
        spread = self.vectors.std(0).clamp_min(1e-6)
        distances = ((self.vectors - own) / spread).norm(dim=1)
        return (1 / (1 + distances)).double().numpy()

    def _by_embeddings(self, pair: ProductPair) -> tuple[_LabelledRows, np.ndarray]:
        scorer = pair.scorer
        assert isinstance(scorer, EmbeddingMatcher)
        own = F.normalize(scorer.encoder.embed(pair.as_pairs().products)).cpu()
        cosines = (self.vectors @ own.T).double()
        known, places = self.known, np.empty((2, 0), np.int64)
        if len(known.labels):
            order = np.argsort(self.rows, kind="stable")
            sides = np.stack([known.left, known.right])
            places = order[np.searchsorted(self.rows[order], sides)]
        else:
            places = self._near_pairs(cosines, pair.rows)
            labels = (self.groups[places[0]] == self.groups[places[1]]).astype(np.int64)
            known = _LabelledRows(self.rows[places[0]], self.rows[places[1]], labels)
        left, right = (cosines[torch.from_numpy(side)] for side in places)
        straight, crossed = left[:, 0] + right[:, 1], left[:, 1] + right[:, 0]
        return known, (torch.maximum(straight, crossed) / 2).numpy()

    def _near_pairs(self, cosines: Tensor, rows: tuple[int, int]) -> np.ndarray:
        """Pairs, int64 [2, m], of the training products nearest to one side and to the other."""
        near = []
        for side in range(2):
            order = np.argsort(-cosines[:, side].numpy(), kind="stable")
            near.append(order[~np.isin(self.rows[order], rows)][: self.count + 1])
        pairs = np.array([(a, b) for a in near[0] for b in near[1] if a != b], np.int64)
        return np.unique(np.sort(pairs.reshape(-1, 2)), axis=0).T


def _names(catalogue: Dataset) -> Callable[[int], str]:
    titled = "title" in catalogue.column_names
    columns = ["product_id", "title"] if titled else ["product_id"]
    some = catalogue.select_columns(columns)

    def name(row: int) -> str:
        product = some[row]
        title = (product.get("title") or "")[:TITLE]
        return f"{product['product_id']} {title}".strip()

    return name
