"""Cross-entropy of the next product over the whole catalogue."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from likewise.losses.next_product import NextProductLoss
from likewise.recommenders.sequences.product_vectors import ProductVectors


class NextSoftmax(NextProductLoss):
    """The negative log-probability of the next product under a softmax over all products.

    Klenitskiy and Vasilev, "Turning Dross Into Gold Loss: is BERT4Rec really better than SASRec?",
    RecSys 2023. It takes time and memory in proportion to the catalogue.

    Args:
        smoothing: share of the probability that is spread over all products.
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self.smoothing = smoothing

    def forward(self, states: Tensor, targets: Tensor, products: ProductVectors) -> Tensor:
        """See ``NextProductLoss``."""
        logits = states @ products.all().T
        return F.cross_entropy(logits, targets, label_smoothing=self.smoothing)
