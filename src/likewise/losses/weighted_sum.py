"""Several losses at once."""

from __future__ import annotations

from collections.abc import Mapping

from pytorch_metric_learning import losses
from torch import nn

from likewise.errors import LikewiseError


class WeightedSum(losses.MultipleLosses):
    """The weighted sum of losses between groups of products.

    Args:
        losses: by name.
        weights: of each loss, by its name.
    """

    def __init__(self, losses: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        if {*losses} != {*weights}:
            raise LikewiseError(
                f"loss.losses are {', '.join(losses)} and loss.weights are of "
                f"{', '.join(weights)}; every loss needs one weight, such as "
                f"+loss.weights.{min({*losses} ^ {*weights})}=1.0"
            )
        super().__init__(dict(losses), weights=dict(weights))
