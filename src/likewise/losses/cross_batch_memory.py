"""Comparing a batch with the products of earlier batches."""

from __future__ import annotations

from typing import Any

from pytorch_metric_learning import losses
from torch import Tensor

from likewise.errors import LikewiseError


class CrossBatchMemory(losses.CrossBatchMemory):
    """A loss on pairs of a product of the batch and one of the last ``memory_size`` products.

    Embeddings change slowly after the start of training, so those of earlier batches still serve
    as further products to compare with. Wang et al., "Cross-Batch Memory for Embedding Learning",
    CVPR 2020. The state of the memory is part of a checkpoint, so that a run that was cut off goes
    on with the same numbers.

    Args:
        loss: a loss of pairs or triplets.
        embedding_size: of the encoder.
        memory_size: number of products; at least the batch size.
    """

    # Groups of earlier batches are compared with those of this one.
    compares_batches = True

    def __init__(self, loss: losses.BaseMetricLossFunction, embedding_size: int, memory_size: int):
        super().__init__(loss, embedding_size, memory_size)

    @classmethod
    def check_loss_support(cls, loss_name: str) -> None:
        """Refuse losses that do not compare pairs of products."""
        if loss_name not in cls.supported_losses():
            raise LikewiseError(
                f"loss=cross_batch_memory does not work with {loss_name}, which does not compare "
                "products with each other; choose loss@loss.loss=supcon or multi_similarity"
            )

    def forward(self, embeddings: Tensor, labels: Tensor, *others: Any) -> Tensor:
        """Return the loss, a scalar, and remember the batch: float [b, d] and int64 [b]."""
        if len(embeddings) > self.memory_size:
            raise LikewiseError(
                f"loss.memory_size={self.memory_size} is below the batch of {len(embeddings)} "
                "products; raise it"
            )
        if embeddings.shape[1] != self.embedding_size:
            raise LikewiseError(
                f"loss.embedding_size={self.embedding_size} must be the size of the embeddings, "
                f"{embeddings.shape[1]}"
            )
        return super().forward(embeddings, labels, *others)

    def get_extra_state(self) -> tuple[int, bool]:
        """Return where the next batch is written, and whether the memory is full."""
        return self.queue_idx, self.has_been_filled

    def set_extra_state(self, state: tuple[int, bool]) -> None:
        """Restore what ``get_extra_state`` returned."""
        self.queue_idx, self.has_been_filled = state
