"""Recommending while events arrive period by period, by a recommender that is updated."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.relevance import Events
from likewise.data.time_split import time_periods
from likewise.errors import LikewiseError
from likewise.metrics.base import finite_mean
from likewise.metrics.recommendation import RecommendationMetric, Recommended
from likewise.metrics.updating_by_time import PeriodMetric, Predicted
from likewise.recommenders.base import Recommender
from likewise.recommenders.updated.base import UpdatedRecommender
from likewise.similarity.base import Similarity
from likewise.tasks.base import Result
from likewise.tasks.catalogue_ranking import LISTED, CatalogueRanking, known_before


class UpdatingByTime(CatalogueRanking):
    """Predicts the events of each period of a split after an update with all events before it.

    The events of a split are cut into consecutive periods. Before each period the recommender is
    updated with the events since its last update, and the histories of people hold all events
    before the period. A copy of the recommender is updated, so that the run keeps what was learned
    from the training split.

    Args:
        metrics: by name.
        similarity: compares embeddings, where the recommender has any.
        measure: gives the list of each person and period its quality.
        periods: how many there are, of about equal numbers of events.
        filter_seen: see ``CatalogueRanking``.
    """

    metric_kind = PeriodMetric
    scorer_kind = UpdatedRecommender
    relevance = Events

    def __init__(
        self,
        metrics: Mapping[str, PeriodMetric],
        similarity: Similarity,
        measure: RecommendationMetric,
        periods: int = 10,
        filter_seen: bool = True,
    ) -> None:
        super().__init__(metrics, similarity, filter_seen)
        if not isinstance(measure, RecommendationMetric):
            raise LikewiseError("task.measure must be a metric of metrics=recommendation")
        self.measure, self.periods = measure, periods

    @property
    def notes(self) -> tuple[str, ...]:
        """How it ranks, and what new products are."""
        return (
            *super().notes,
            f"Quality is {self.measure.label} per person and period; new products are those "
            "without an event in the training split.",
        )

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``; the events need times, and the split must follow what is known."""
        events = data.get(Events)
        if "time" not in events.events.column_names:
            raise LikewiseError(
                "task=updating_by_time needs the times of the events, which these data do not "
                "have; choose data that do, such as data=amazon_hin"
            )
        super().check_split(data, name)
        when, known = events.column("time"), known_before(events, name)
        if when[known].max() > when[events.splits[name]].min():
            raise LikewiseError(
                f"some events before the {name} split are later than its first event, so they "
                "cannot arrive in periods; choose data.split_by=time"
            )
        time_periods(when[events.splits[name]], self.periods)

    def test(
        self, scorer: Recommender, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``; the table has one row per person and period.

        The scores of each period have names such as ``test_period_3/new``, from 1.
        """
        data, scorer = module.data, copy.deepcopy(scorer)
        assert isinstance(scorer, UpdatedRecommender)  # as scorer_kind demands
        events = data.get(Events)
        rows, known = events.splits[split], known_before(events, split)
        period = time_periods(events.column("time")[rows], self.periods)
        is_old = np.zeros(len(data.catalogue), bool)
        is_old[events.product[events.splits["train"]]] = True
        arrived = known[~np.isin(known, events.splits["train"])]
        lines, seconds = [], []
        for number in range(self.periods):
            seconds.append(self._update(scorer, module, known, arrived))
            arrived = rows[period == number]
            histories, person, product = self._wanted(events, known, arrived)
            known = np.sort(np.concatenate([known, arrived]))
            if not len(histories):
                continue
            found = self._ranked(scorer, data, histories, person, product, LISTED)
            lines.append(
                {
                    "person": events.user_names[histories.users].astype(str),
                    "period": np.full(len(histories), number + 1),
                    "known": histories.lengths,
                    "quality_new": self._quality(found, ~is_old[product]),
                    "quality_old": self._quality(found, is_old[product]),
                    "quality_seen": self._quality(found, np.ones(len(product), bool)),
                }
            )
        table = {name: np.concatenate([line[name] for line in lines]) for name in lines[0]}
        predicted = Predicted(*(table.pop(f"quality_{name}") for name in ("new", "old", "seen")))
        values = {name: metric.per_person(predicted) for name, metric in self.metrics.items()}
        units = zip(table["person"], table["period"], strict=True)
        scores = {f"{split}/{name}": metric(predicted) for name, metric in self.metrics.items()}
        for number in range(1, self.periods + 1):
            own = table["period"] == number
            scores |= {
                f"{split}_period_{number}/{name}": finite_mean(value[own])
                for name, value in values.items()
                if np.isfinite(value[own]).any()
            }
        return Result(
            scores,
            {"unit_id": np.array([f"{name}@{number}" for name, number in units])} | table | values,
            clusters=("person",),
            specifications=self.specifications,
            notes=self.notes,
            cost={"update_seconds": float(np.mean(seconds))},
        )

    def _update(
        self,
        scorer: UpdatedRecommender,
        module: ProductModule,
        known: np.ndarray,
        arrived: np.ndarray,
    ) -> float:
        """Update with the events (rows, int64) that have arrived; returns the seconds."""
        events = module.data.get(Events)
        people = events.persons(known)
        histories = events.histories(known, people)
        codes = np.searchsorted(people, events.person[arrived])
        new = np.bincount(codes, minlength=len(people))
        start = time.perf_counter()
        scorer.update(histories, new, module.data, module.seed)
        return time.perf_counter() - start

    def _quality(self, recommended: Recommended, chosen: np.ndarray) -> np.ndarray:
        """Return the quality of each list for some products to be found, float64 [u].

        Args:
            chosen: bool [t], of the products to be found; without any, a person has NaN.
        """
        if not chosen.any():
            return np.full(len(recommended.top), np.nan)
        some = replace(
            recommended, person=recommended.person[chosen], rank=recommended.rank[chosen]
        )
        return np.where(some.wanted > 0, self.measure.per_person(some), np.nan)
