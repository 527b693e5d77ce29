"""Visits of simulated shoppers, whose chances to click are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from likewise.data.relevance.base import SPLITS, Relevance, Units


@dataclass(frozen=True)
class Visits(Relevance):
    """Visits of shoppers who look at a product and are shown a list of others.

    The click model is position-based: a shopper examines a position with a fixed probability, and
    clicks on an examined product with a probability that depends on the shopper's segment, on the
    product that is looked at and on the product that is shown (Craswell et al., "An Experimental
    Comparison of Click Position-Bias Models", WSDM 2008).

    Attributes:
        product: int64 [m], rows of the catalogue: the product that is looked at.
        segment: int64 [m], the shopper's segment as a position in ``segments``, which the shop
            knows.
        attraction: float32 [s, n, n], from 0 to 1: the probability of a click on an examined
            product, by segment, product that is looked at and product that is shown.
        examination: float64 [k], above 0 and at most 1, never increasing: the probability that a
            position of the list is examined. Its length is the length of lists.
        sales: int64 [n], at least 0: how often each product was sold before the visits.
        segments: names of the segments.
        splits: rows (int64) of the visits of each split.
    """

    product: np.ndarray
    segment: np.ndarray
    attraction: np.ndarray
    examination: np.ndarray
    sales: np.ndarray
    segments: Sequence[str]
    splits: Mapping[str, np.ndarray]

    kind = "simulated visits"
    advice = "choose data=shoppers"
    used_by = "task=online"
    unit = "visit"
    columns = ("product", "segment")
    product_columns = ("product",)
    shared = "visits"

    @property
    def positions(self) -> int:
        """The length of lists."""
        return len(self.examination)

    @cached_property
    def best(self) -> np.ndarray:
        """The expected clicks of the best list, float64 [s, n], by segment and product.

        As positions are examined ever less, the best list is in the order of attraction.
        """
        known = self.attraction.astype(np.float64)
        products = np.arange(known.shape[1])
        known[:, products, products] = 0.0
        return -np.sort(-known, axis=2)[..., : self.positions] @ self.examination

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        super().check(products)
        self._check_rows("segment", self.segment, len(self.segments), "the segments")
        shape = (len(self.segments), products, products)
        self._require(self.attraction.shape == shape, f"attraction must have the shape {shape}")
        possible = (self.attraction >= 0) & (self.attraction <= 1)
        self._require(possible.all(), "an attraction is not from 0 to 1")
        seen = (self.examination > 0) & (self.examination <= 1)
        self._require(
            seen.all() and (np.diff(self.examination) <= 0).all(),
            "an examination probability is not above 0 and at most 1, or is above that of an "
            "earlier position",
        )
        self._require(
            1 <= self.positions < products,
            f"lists of {self.positions} products need at least {self.positions + 1} products, and "
            f"there are {products}",
        )
        self._require(self.sales.shape == (products,), "sales must hold a number for each product")

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """See ``Relevance``: the best lists must be expected to get a click in a split."""
        found = {}
        for name in (name for name in names if name in self.splits):
            rows = self.splits[name]
            if self.best[self.segment[rows], self.product[rows]].sum() < 1:
                found[name] = (
                    f"even the best lists would get less than one click in the {len(rows):,} "
                    f"visits of {name}, so nothing can be told about a policy"
                )
        return found

    def units(self, split: str) -> Units:
        """See ``Relevance``: the target is the number of the visit in the split."""
        places = np.arange(len(self.splits[split]))
        return Units(np.zeros((0, len(places)), np.int64), (places,))

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        rows = [("segments of shoppers", ", ".join(self.segments))]
        seen = ", ".join(f"{one:.2f}" for one in self.examination)
        rows.append(("examination probabilities", seen))
        for name, chosen in self.splits.items():
            best = self.best[self.segment[chosen], self.product[chosen]]
            more = f", {best.mean():.3f} clicks per visit at best" if len(chosen) else ""
            rows.append((f"{name} visits", f"{len(chosen):,}{more}"))
        return rows
