"""Recommending products to people by what they did before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.histories import Histories
from likewise.data.module import ProductModule
from likewise.data.properties import properties
from likewise.data.relevance import Events
from likewise.errors import LikewiseError
from likewise.metrics.recommendation import RecommendationMetric, Recommended
from likewise.metrics.specification import MetricSpecification
from likewise.recommenders.base import Recommender
from likewise.recommenders.ranking import CatalogueOrder
from likewise.similarity.base import Similarity
from likewise.tasks.base import Result, Task

# Scores that are held at once.
BLOCK_ELEMENTS = 6_000_000
# Recommended products in the table of a run.
LISTED = 10
# What is known before the events of a split, and so may be in a history.
BEFORE = {"validation": ("train", "history"), "test": ("train", "history", "validation")}


class Recommendation(Task):
    """Ranks the whole catalogue for each user by the user's events of the earlier splits.

    The products of the user's events in the tested split are to be found. Users without such events
    do not count. Products of equal score stand in a random order that is the same for all.

    Args:
        metrics: by name.
        similarity: compares embeddings, where the recommender has any.
        filter_seen: leave out the products of the history; those of the tested split that the user
            had before then cannot be found and do not count.
        negatives: ``None`` ranks all products. A number ranks each product to be found among so
            many random ones that the user never had, as some papers do; these scores are higher,
            are labelled as sampled and must not be compared with others.
    """

    metric_kind = RecommendationMetric
    scorer_kind = Recommender
    relevance = Events

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

    def notes(self) -> list[str]:
        """See ``Task``."""
        seen = "left out" if self.filter_seen else "kept"
        among = (
            "All products are ranked"
            if self.negatives is None
            else f"Each product is ranked among {self.negatives} random ones only (sampled)"
        )
        return [
            f"{among}; products that the user had before are {seen}; products of equal score stand "
            "in a random order that is the same for all users and methods."
        ]

    def test(
        self, scorer: Recommender, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``.

        A row of the table is a user, called ``product_id``; ``recommended`` are the ids of the best
        products and ``ranks`` the ranks of the products to be found.
        """
        data = module.data
        events = data.get(Events)
        histories, person, product = self._asked(events, split)
        recommended = self._ranked(scorer, data, histories, person, product)
        values = {name: metric.per_person(recommended) for name, metric in self.metrics.items()}
        ids = np.array(data.catalogue["product_id"][:])
        names = events.user_names[histories.users]
        ends = recommended.wanted.cumsum()[:-1]
        table: dict[str, Any] = {
            "product_id": np.array([str(name) for name in names]),
            "recommended": list(ids[recommended.top[:, :LISTED]]),
            "ranks": np.split(recommended.rank, ends),
        }
        # A metric of all users together has no value for one of them.
        table |= {name: found for name, found in values.items() if np.isfinite(found).any()}
        return Result(
            {f"{split}/{name}": metric(recommended) for name, metric in self.metrics.items()},
            table,
            specifications={name: self._labelled(metric) for name, metric in self.metrics.items()},
        )

    def _asked(self, events: Events, split: str) -> tuple[Histories, np.ndarray, np.ndarray]:
        """Histories of the users with products to be found, and person and product of each one.

        Raises:
            LikewiseError: there is nobody.
        """
        before = [name for name in BEFORE[split] if name in events.splits]
        known = np.sort(np.concatenate([events.splits[name] for name in before]))
        rows = events.splits[split]
        pairs = np.unique(np.stack([events.user_codes[rows], events.product[rows]]), axis=1)
        if self.filter_seen:
            size = int(events.product.max(initial=-1)) + 1
            seen = events.user_codes[known] * size + events.product[known]
            pairs = pairs[:, ~np.isin(pairs[0] * size + pairs[1], seen)]
        users, person = np.unique(pairs[0], return_inverse=True)
        if not len(users):
            raise LikewiseError(
                f"no user has an event in {split} with a product to be found, so nothing can be "
                "scored"
            )
        return events.histories(known, users), person, pairs[1]

    def _ranked(
        self,
        scorer: Recommender,
        data: ProductData,
        histories: Histories,
        person: np.ndarray,
        product: np.ndarray,
    ) -> Recommended:
        size = len(data.catalogue)
        order = CatalogueOrder(size)
        depth = max([LISTED, *(metric.depth for metric in self.metrics.values())])
        generator = torch.Generator().manual_seed(size)
        top, rank = [], []
        people = max(1, BLOCK_ELEMENTS // size)
        for start in range(0, len(histories), people):
            block = histories[start : start + people]
            scores = scorer.scores(block)
            if self.filter_seen:
                scores = without_seen(scores, block)
            first, last = np.searchsorted(person, [start, start + people])
            asked = torch.from_numpy(person[first:last] - start)
            wanted = torch.from_numpy(product[first:last])
            top.append(order.top(scores, depth))
            if self.negatives is None:
                rank.append(order.ranks(scores, asked, wanted))
            else:
                rank.append(_sampled(scores, asked, wanted, self.negatives, generator))
        train = data.get(Events)
        rows = train.splits["train"]
        users = train.histories(rows, train.persons(rows))
        shares = np.asarray(users.matrix(size).sum(0)).ravel() / max(1, len(users))
        return Recommended(
            torch.cat(top).numpy(),
            person,
            torch.cat(rank).numpy(),
            shares,
            properties(data.catalogue),
        )

    def _labelled(self, metric: RecommendationMetric) -> MetricSpecification:
        said = metric.specification
        if self.negatives is None:
            return said
        return replace(said, label=f"{said.label} among {self.negatives} sampled")


def without_seen(scores: Tensor, histories: Histories) -> Tensor:
    """Scores [u, n] with those of each person's own products at minus infinity."""
    seen = torch.from_numpy(histories.people), torch.from_numpy(histories.products)
    return scores.clone().index_put_(seen, torch.tensor(-torch.inf))


def _sampled(
    scores: Tensor, person: Tensor, product: Tensor, negatives: int, generator: torch.Generator
) -> Tensor:
    """int64 [t]: ranks among random products that a person has not seen; ties count half up."""
    unseen = scores.isfinite()
    unseen[person, product] = False
    weights = unseen[person].float()
    if int(weights.sum(1).min()) < negatives:
        raise LikewiseError(
            f"task.negatives={negatives} are more products than some user has not seen"
        )
    chosen = torch.multinomial(weights, negatives, generator=generator)
    others = scores[person].gather(1, chosen)
    own = scores[person, product][:, None]
    return (others > own).sum(1) + ((others == own).sum(1) + 1) // 2 + 1
