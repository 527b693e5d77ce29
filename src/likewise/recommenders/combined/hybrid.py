"""Several recommenders with learned weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from likewise.data.histories import Histories
from likewise.data.relevance import Events, Links
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.combined.finished_run import FinishedRun
from likewise.recommenders.combined.held_out import fit_logit, hold_out

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.data.module import ProductModule

WEIGHTS_FROM = ("train", "validation")


class Hybrid(FittedRecommender):
    """The sum of its parts' scores, weighted so that they tell each person's latest event best.

    The latest training event of some people is held out and the parts learn from the rest. The
    weights then maximise the likelihood of the held-out products under a softmax over the
    ``candidates`` products that the parts together rank first (conditional logit: McFadden, 1974);
    held-out products that are not among these are left out, as no weights would find them.
    At the end the parts learn once more, from all events. Scores enter as log(1 + score / scale),
    where the scale is a share of the part's mean positive score; those of a part that gives
    negative scores enter as they are. All are standardised.

    A part that is a finished run has learned from the latest training events, too, and would get
    too large a weight from them. ``weights_from="validation"`` learns the weights from the first
    validation event of each person instead, which no part has learned from. The validation score
    of the hybrid is then no estimate of its quality on other events; only the test score is.

    Args:
        parts: recommenders by name, which learn without gradient steps or are finished runs.
        people: at most, whose event the weights are learned from, drawn by the seed.
        candidates: of each held-out event.
        penalty: of the squared weights.
        share: of the mean positive score that is the scale.
        weights_from: ``train`` or ``validation``, the split whose events the weights learn from.
    """

    knows_new_products = True

    weights: Tensor
    scales: Tensor
    means: Tensor
    deviations: Tensor

    def __init__(
        self,
        parts: Mapping[str, FittedRecommender],
        people: int = 10_000,
        candidates: int = 200,
        penalty: float = 1e-3,
        share: float = 0.05,
        weights_from: str = "train",
    ) -> None:
        super().__init__()
        if not parts:
            raise LikewiseError("recommender.parts must name at least one recommender")
        for name, part in parts.items():
            if part.trained_by != self.trained_by:
                raise LikewiseError(
                    f"recommender.parts.{name} is trained by {part.trained_by}; the parts of a "
                    "hybrid learn without gradient steps"
                )
        if people < 1 or candidates < 1 or not (penalty > 0 and share > 0):
            raise LikewiseError(
                f"recommender.people={people} and candidates={candidates} must be at least 1, and "
                f"penalty={penalty} and share={share} above 0"
            )
        if weights_from not in WEIGHTS_FROM:
            raise LikewiseError(
                f"recommender.weights_from={weights_from} must be one of {', '.join(WEIGHTS_FROM)}"
            )
        self._parts = nn.ModuleDict(parts)
        if weights_from == "train" and any(isinstance(m, FinishedRun) for m in self.modules()):
            raise LikewiseError(
                "a part of the hybrid is a finished run, which has learned from all training "
                "events; set recommender.weights_from=validation"
            )
        self.weights_from = weights_from
        self.people, self.candidates = people, candidates
        self.penalty, self.share = penalty, share
        for name in ("weights", "means"):
            self.register_buffer(name, torch.zeros(len(parts)))
        for name in ("scales", "deviations"):
            self.register_buffer(name, torch.ones(len(parts)))

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        if self.weights_from == "train":
            return ()
        return (
            "The weights of the hybrid were learned from validation events, so that its validation "
            "score is no estimate of its quality; all its parts learned from training events only.",
        )

    @property
    def parts(self) -> list[FittedRecommender]:
        """The recommenders in their order."""
        return [part for part in self._parts.values() if isinstance(part, FittedRecommender)]

    def learn(self, module: ProductModule, splits: Sequence[str] = ("train",)) -> int:
        """See ``LearnsAtOnce``; weights from validation events stay when the parts refit."""
        read = super().learn(module, splits)
        if self.weights_from in splits:
            return read
        relevance = module.data.any_of(self.learns_from, "the recommender")
        known = [
            relevance.splits[name] for name in ("train", "history") if name in relevance.splits
        ]
        asked, targets = _validation(relevance, np.concatenate(known), self.people, module.seed)
        self._fit_weights(asked, targets)
        return read

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``; ``learn`` learns the weights where validation events give them."""
        if self.weights_from == "train":
            earlier, asked, targets = hold_out(histories, self.people, seed)
            for part in self.parts:
                part.fit(earlier, data, seed)
            self._fit_weights(asked, targets)
        for part in self.parts:
            part.fit(histories, data, seed)

    def _fit_weights(self, asked: Histories, targets: Tensor) -> None:
        """Learn the weights from histories and the product that came next in each, int64 [p]."""
        self._fit_scales(asked[:256])
        blocks, start = [], 0
        for block in asked.blocks(256):
            blocks.append(self._features(block, targets[start : start + 256]))
            start += 256
        features = torch.cat(blocks)
        if not len(features):
            raise LikewiseError(
                f"the parts of the hybrid rank none of {len(targets)} held-out events among their "
                f"first {self.candidates}; raise recommender.candidates or change the parts"
            )
        self.means, self.deviations = features.mean((0, 1)), features.std((0, 1)) + 1e-9
        self.weights = fit_logit((features - self.means) / self.deviations, self.penalty)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        values = self._values(histories)
        total = torch.zeros_like(values[0])
        # The means would move all products alike.
        for value, weight in zip(values, self.weights / self.deviations, strict=True):
            total.add_(value, alpha=float(weight))
        return total

    def _values(self, histories: Histories) -> list[Tensor]:
        """Float32 [u, n] of each part."""
        found = []
        for part, scale in zip(self.parts, self.scales.tolist(), strict=True):
            scores = part.scores(histories)
            found.append((scores / scale).clamp_(min=0).log1p_() if scale > 0 else scores)
        return found

    def _fit_scales(self, some: Histories) -> None:
        """A scale for each part from its scores for some people; 0 for one with negative scores."""
        for place, part in enumerate(self.parts):
            scores = part.scores(some)
            positive = scores[scores > 0]
            scale = self.share * positive.mean() if len(positive) else torch.tensor(1.0)
            self.scales[place] = 0.0 if (scores < 0).any() else scale

    def _features(self, asked: Histories, targets: Tensor) -> Tensor:
        """Float32 [<= b, candidates, parts], the target first; of people whose target is one."""
        values = torch.stack(self._values(asked))
        centred = values - values.mean((1, 2), keepdim=True)
        together = (centred / (values.std((1, 2), keepdim=True) + 1e-9)).sum(0)
        own = together.gather(1, targets[:, None])
        together[torch.from_numpy(asked.people), torch.from_numpy(asked.products)] = -torch.inf
        found = (together > own).sum(1) < self.candidates
        together.scatter_(1, targets[:, None], torch.inf)
        rows = together.topk(min(self.candidates, together.shape[1]), dim=1).indices
        return values.gather(2, rows.expand(len(values), -1, -1)).permute(1, 2, 0)[found]


def _validation(
    relevance: Events | Links, known: np.ndarray, most: int, seed: int
) -> tuple[Histories, Tensor]:
    """The histories of some people and the first validation event of each, int64 [p].

    Args:
        known: int64, the rows of the events that are in the histories.
    """
    rows = np.sort(relevance.splits["validation"])
    people, first = np.unique(relevance.person[rows], return_index=True)
    if not len(people):
        raise LikewiseError("recommender.weights_from=validation needs validation events")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(people))[:most])
    asked = relevance.histories(known, people[chosen])
    return asked, torch.from_numpy(relevance.product[rows[first[chosen]]])
