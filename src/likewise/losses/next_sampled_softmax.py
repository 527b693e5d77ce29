"""Cross-entropy of the next product over itself and some drawn products."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from likewise.errors import LikewiseError
from likewise.losses.next_product import NextProductLoss, draw
from likewise.recommenders.sequences.product_vectors import ProductVectors


class NextSampledSoftmax(NextProductLoss):
    """Softmax over the next product and ``negatives`` products, drawn once for the whole batch.

    A drawn product that is the next one itself does not count as a negative. With ``correction``
    the logarithm of the expected number of draws is subtracted from each score ("logQ correction"),
    so that the loss estimates the softmax over the catalogue: Bengio and Senécal, "Quick Training
    of Probabilistic Neural Nets by Importance Sampling", AISTATS 2003; Yi et al., "Sampling-Bias-
    Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019.

    Args:
        negatives: how many are drawn, with replacement.
        power: of a product's count of events in its chance to be drawn: 0 is uniform.
        correction: for the chance of a product to be drawn.
    """

    def __init__(self, negatives: int = 256, power: float = 0.0, correction: bool = True) -> None:
        super().__init__()
        if negatives < 1 or not power >= 0:
            raise LikewiseError(
                f"loss.negatives={negatives} must be at least 1 and loss.power={power} at least 0"
            )
        self.negatives, self.power, self.correction = negatives, power, correction

    def forward(self, states: Tensor, targets: Tensor, products: ProductVectors) -> Tensor:
        """See ``NextProductLoss``."""
        drawn, chances = draw(products.counts, (self.negatives,), self.power)
        own = (states * products(targets)).sum(1, keepdim=True)
        others = states @ products(drawn).T
        if self.correction:
            expected = chances + math.log(self.negatives)
            own, others = own - expected[targets][:, None], others - expected[drawn]
        others = others.masked_fill(targets[:, None] == drawn, -torch.inf)
        right = torch.zeros_like(targets)
        return F.cross_entropy(torch.cat([own, others], dim=1), right)
