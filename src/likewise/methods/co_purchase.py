"""Training an encoder on products that the same people bought."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.products import Products, take, to_device, to_float
from likewise.data.relevance import Behaviour, Events, Links
from likewise.errors import LikewiseError
from likewise.losses.in_batch_softmax import InBatchSoftmax
from likewise.methods.base import Method
from likewise.recommenders.content.content import Content


class CoPurchase(Method):
    """Brings the embeddings of products near that one person bought near each other.

    Each person of a batch gives ``pairs`` random pairs of different products whose events are at
    most ``window`` apart. With links between products, a pair is a product and one of those that it
    leads to. The targets of the other people are the negatives.

    Args:
        window: the largest distance between the two events of a pair.
        pairs: number of pairs per person and step.
    """

    trains_scorer = Content
    made_for = "recommender=content"
    reads_labels = False
    learns_from = Behaviour
    loss_kind = InBatchSoftmax
    scorer: Content
    products: Products

    def __init__(self, *args: Any, window: int = 5, pairs: int = 1, **options: Any) -> None:
        super().__init__(*args, **options)
        if window < 1 or pairs < 1:
            raise LikewiseError(f"method.window={window} and pairs={pairs} must be at least 1")
        wanted = self.encoder.trained_by
        if wanted is not None:
            raise LikewiseError(
                f"encoder {type(self.encoder).__name__} is trained by method={wanted} only; use "
                "another encoder with method=co_purchase, or method=fit to use it unchanged"
            )
        self.window, self.pairs = window, pairs

    def on_fit_start(self) -> None:
        """Take the histories, the content of the catalogue and each product's chance."""
        module = self.data_module
        relevance = module.data.any_of((Events, Links), "method=co_purchase")
        rows = relevance.splits["train"]
        self.histories = relevance.histories(rows, relevance.persons(rows))
        self.anchored = relevance.leads_from_product
        self.products = to_device(module.products, self.device)
        chances = target_chances(self.histories, len(module.data.catalogue), self.anchored)
        self.log_chances = torch.from_numpy(chances).log().float().to(self.device)

    def draw(self, people: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw pairs of products of some people by torch's global generator.

        Args:
            people: int64 [b], places in the histories.

        Returns:
            The rows of anchors and targets, and the person of each pair, int64 [m] each.
        """
        people = np.repeat(people, self.pairs)
        if not self.anchored:
            people = people[self.histories.lengths[people] > 1]
        lengths = self.histories.lengths[people]
        starts = self.histories.ends[people] - lengths
        place = (torch.rand(len(people), dtype=torch.float64).numpy() * lengths).astype(np.int64)
        first = self.histories.products[starts + place]
        if self.anchored:
            users = self.histories.users
            assert users is not None
            return users[people], first, people
        low, high = np.maximum(place - self.window, 0), np.minimum(place + self.window, lengths - 1)
        other = low + (torch.rand(len(people), dtype=torch.float64).numpy() * (high - low)).astype(
            np.int64
        )
        other += other >= place
        second = self.histories.products[starts + other]
        unlike = first != second
        return first[unlike], second[unlike], people[unlike]

    def training_loss(self, people: Tensor) -> Tensor:
        """The loss of random pairs of some people, int64 [b]."""
        drawn = self.draw(people.cpu().numpy())
        anchors, targets, owners = (torch.from_numpy(rows).to(self.device) for rows in drawn)
        rows, place = torch.cat([anchors, targets]).unique(return_inverse=True)
        if not len(rows):
            return sum((0.0 * p.sum() for p in self.encoder.parameters()), torch.zeros(()))
        self.products_seen += len(rows)
        embedded = self.encoder(self.augment(to_float(take(self.products, rows))))[place]
        # A target that is right for the anchor, or the anchor itself, is no negative.
        negatives = owners[:, None] != owners
        negatives &= (targets[:, None] != targets) & (anchors[:, None] != targets)
        with torch.autocast(embedded.device.type, enabled=False):
            left, right = self.similarity.prepare(embedded.float()).chunk(2)
            scores = self.similarity.block(left, right)
            scores = scores if self.similarity.larger_is_closer else -scores
            return self.loss(scores, self.log_chances[targets], negatives)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """See ``Method``; the catalogue is embedded anew."""
        self.scorer.prepare(self.data_module)
        super().validation_step(batch, batch_idx)


def target_chances(histories: Histories, products: int, anchored: bool) -> np.ndarray:
    """float64 [n], about how likely each product is the target of a random pair.

    Args:
        histories: of ``Behaviour``, whose people all give the same number of pairs.
        products: of the catalogue.
        anchored: whether one product makes a pair, as its anchor is not in the history.

    Raises:
        LikewiseError: there is no pair.
    """
    lengths = np.repeat(histories.lengths, histories.lengths)
    weights = (lengths >= (1 if anchored else 2)) / lengths
    chances = np.bincount(histories.products, weights, minlength=products)
    if not chances.any():
        raise LikewiseError("method=co_purchase needs people with at least two training events")
    return chances / chances.sum()
