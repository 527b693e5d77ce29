"""Similarity signals of the two products of a pair, which need no encoder."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, Levenshtein

from likewise.data.distinguishing import distinguishing_tokens
from likewise.data.text_hash import normalised
from likewise.data.tokens import tokens

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("title", "brand", "category", "description")
# The number of characters of a text that are compared.
MOST = 1000
SEPARATORS = re.compile(r"[-./_\s]")
MODEL = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z0-9]{4,}|\d{4,}")

Weights = Mapping[str, float]


@dataclass(frozen=True)
class OfferText:
    """The normalised text of an offer and what is derived from it for comparison."""

    text: str
    words: frozenset[str]
    grams: frozenset[str]

    @classmethod
    def of(cls, text: str | None) -> OfferText:
        """Normalise a text and cut it to the length that is compared."""
        found = normalised((text or "")[:MOST])
        padded = f" {found} "
        grams = (padded[start : start + 4] for start in range(len(padded) - 3)) if found else ()
        return cls(found, frozenset(tokens(found)), frozenset(grams))


@dataclass(frozen=True)
class Offer:
    """The contents of a product that are compared, and its shop, empty where it is not known."""

    columns: dict[str, OfferText]
    everything: OfferText
    models: frozenset[str]
    numbers: frozenset[str]
    price: float
    attributes: dict[str, str]
    shop: str = ""


def read_offers(catalogue: Dataset, rows: np.ndarray) -> list[Offer]:
    """Read the contents of the products ``rows`` (int64) that are compared."""
    read = (*COLUMNS, "price", "attributes", "shop")
    names = [name for name in read if name in catalogue.column_names]
    table: dict[str, Sequence[Any]] = catalogue.select_columns(names).select(rows)[:]
    return [_offer({name: table[name][row] for name in names}) for row in range(len(rows))]


def _offer(product: Mapping[str, Any]) -> Offer:
    attributes = {
        item["name"]: normalised(item["value"][:MOST])
        for item in product.get("attributes") or ()
        if item["value"] and item["value"].strip()
    }
    columns = {name: OfferText.of(product[name]) for name in COLUMNS if name in product}
    parts = [product[name] for name in COLUMNS if product.get(name)]
    everything = OfferText.of(" ".join([*parts, *attributes.values()]))
    telling = distinguishing_tokens(everything.text)
    joined = [SEPARATORS.sub("", token) for token in telling]
    models = frozenset(token for token in joined if MODEL.fullmatch(token))
    price = product.get("price")
    known = price if price is not None and price > 0 else float("nan")
    shop = product.get("shop") or ""
    return Offer(columns, everything, models, frozenset(telling), float(known), attributes, shop)


class PairSignals:
    """Computes signals of pairs, which do not depend on the order of the two products.

    Konda et al., "Magellan: Toward Building Entity Matching Management Systems", VLDB 2016, on
    features of this kind. ``fit`` learns the frequencies of words and which attributes are common.
    """

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}
        self.default = 1.0
        self.columns: list[str] = []
        self.attributes: list[str] = []

    def fit(self, offers: Sequence[Offer]) -> None:
        """Learn from training products; no label is read."""
        number = len(offers)
        counts = Counter(
            token for offer in offers for token in (*offer.everything.words, *offer.models)
        )
        self.weights = {token: math.log((number + 1) / count) for token, count in counts.items()}
        self.default = math.log(number + 1)
        self.columns = [
            name
            for name in COLUMNS
            if any(name in offer.columns and offer.columns[name].text for offer in offers)
        ]
        named = Counter(name for offer in offers for name in offer.attributes)
        self.attributes = sorted(name for name, count in named.items() if count >= 0.1 * number)

    @property
    def fitted(self) -> bool:
        """Whether ``fit`` was called."""
        return bool(self.columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted state."""
        return dict(vars(self))

    @classmethod
    def of(cls, learned: Mapping[str, Any]) -> PairSignals:
        """Restore the state that ``to_dict`` returned."""
        made = cls()
        vars(made).update(learned)
        return made

    @property
    def names(self) -> list[str]:
        """The names of the signals, in their order."""
        empty = Offer({}, OfferText.of(""), frozenset(), frozenset(), float("nan"), {})
        return list(self._signals(empty, empty))

    def __call__(self, offers: Sequence[Offer], left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the signals of pairs, float32 [m, signals]; NaN where one is missing.

        Similarities are between 0 and 1, with 1 for equal contents. ``left`` and ``right`` are
        int64 [m], positions in ``offers``.
        """
        rows = [
            list(self._signals(offers[one], offers[other]).values())
            for one, other in zip(left.tolist(), right.tolist(), strict=True)
        ]
        return np.array(rows, np.float32).reshape(len(rows), -1)

    def _signals(self, one: Offer, other: Offer) -> dict[str, float]:
        nothing = OfferText.of("")
        found: dict[str, float] = {}
        for name in self.columns:
            pair = one.columns.get(name, nothing), other.columns.get(name, nothing)
            found |= {f"{name} {key}": value for key, value in self._texts(*pair).items()}
        whole = self._texts(one.everything, other.everything)
        found |= {f"all {key}": value for key, value in whole.items()}
        found |= _both(
            "title in all",
            *(
                self._contained(a.columns.get("title", nothing).words, b.everything.words)
                for a, b in ((one, other), (other, one))
            ),
        )
        for kind, first, second in (
            ("models", one.models, other.models),
            ("numbers", one.numbers, other.numbers),
        ):
            found[f"{kind} shared"] = float(len(first & second))
            found[f"{kind} of one side"] = float(min(len(first - second), len(second - first)))
            found[f"{kind} alike"] = _jaccard(first, second)
        # A model number that the other side writes with a letter more, or within another word.
        text = [SEPARATORS.sub("", offer.everything.text) for offer in (one, other)]
        inside = [_share_inside(one.models, text[1]), _share_inside(other.models, text[0])]
        found |= _both("models inside", *inside)
        found["price ratio"] = _ratio(one.price, other.price)
        for name in self.attributes:
            a, b = one.attributes.get(name), other.attributes.get(name)
            known = a is not None and b is not None
            found[f"{name} alike"] = _sorted_alike(a or "", b or "") if known else float("nan")
        return found

    def _texts(self, one: OfferText, other: OfferText) -> dict[str, float]:
        shared, either = one.words & other.words, one.words | other.words
        known = bool(one.text and other.text)
        values = {
            "jaccard": _jaccard(one.words, other.words),
            "weighted jaccard": self._sum(shared) / max(1e-9, self._sum(either)),
            "4-grams": _jaccard(one.grams, other.grams),
            "rarest shared": max(map(self._weight, shared), default=0.0),
            "rarest of both sides alone": min(
                max(map(self._weight, one.words - other.words), default=0.0),
                max(map(self._weight, other.words - one.words), default=0.0),
            ),
            "token set": fuzz.token_set_ratio(one.text, other.text) / 100,
            "token sort": _sorted_alike(one.text, other.text),
            "edit": Levenshtein.normalized_similarity(one.text, other.text),
            "jaro-winkler": JaroWinkler.similarity(*sorted((one.text, other.text))),
            "length": _ratio(len(one.text) + 1.0, len(other.text) + 1.0),
        }
        contained = (
            self._contained(one.words, other.words),
            self._contained(other.words, one.words),
        )
        values |= _both("contained", *contained)
        return values if known else dict.fromkeys(values, float("nan"))

    def _weight(self, token: str) -> float:
        return self.weights.get(token, self.default)

    def _sum(self, words: frozenset[str]) -> float:
        # Sorted, so that rounding does not depend on the order of a set.
        return float(sum(map(self._weight, sorted(words))))

    def _contained(self, one: frozenset[str], other: frozenset[str]) -> float:
        """The share of the weight of ``one`` that ``other`` has too."""
        whole = self._sum(one)
        return self._sum(one & other) / whole if whole else float("nan")


def _sorted_alike(one: str, other: str) -> float:
    """Share of characters that two texts have in common, their words sorted."""
    return fuzz.token_sort_ratio(one, other) / 100


def _both(name: str, one: float, other: float) -> dict[str, float]:
    """The smaller and the larger of the values of both sides; NaN if one is missing."""
    known = one == one and other == other
    least, most = sorted((one, other)) if known else (float("nan"), float("nan"))
    return {f"{name} least": least, f"{name} most": most}


def _share_inside(models: frozenset[str], text: str) -> float:
    return sum(model in text for model in models) / len(models) if models else float("nan")


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    either = len(one | other)
    return len(one & other) / either if either else float("nan")


def _ratio(one: float, other: float) -> float:
    known = one == one and other == other
    return min(one, other) / max(one, other) if known else float("nan")
