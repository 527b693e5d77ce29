"""Cross-entropy of the right product among those of the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import LikewiseError


class InBatchSoftmax(nn.Module):
    """A softmax over the targets of the batch, corrected for how often a product is a target.

    Popular products are more often among the negatives, so that without a correction the loss
    holds them down: its best score is log P(target | anchor) - log Q(target), the pointwise mutual
    information. Subtracting log Q from the scores ("logQ correction") makes it estimate the softmax
    over the catalogue, whose best score is log P(target | anchor): Yi et al., "Sampling-Bias-
    Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019, equation 5.

    Args:
        temperature: divides the scores.
        correction: from 0 (none) to 1 (the paper's), the factor of log Q.
    """

    def __init__(self, temperature: float = 0.1, correction: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0 or not 0 <= correction <= 1:
            raise LikewiseError(
                f"loss.temperature={temperature} must be above 0 and loss.correction={correction} "
                "from 0 to 1"
            )
        self.temperature, self.correction = temperature, correction

    def forward(self, scores: Tensor, log_chances: Tensor, negatives: Tensor) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            scores: float [m, m], of each anchor with each target, larger for closer; the right
                target of an anchor is on the diagonal.
            log_chances: float [m], the logarithm of each target's chance to be one.
            negatives: bool [m, m], which targets count as negatives of an anchor.
        """
        logits = scores / self.temperature - self.correction * log_chances
        right = torch.arange(len(logits), device=logits.device)
        kept = negatives | torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        return F.cross_entropy(logits.masked_fill(~kept, -torch.inf), right)
