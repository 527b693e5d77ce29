"""Binary cross-entropy of the next product against some drawn products."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from likewise.errors import LikewiseError
from likewise.losses.next_product import NextProductLoss, draw
from likewise.recommenders.sequences.product_vectors import ProductVectors


class NextBinaryCrossEntropy(NextProductLoss):
    """The next product as a positive, and drawn products as negatives, each on its own.

    With one negative this is the loss of Kang and McAuley, "Self-Attentive Sequential
    Recommendation", ICDM 2018. It learns slower than a softmax and is overconfident: Petrov and
    Macdonald, "gSASRec", RecSys 2023.

    Args:
        negatives: drawn for each position, uniformly; their losses are averaged.
    """

    def __init__(self, negatives: int = 1) -> None:
        super().__init__()
        if negatives < 1:
            raise LikewiseError(f"loss.negatives={negatives} must be at least 1")
        self.negatives = negatives

    def forward(self, states: Tensor, targets: Tensor, products: ProductVectors) -> Tensor:
        """See ``NextProductLoss``."""
        drawn, _ = draw(products.counts, (len(targets), self.negatives), 0.0)
        own = (states * products(targets)).sum(1)
        others = (states[:, None] * products(drawn)).sum(2)
        negative = F.softplus(others).masked_fill(drawn == targets[:, None], 0.0)
        return (F.softplus(-own) + negative.mean(1)).mean()
