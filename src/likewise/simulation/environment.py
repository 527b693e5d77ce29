"""The simulated shop with the interfaces of gymnasium, for one visit and for many at once.

An episode is one visit. The observation is the product that is looked at and the segment of the
shopper, an action is a list of products, and the reward is the number of clicks. ``info`` holds
``clicks`` by position, and of the click model, which no policy may learn from, the ``expected``
clicks of the list and those of the ``best`` list: their difference is the regret.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from likewise.errors import LikewiseError
from likewise.simulation.shop import Shop

Observation = dict[str, Any]


def observation_space(shop: Shop) -> spaces.Dict:
    """Return the space of a visit: a product and a segment."""
    segments = len(shop.visits.segments)
    return spaces.Dict(
        {"product": spaces.Discrete(shop.size), "segment": spaces.Discrete(segments)}
    )


def action_space(shop: Shop) -> spaces.MultiDiscrete:
    """Return the space of lists of products."""
    return spaces.MultiDiscrete(np.full(shop.positions, shop.size))


class ManyVisits(VectorEnv[Observation, np.ndarray, np.ndarray]):
    """Several visits at once; each step ends all of them, and ``reset`` begins others.

    Args:
        shop: what shoppers see and do.
        split: whose visits.
        num_envs: number of visits at once.
    """

    def __init__(self, shop: Shop, split: str = "train", num_envs: int = 1) -> None:
        self.shop, self.num_envs = shop, num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_observation_space = observation_space(shop)
        self.single_action_space = action_space(shop)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._rows = shop.visits.splits[split]
        self._current: np.ndarray | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin visits.

        Args:
            seed: of the draws of visits and clicks.
            options: ``visits``, int64 [num_envs], numbers of visits of the split; without, they are
                drawn.
        """
        super().reset(seed=seed, options=options)
        chosen = (options or {}).get("visits")
        if chosen is None:
            chosen = self.np_random.integers(len(self._rows), size=self.num_envs)
        if np.shape(chosen) != (self.num_envs,):
            raise LikewiseError(f"visits must name {self.num_envs} visits")
        self._current = self._rows[np.asarray(chosen)]
        return self._observe(self._current), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Show a list in each visit, int64 [num_envs, k].

        Raises:
            LikewiseError: the visits are over, or were never begun.
        """
        if self._current is None:
            raise LikewiseError("a visit is over after one list; call reset() before step()")
        visit, self._current = self._current, None
        known = self.shop.visits
        product, segment = known.product[visit], known.segment[visit]
        chances = self.shop.click_probabilities(product, segment, np.asarray(actions))
        clicks = (self.np_random.random(chances.shape) < chances).astype(np.int64)
        info = {
            "clicks": clicks,
            "expected": chances.sum(axis=1),
            "best": self.shop.best(product, segment),
        }
        over, never = np.ones(self.num_envs, bool), np.zeros(self.num_envs, bool)
        return self._observe(visit), clicks.sum(axis=1).astype(np.float64), over, never, info

    def _observe(self, visit: np.ndarray) -> Observation:
        known = self.shop.visits
        return {"product": known.product[visit], "segment": known.segment[visit]}


class OneVisit(gymnasium.Env[Observation, np.ndarray]):
    """One visit per episode, for agents of other libraries; see ``ManyVisits``."""

    def __init__(self, shop: Shop, split: str = "train") -> None:
        self.observation_space = observation_space(shop)
        self.action_space = action_space(shop)
        self._visits = ManyVisits(shop, split)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a visit; ``options`` may name its number in the split as ``visit``."""
        super().reset(seed=seed)
        self._visits.np_random = self.np_random
        chosen = None if not options else {"visits": [options["visit"]]}
        observation, _ = self._visits.reset(options=chosen)
        return _first(observation), {}

    def step(self, action: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Show a list, int64 [k]."""
        observation, reward, _, _, info = self._visits.step(np.asarray(action)[None])
        return _first(observation), float(reward[0]), True, False, _first(info)


def _first(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value[0] for name, value in values.items()}
