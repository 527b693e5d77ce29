"""Ranking the whole catalogue for each of many people, or for each of many products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.histories import Histories
from likewise.data.module import ProductModule
from likewise.data.properties import properties
from likewise.data.relevance import Events, Links
from likewise.errors import LikewiseError
from likewise.metrics.recommendation import RecommendationMetric, Recommended
from likewise.metrics.specification import MetricSpecification
from likewise.recommenders.base import Recommender
from likewise.recommenders.catalogue_order import CatalogueOrder
from likewise.similarity.base import Similarity
from likewise.tasks.base import Result, Task

# Scores that are held at once.
BLOCK_ELEMENTS = 6_000_000
# Recommended products in the table of a run.
LISTED = 10
# What is known before the units of a split, and so may be in a history.
BEFORE = {"validation": ("train", "history"), "test": ("train", "history", "validation")}


class CatalogueRanking(Task):
    """Ranks the catalogue by histories of the earlier splits; the tested split is to be found.

    Ranks are exact. Products of equal score stand in a random order that is the same for all. A
    subclass names the ``relevance``.

    Args:
        metrics: by name.
        similarity: compares embeddings, where the recommender has any.
        filter_seen: leave out the products of the history; those of the tested split that were in
            it cannot be found and do not count.
        negatives: ``None`` ranks all products. A number ranks each product to be found among so
            many random ones, as some papers do; these scores are higher, are labelled as sampled
            and must not be compared with others.

    Attributes:
        unit: what a history belongs to, for sentences.
    """

    metric_kind: ClassVar[type] = RecommendationMetric
    scorer_kind: ClassVar[type] = Recommender
    relevance: ClassVar[type[Events] | type[Links]]
    unit: ClassVar[str] = "user"

    def __init__(
        self,
        metrics: Mapping[str, Any],
        similarity: Similarity,
        filter_seen: bool = True,
        negatives: int | None = None,
    ) -> None:
        super().__init__(metrics, similarity)
        if negatives is not None and negatives < 1:
            raise LikewiseError(f"task.negatives={negatives} must be at least 1, or null for all")
        self.filter_seen, self.negatives = filter_seen, negatives

    @property
    def notes(self) -> tuple[str, ...]:
        """How it ranks."""
        among = (
            "All products are ranked"
            if self.negatives is None
            else f"Each product is ranked among {self.negatives} random ones only (sampled)"
        )
        seen = "left out" if self.filter_seen else "kept"
        return (
            f"{among}; the products of a {self.unit}'s history are {seen}; products of equal score "
            "stand in one random order, the same for every method.",
        )

    @property
    def specifications(self) -> dict[str, MetricSpecification]:
        """See ``Task``; sampled metrics say so."""
        said = super().specifications
        if self.negatives is None:
            return said
        return {
            name: replace(one, label=f"{one.label} among {self.negatives} sampled")
            for name, one in said.items()
        }

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``."""
        if name in BEFORE:
            self._asked(data.get(self.relevance), name)

    def test(
        self, scorer: Recommender, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``.

        The table has one row per unit, and ``unit_id`` names the unit; ``recommended`` are the ids
        of the best products, ``ranks`` are the ranks of the products to be found, and ``known`` is
        the length of the history.
        """
        data = module.data
        relevance = data.get(self.relevance)
        histories, person, product = self._asked(relevance, split)
        depth = max([LISTED, *(metric.depth for metric in self.metrics.values())])
        recommended = self._ranked(scorer, data, histories, person, product, depth)
        values = {name: metric.per_person(recommended) for name, metric in self.metrics.items()}
        ids = np.array(data.catalogue["product_id"][:])
        names = relevance.person_names(data.catalogue)[histories.users]
        ends = recommended.wanted.cumsum()[:-1]
        table: dict[str, Any] = {
            "unit_id": np.array([str(name) for name in names]),
            "recommended": list(ids[recommended.top[:, :LISTED]]),
            "ranks": np.split(recommended.rank, ends),
            "known": histories.lengths,
        }
        # A metric of all units together has no value for one of them.
        table |= {name: found for name, found in values.items() if np.isfinite(found).any()}
        scores = {f"{split}/{name}": metric(recommended) for name, metric in self.metrics.items()}
        for part, chosen in self.parts(histories).items():
            some = {name: found[chosen] for name, found in values.items()}
            scores |= {
                f"{split}_{part}/{name}": float(found[np.isfinite(found)].mean())
                for name, found in some.items()
                if np.isfinite(found).any()
            }
        return Result(scores, table, specifications=self.specifications, notes=self.notes)

    def parts(self, histories: Histories) -> dict[str, np.ndarray]:
        """Units, bool [u] by name, whose scores are to stand apart."""
        return {}

    def excluded(self, histories: Histories) -> Histories:
        """The products that are not recommended to each unit."""
        return histories if self.filter_seen else histories.latest(0)

    def kinds(self, data: ProductData) -> Tensor | None:
        """int64 [n]: products are ranked among those of their kind; ``None`` for among all."""
        return None

    def _asked(
        self, relevance: Events | Links, split: str
    ) -> tuple[Histories, np.ndarray, np.ndarray]:
        """Histories of the units with products to be found, and unit and product of each one.

        Raises:
            LikewiseError: there is none.
        """
        asked = self._wanted(relevance, known_before(relevance, split), relevance.splits[split])
        if not len(asked[0]):
            raise LikewiseError(
                f"no {self.unit} has a product to be found in {split}, so nothing can be scored"
            )
        return asked

    def _wanted(
        self, relevance: Events | Links, known: np.ndarray, rows: np.ndarray
    ) -> tuple[Histories, np.ndarray, np.ndarray]:
        """As ``_asked``, for rows (int64) that are known and rows that are to be found."""
        person, product = relevance.person, relevance.product
        pairs = np.unique(np.stack([person[rows], product[rows]]), axis=1)
        if self.filter_seen:
            size = int(product.max(initial=-1)) + 1
            seen = person[known] * size + product[known]
            pairs = pairs[:, ~np.isin(pairs[0] * size + pairs[1], seen)]
        people, place = np.unique(pairs[0], return_inverse=True)
        return relevance.histories(known, people), place, pairs[1]

    def _ranked(
        self,
        scorer: Recommender,
        data: ProductData,
        histories: Histories,
        person: np.ndarray,
        product: np.ndarray,
        depth: int,
    ) -> Recommended:
        size = len(data.catalogue)
        order, kinds = CatalogueOrder(size), self.kinds(data)
        generator = torch.Generator().manual_seed(size)
        top, rank = [], []
        people = max(1, BLOCK_ELEMENTS // size)
        for start in range(0, len(histories), people):
            block = histories[start : start + people]
            scores = without(scorer.scores(block).cpu(), self.excluded(block))
            first, last = np.searchsorted(person, [start, start + people])
            asked = torch.from_numpy(person[first:last] - start)
            wanted = torch.from_numpy(product[first:last])
            top.append(order.top(scores, depth))
            if self.negatives is None:
                rank.append(order.ranks(scores, asked, wanted, kinds))
            else:
                rank.append(_sampled(scores, asked, wanted, self.negatives, generator))
        return Recommended(
            torch.cat(top).numpy(),
            person,
            torch.cat(rank).numpy(),
            _shares(data.get(self.relevance), size),
            properties(data.catalogue),
        )


def known_before(relevance: Events | Links, split: str) -> np.ndarray:
    """Return the rows (int64, ascending) of the splits that may be in a history of ``split``."""
    before = [name for name in BEFORE[split] if name in relevance.splits]
    return np.sort(np.concatenate([relevance.splits[name] for name in before]))


def without(scores: Tensor, histories: Histories) -> Tensor:
    """Scores float32 [u, n] with those of the products of histories at minus infinity."""
    places = torch.from_numpy(histories.people), torch.from_numpy(histories.products)
    return scores.clone().index_put_(places, torch.tensor(-torch.inf))


def _shares(relevance: Events | Links, size: int) -> np.ndarray:
    """float64 [n], the share of the training people who had each product."""
    rows = relevance.splits["train"]
    people = relevance.histories(rows, relevance.persons(rows))
    return np.asarray(people.matrix(size).sum(0)).ravel() / max(1, len(people))


def _sampled(
    scores: Tensor, person: Tensor, product: Tensor, negatives: int, generator: torch.Generator
) -> Tensor:
    """int64 [t]: ranks among random products that a person has not seen; ties count half up."""
    unseen = scores.isfinite()
    unseen[person, product] = False
    weights = unseen[person].float()
    if int(weights.sum(1).min()) < negatives:
        raise LikewiseError(
            f"task.negatives={negatives} is larger than the number of products outside some history"
        )
    chosen = torch.multinomial(weights, negatives, generator=generator)
    others = scores[person].gather(1, chosen)
    own = scores[person, product][:, None]
    return (others > own).sum(1) + ((others == own).sum(1) + 1) // 2 + 1
