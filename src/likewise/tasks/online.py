"""How many clicks the lists of a policy get in a simulated shop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from likewise.data.module import ProductModule
from likewise.data.relevance import Visits
from likewise.metrics.visits import ShownLists, VisitMetric
from likewise.policies.base import Policy
from likewise.policies.lists import draw_lists, list_logits
from likewise.simulation.shop import Shop
from likewise.tasks.base import Result, Task

BLOCK = 1000


class Online(Task):
    """Shows one list of the policy in each visit of a split, without learning from it.

    The units are the visits; visits to one product depend on each other. Scores are expected clicks
    under the true click model, so that they hold no noise of single clicks. Lists are drawn with
    the seed of the run.
    """

    metric_kind = VisitMetric
    scorer_kind = Policy
    relevance = Visits

    def test(
        self, scorer: Policy, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``."""
        shop = Shop(module.data)
        known = shop.visits
        rows = known.splits[split]
        product, segment = known.product[rows], known.segment[rows]
        generator = torch.Generator(device).manual_seed(module.seed)
        lists = []
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            contexts = shop.contexts(product[part], segment[part]).to(device)
            with torch.no_grad():
                logits = list_logits(scorer, contexts)
            lists.append(draw_lists(logits, shop.positions, generator).cpu().numpy())
        chances = shop.click_probabilities(product, segment, np.concatenate(lists))
        shown = ShownLists(chances.sum(axis=1), shop.best(product, segment))
        scores = {name: metric.per_visit(shown) for name, metric in self.metrics.items()}
        table: dict[str, Any] = {
            "unit_id": rows.astype(str),
            "product": np.array(module.data.catalogue["product_id"][:])[product],
            "segment": np.array(known.segments)[segment],
            **scores,
        }
        return Result(
            {f"{split}/{name}": float(values.mean()) for name, values in scores.items()},
            table,
            clusters=("product",),
            specifications=self.specifications,
            notes=("Clicks are those expected under the true click model of the simulator.",),
        )
