"""Which words tell that two products match, or that they do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from likewise.data.pair_signals import Offer
from likewise.matchers.out_of_fold import FOLDS, OutOfFold

HASH_BITS = 18
# The inverse strength of the penalty on weights, chosen on the validation pairs of Amazon-Google.
INVERSE_PENALTY = 0.1


class WordScores(OutOfFold):
    """Logistic regressions on the words that both products have and that only one has.

    They learn that a ``refurbished`` or ``upgrade`` on one side alone makes another product and
    that ``retail`` does not, which no similarity tells. See ``OutOfFold`` on which of them scores
    a pair.

    Attributes:
        weights: float32 [FOLDS, 2 ** HASH_BITS], by the hash of a word and its place.
        bias: float32 [FOLDS].
    """

    weights: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(FOLDS, 2**HASH_BITS))
        self.register_buffer("bias", torch.zeros(FOLDS))

    def fit(
        self, offers: Sequence[Offer], left: np.ndarray, right: np.ndarray, labels: np.ndarray
    ) -> None:
        """Fit one regression for each fold.

        Args:
            offers: the products.
            left, right: int64 [m], the places of both products of each pair in ``offers``.
            labels: int64 [m].
        """
        from sklearn.linear_model import LogisticRegression

        table, texts = _read(offers, left, right)
        for fold, kept in enumerate(self.training_rows(texts, labels)):
            model = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
            model.fit(table[kept], labels[kept])
            self.weights[fold] = torch.from_numpy(model.coef_[0])
            self.bias[fold] = float(model.intercept_[0])

    def score(self, offers: Sequence[Offer], left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the probabilities of a match by the words alone, float64 [m]; see ``fit``.

        They do not depend on which product of a pair is left.
        """
        table, texts = _read(offers, left, right)
        weights, bias = self.weights.cpu().numpy(), self.bias.cpu().numpy()
        return expit(self.choose((table @ weights.T + bias).T, texts))

    def count_weights(self) -> int:
        """Number of weights and biases, without those of words that no training pair had."""
        return int((self.weights != 0).sum()) + FOLDS


def _read(offers: Sequence[Offer], left: np.ndarray, right: np.ndarray) -> tuple[Any, list[str]]:
    """The words of pairs, sparse float64 [m, 2 ** HASH_BITS], and the text of each first product.

    The first product is that of the shop whose name comes first, or else of the text that does.
    """
    from sklearn.feature_extraction import FeatureHasher

    pairs = [
        sorted((offers[one], offers[other]), key=lambda offer: (offer.shop, offer.everything.text))
        for one, other in zip(left.tolist(), right.tolist(), strict=True)
    ]
    hasher = FeatureHasher(2**HASH_BITS, input_type="pair", alternate_sign=False)
    table = hasher.transform(list(_words(first, second)) for first, second in pairs)
    return table, [first.everything.text for first, _ in pairs]


def _words(first: Offer, second: Offer) -> Iterator[tuple[str, float]]:
    """The words by their place, and how much each counts: less in longer texts."""
    one, other = first.everything.words, second.everything.words
    places = {"both": one & other, "one side": one ^ other}
    if first.shop != second.shop:
        places |= {"first": one - other, "second": other - one}
    for place, words in places.items():
        count = (1 + len(words)) ** -0.5
        # Sorted, so that rounding does not depend on the order of a set.
        yield from ((f"{place} {word}", count) for word in sorted(words))
