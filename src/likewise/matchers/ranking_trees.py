"""Gradient-boosted trees over signals of how well a product answers a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.tfidf import Tfidf
from likewise.data.pair_signals import PairSignals, read_offers
from likewise.data.products import LabelledPairs
from likewise.data.query_pairs import query_pairs
from likewise.data.query_signals import QuerySignals
from likewise.data.relevance import Judgements
from likewise.data.word_statistics import WordStatistics, stemmed_words
from likewise.encoders.base import Encoder
from likewise.matchers.bm25 import titles
from likewise.matchers.boosted_trees import BoostedTrees
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.module import ProductModule

# Pairs whose signals are computed at once.
CHUNK = 8192


class RankingTrees(BoostedTrees):
    """Predicts the gain of a product for a query, from BM25, TF-IDF and further signals.

    Regression on gains, 2^grade, is the pointwise way to learn a ranking of high nDCG (Cossock and
    Zhang, "Subset Ranking Using Regression", COLT 2006). Which words are rare is learned from the
    titles of the whole catalogue, gains from the judgements (``method=fit``).

    Args:
        encoder: the similarity of its embeddings is one more signal. The encoder is not trained, so
            a pretrained one is meant. ``None`` for no such signal.
        similarity: the measure between two embeddings of the encoder.
        n_estimators, max_depth, learning_rate, min_samples_leaf, subsample, max_features: the
            options of scikit-learn's ``GradientBoostingRegressor``. ``subsample`` is the fraction
            of judgements for each tree, ``max_features`` the fraction of signals for each split.
    """

    name = "ranking_trees"
    learns_from = (Judgements,)
    idf: Tensor

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        n_estimators: int = 200,
        max_depth: int = 4,
        learning_rate: float = 0.05,
        min_samples_leaf: int = 50,
        subsample: float = 0.7,
        max_features: float = 0.3,
    ) -> None:
        super().__init__(
            encoder,
            similarity,
            n_estimators=n_estimators,
            max_depth=max_depth,
            learning_rate=learning_rate,
            min_samples_leaf=min_samples_leaf,
            subsample=subsample,
            max_features=max_features,
        )
        self.register_buffer("idf", torch.empty(0, dtype=torch.float64))

    def learn(self, module: ProductModule, splits: Sequence[str] = ("train",)) -> int:
        """See ``LearnsAtOnce``."""
        from sklearn.ensemble import GradientBoostingRegressor

        judgements = module.data.get(Judgements, "matcher=ranking_trees")
        rows = np.concatenate([judgements.splits[name] for name in splits])
        self.read_words(module.data.catalogue)
        pairs = query_pairs(
            module, judgements.queries, judgements.query[rows], judgements.product[rows], CHUNK
        )
        table = np.concatenate([self.table(some) for some in pairs])
        model = GradientBoostingRegressor(**self.options, random_state=module.seed)
        self.grow(model, table, np.exp2(judgements.grades[rows]))
        return 2 * len(rows)

    def read_words(self, catalogue: Dataset) -> None:
        """Learn how rare words and n-grams are."""
        rows = np.arange(len(catalogue))
        statistics = WordStatistics.of(map(stemmed_words, titles(catalogue, rows)))
        signals = PairSignals()
        signals.fit(read_offers(catalogue, rows))
        self.keep({"words": statistics.to_dict(), "pairs": signals.to_dict()})
        reader = _grams()
        reader.fit(catalogue, rows)
        self.idf = torch.from_numpy(reader.idf)

    def signal_names(self) -> list[str]:
        """See ``BoostedTrees``."""
        learned = self.kept()
        directed = QuerySignals(WordStatistics(**learned["words"])).names
        return [*directed, *PairSignals.of(learned["pairs"]).names, "n-grams alike"]

    def signals(self, pairs: LabelledPairs) -> np.ndarray:
        """See ``BoostedTrees``; the left product is the query."""
        learned = self.kept()
        left, right = pairs.left.cpu().numpy(), pairs.right.cpu().numpy()
        texts = titles(pairs.catalogue, pairs.rows)
        words = [stemmed_words(text) for text in texts]
        directed = QuerySignals(WordStatistics(**learned["words"]))(words, left, right)
        offers = read_offers(pairs.catalogue, pairs.rows)
        mutual = PairSignals.of(learned["pairs"])(offers, left, right)
        return np.column_stack([directed, mutual, self._alike(texts, left, right)])

    def _alike(self, texts: list[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The cosine of the TF-IDF vectors of n-grams, float64 [m]."""
        from sklearn.preprocessing import normalize

        reader = _grams()
        reader.idf = self.idf.cpu().numpy()
        vectors = normalize(reader.weights(texts))
        return np.asarray(vectors[left].multiply(vectors[right]).sum(axis=1)).ravel()


def _grams() -> Tfidf:
    """N-grams of 3 to 5 characters within words, hashed."""
    return Tfidf(("title",), analyzer="char_wb", min_n=3, max_n=5, hash_bits=18)
