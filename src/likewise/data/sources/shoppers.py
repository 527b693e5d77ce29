"""Simulated shoppers of the products of another source.

A shopper looks at a product and is shown a list of others. What he or she likes is stated by the
config and hidden from every policy: an examined product is clicked with probability
σ(b + Σ_f w_f f), where the weights w are those of the shopper's segment, b is ``base`` and the
facts f of the two products are

- ``group``: 1 if they are of one group, otherwise 0;
- ``properties``: the share of the brand, category and attributes of the product that is looked at
  which the other one has, too;
- ``price``: exp(-|log p - log q|) of both prices, 0 if one is unknown;
- ``appeal``: a standard normal number of the product that is shown. Its past sales are Poisson with
  the mean 20 exp(appeal).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from likewise.data.catalogue import SPLITS, ProductData, Source
from likewise.data.properties import properties
from likewise.data.relevance import Groups, Visits
from likewise.errors import LikewiseError

FACTS = ("group", "properties", "price", "appeal")
SHARES = (0.6, 0.2, 0.2)
MEAN_SALES = 20.0


@dataclass(frozen=True)
class Shoppers:
    """Visits of simulated shoppers to a catalogue of real products.

    The catalogue holds whole groups of at least two products, drawn from the source. Each split has
    visits to products of its own; any other product can be shown.

    Args:
        source: of the products, with groups.
        segments: by name, the ``share`` of visits and the weights of the facts, 0 for those that
            are not named.
        base: b, the log-odds of a click without any reason for it.
        examination: the probability that each position of a list is examined, never increasing.
        products: number of products of the catalogue, at most.
        visits: number of visits of each split.
        shop_seed: of the draws of products, appeal, sales and visits; it is not the seed of a run,
            so that all runs have the same shop.
    """

    source: Source
    segments: Mapping[str, Mapping[str, float]]
    base: float
    examination: Sequence[float]
    products: int
    visits: Mapping[str, int]
    shop_seed: int = 0

    def load(self) -> ProductData:
        """Read the products and draw the visits."""
        whole = self.source.load()
        groups = whole.get(Groups, "data=shoppers")
        self._check(groups)
        draws = np.random.default_rng([self.shop_seed, 0])
        rows, labels = _draw_products(groups, self.products, draws)
        catalogue = whole.catalogue.select(rows)
        size = len(rows)
        parts = np.split(draws.permutation(size), np.cumsum(_sizes(size))[:-1])
        splits = {name: np.sort(part) for name, part in zip(SPLITS, parts, strict=True)}
        appeal = draws.normal(size=size)
        facts = {
            "group": (labels[:, None] == labels[None]).astype(np.float64),
            "properties": _shared_properties(catalogue),
            "price": _near_prices(catalogue),
            "appeal": np.broadcast_to(appeal, (size, size)),
        }
        weights = [{**dict.fromkeys(FACTS, 0.0), **one} for one in self.segments.values()]
        attraction = [expit(self.base + sum(w[f] * facts[f] for f in FACTS)) for w in weights]
        visited, segment, places = self._draw_visits(splits)
        named, numbers = np.unique(labels, return_inverse=True)
        names = [groups.names[label] for label in named]
        return ProductData(
            catalogue=catalogue,
            splits=splits,
            fingerprint=hashlib.sha256(f"{whole.fingerprint} {rows}".encode()).hexdigest()[:16],
            relevance=(
                Visits(
                    product=visited,
                    segment=segment,
                    attraction=np.stack(attraction).astype(np.float32),
                    examination=np.array(self.examination, np.float64),
                    sales=draws.poisson(MEAN_SALES * np.exp(appeal)),
                    segments=list(self.segments),
                    splits=places,
                ),
                Groups.of(numbers, names, splits),
            ),
            findings=whole.findings,
        )

    def _draw_visits(
        self, splits: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Products and segments of all visits, int64 [m], and the visits of each split."""
        draws = np.random.default_rng([self.shop_seed, 1])
        shares = np.array([one["share"] for one in self.segments.values()], np.float64)
        counts = [self.visits[name] for name in SPLITS]
        segment = draws.choice(len(shares), sum(counts), p=shares / shares.sum())
        product = [draws.choice(splits[name], self.visits[name]) for name in SPLITS]
        places = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
        return np.concatenate(product), segment, dict(zip(SPLITS, places, strict=True))

    def _check(self, groups: Groups) -> None:
        needed = len(self.examination) + 1
        if self.products < max(needed, 5):
            raise LikewiseError(
                f"data.products={self.products} must be at least {max(needed, 5)}, for lists of "
                f"{len(self.examination)} products"
            )
        if not len(groups) or np.bincount(groups.labels).max() < 2:
            raise LikewiseError(
                "data=shoppers needs groups of at least two products, and every group of "
                f"{type(self.source).__name__} has one product only"
            )
        if not self.segments:
            raise LikewiseError("data.segments must name at least one segment of shoppers")
        for name, weights in self.segments.items():
            _check_segment(name, weights)
        if set(self.visits) != set(SPLITS) or min(self.visits.values()) < 1:
            raise LikewiseError(
                f"data.visits must give at least 1 visit for each of {', '.join(SPLITS)}"
            )


def _check_segment(name: str, weights: Mapping[str, Any]) -> None:
    strange = sorted(set(weights) - {"share", *FACTS})
    if strange:
        raise LikewiseError(
            f"data.segments.{name} has no {strange[0]}; it takes share, {', '.join(FACTS)}"
        )
    if not weights.get("share", 0) > 0 or not np.isfinite(list(weights.values())).all():
        raise LikewiseError(f"data.segments.{name} needs a share above 0 and finite weights")


def _draw_products(
    groups: Groups, count: int, draws: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the source's catalogue and their groups, int64 [n]; groups of two or more each.

    Where the source has few groups, each gives as many products as the others.
    """
    sizes = np.bincount(groups.labels)
    several = draws.permutation(np.flatnonzero(sizes >= 2))
    most = max(2, -(-count // len(several)))
    rows: list[int] = []
    for group in several:
        members = draws.permutation(groups.products[groups.labels == group])[:most]
        if len(rows) + len(members) <= count:
            rows += members.tolist()
    chosen = np.array(sorted(rows), np.int64)
    order = np.argsort(groups.products)
    return chosen, groups.labels[order[np.searchsorted(groups.products[order], chosen)]]


def _sizes(count: int) -> list[int]:
    """How many products the visits of each split are to."""
    later = [max(1, round(share * count)) for share in SHARES[1:]]
    return [count - sum(later), *later]


def _shared_properties(catalogue: Any) -> np.ndarray:
    """float64 [n, n], the share of the properties of the first product."""
    table = properties(catalogue)
    counts = np.asarray(table.sum(1)).ravel()
    return np.asarray((table @ table.T).todense(), np.float64) / np.maximum(counts, 1)[:, None]


def _near_prices(catalogue: Any) -> np.ndarray:
    """float64 [n, n]; 0 if one of the prices is unknown."""
    if "price" not in catalogue.column_names:
        return np.zeros((len(catalogue), len(catalogue)))
    prices = np.array(catalogue["price"][:], np.float64)
    logs = np.log(np.where(prices > 0, prices, np.nan))
    return np.nan_to_num(np.exp(-np.abs(logs[:, None] - logs[None])))
