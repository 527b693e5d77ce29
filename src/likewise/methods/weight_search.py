"""A search for the best fixed weights of a similarity policy."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from likewise.data.module import ProductModule
from likewise.data.relevance import Visits
from likewise.errors import LikewiseError
from likewise.methods.base import Method
from likewise.policies.lists import draw_lists, without_viewed
from likewise.policies.similarity import SimilarityPolicy
from likewise.simulation.environment import ManyVisits
from likewise.simulation.shop import Shop

# Added to the standard deviation of candidates after the first generation.
NOISE = 0.15


class WeightSearch(Method):
    """Finds weights and a temperature by the cross-entropy method, from clicks alone.

    Each generation draws candidates from a normal distribution, shows lists of each in as many
    training visits, and fits the distribution to the quarter that got the most clicks (Rubinstein,
    "The Cross-Entropy Method for Combinatorial and Continuous Optimization", Methodology and
    Computing in Applied Probability 1, 1999). Noise that decreases to 0 is added to the deviation,
    so that the search does not stop too early (Szita and Lőrincz, "Learning Tetris Using the Noisy
    Cross-Entropy Method", Neural Computation 18, 2006). All candidates of a generation get the same
    visits with the same random numbers, which makes their clicks comparable. The mean of the last
    generation is the result.

    Args:
        generations: number of generations.
        candidates: number of candidates of each generation.
        visits: number of visits of each candidate.
    """

    name = "weight_search"
    trains = False
    trains_encoder = nn.Module
    trains_scorer = SimilarityPolicy
    made_for = "policy=shop_similarity"
    reads_labels = False
    learns_from = Visits
    scorer: SimilarityPolicy

    def __init__(
        self,
        *parts: Any,
        generations: int = 12,
        candidates: int = 40,
        visits: int = 500,
        **options: Any,
    ) -> None:
        super().__init__(*parts, **options)
        if generations < 1 or candidates < 8 or visits < 1:
            raise LikewiseError(
                f"method.generations={generations} and visits={visits} must be at least 1, and "
                f"candidates={candidates} at least 8"
            )
        self.generations, self.candidates, self.visits = generations, candidates, visits

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Method``."""
        tried = self.generations * self.candidates
        return (
            f"method=weight_search tried {tried:,} weights in {self.visits:,} visits each, "
            f"{tried * self.visits:,} visits in all.",
        )

    def trained(self) -> list[nn.Module]:
        """Nothing by gradient steps."""
        return []

    @torch.no_grad()
    def learn(self, module: ProductModule) -> int:
        """See ``Method``."""
        self.scorer.prepare(module)
        shop = Shop(module.data)
        environment = ManyVisits(shop, "train", self.visits)
        generator = torch.Generator().manual_seed(module.seed)
        start = self.scorer.weights / self.scorer.weights.norm()
        mean = torch.cat([start, self.scorer.log_temperature[None]])
        deviation = torch.ones_like(mean)
        for generation in range(self.generations):
            noise = torch.randn(self.candidates, len(mean), generator=generator)
            tried = mean + deviation * noise
            # Only the direction of weights counts.
            tried[:, :-1] /= tried[:, :-1].norm(dim=1, keepdim=True)
            clicks = self._clicks(tried, shop, environment, module.seed + generation * 1_000_003)
            best = tried[clicks.argsort(descending=True)[: self.candidates // 4]]
            mean = best.mean(0)
            deviation = best.std(0) + NOISE * (1 - generation / self.generations)
        self._set(mean)
        return self.generations * self.candidates * self.visits

    def _clicks(self, tried: Tensor, shop: Shop, environment: ManyVisits, seed: int) -> Tensor:
        """Return the clicks of each candidate, float64 [c], in visits that the seed draws."""
        visited, _ = environment.reset(seed=seed)
        contexts = shop.contexts(visited["product"], visited["segment"])
        found = self.scorer.signal_values(contexts.links)
        clicks = []
        for candidate in tried:
            self._set(candidate)
            environment.reset(seed=seed)
            logits = without_viewed(self.scorer.combine(found, contexts), contexts)
            draws = torch.Generator().manual_seed(seed)
            lists = draw_lists(logits, shop.positions, draws)
            clicks.append(environment.step(lists.numpy())[1].sum())
        return torch.tensor(clicks)

    def _set(self, values: Tensor) -> None:
        """Use the weights and, last, the logarithm of the temperature."""
        self.scorer.weights.copy_(values[:-1])
        self.scorer.log_temperature.copy_(values[-1].clamp(math.log(1e-3), math.log(10)))
