"""Contrastive training of the encoder on single offers, then of the matcher's head on pairs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from likewise.data.module import ProductModule
from likewise.data.relevance import Groups, Pairs
from likewise.data.samplers.source_aware import SourceAware, find_sources
from likewise.errors import LikewiseError
from likewise.losses.base import PairLoss
from likewise.matchers.base import EmbeddingMatcher
from likewise.matchers.similarity import SimilarityMatcher
from likewise.methods.base import Method, Stage
from likewise.scorer import Scorer


class ContrastivePairs(Method):
    """Trains the encoder by a loss between groups of offers, and then the head on labelled pairs.

    Peeters and Bizer, "Supervised Contrastive Learning for Product Matching", WWW Companion 2022,
    section 3 (R-SupCon). The groups of the first stage are the connected components of the training
    matches, and ``SourceAware`` draws its batches, so that offers of two shops that may match
    without a label are no negatives. Its epochs are compared by the similarity of two embeddings.
    In the second stage the encoder is frozen, and the pair loss trains the rest of the matcher.

    Args:
        group_loss: the loss of the first stage, of pytorch-metric-learning.
    """

    # It trains all matchers with a head that method=pairs trains.
    name = "pairs"
    learns_from = Pairs
    loss_kind = PairLoss
    scorer: EmbeddingMatcher

    def __init__(self, *args: Any, group_loss: nn.Module | None, **options: Any) -> None:
        super().__init__(*args, **options)
        if group_loss is None:
            raise LikewiseError(
                "method=contrastive_pairs needs a loss on groups, such as "
                "loss@method.group_loss=supcon; method=pairs trains without one"
            )
        self.group_loss, self.stage, self.one_source = group_loss, 0, False
        encoder = {*self.encoder.parameters()}
        self._head = [part for part in self.scorer.parameters() if part not in encoder]
        if not any(parameter.requires_grad for parameter in encoder):
            raise LikewiseError(
                f"method=contrastive_pairs trains the encoder, and {type(self.encoder).__name__} "
                "has nothing to train; use method=pairs"
            )
        if not self._head:
            raise LikewiseError(
                "method=contrastive_pairs trains the head of a matcher, and "
                f"{type(self.scorer).__name__} has none; use matcher=pair_head, or "
                "method=metric_learning with sampler=source_aware to train the encoder only"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Method``."""
        if not self.one_source:
            return ()
        return (
            "The data do not tell shops apart, so method=contrastive_pairs took all offers as "
            "those of one shop, and offers that match without a label can be negatives.",
        )

    @property
    def validated(self) -> Scorer:
        """See ``Method``; the head is not trained in the first stage."""
        if self.stage == 1:
            return SimilarityMatcher(self.encoder, self.similarity)
        return self.scorer

    def trained(self) -> list[nn.Module]:
        """See ``Method``; the optimiser leaves out what is frozen in a stage."""
        return [*super().trained(), self.group_loss]

    def stages(self, module: ProductModule) -> Iterator[Stage]:
        """See ``Method``; the second stage starts from the same random state, also when resumed."""
        offers = self._offers(module)
        self.stage = 1
        with torch.random.fork_rng(), _frozen(*self._head, *self.loss.parameters()):
            yield Stage(offers)
        self.stage = 2
        with _frozen(*self.encoder.parameters(), *self.group_loss.parameters()):
            yield Stage(module)

    def training_loss(self, *batch: Any) -> Tensor:
        """Return the group loss of offers, or the pair loss by embeddings of the frozen encoder."""
        if self.stage == 1:
            products, groups = batch
            embeddings = self.encoder(self.augment(products))
            with torch.autocast(embeddings.device.type, enabled=False):
                return self.group_loss(embeddings.float(), groups)
        left, right, labels, _ = batch
        one, other = (self.encoder.embed(self.augment(side)) for side in (left, right))
        return self.loss(self.scorer.compare(one, other).float(), labels)

    def on_train_epoch_end(self) -> None:
        """See ``Method``; the history also has the stage of each epoch."""
        super().on_train_epoch_end()
        self.history[-1]["stage"] = float(self.stage)

    def _offers(self, module: ProductModule) -> ProductModule:
        """Return the offers of the training pairs, in batches for the first stage."""
        pairs = module.data.get(Pairs, "method=contrastive_pairs")
        matches = int(pairs.labels[pairs.splits["train"]].sum())
        if matches < 2:
            raise LikewiseError(
                "method=contrastive_pairs needs at least 2 matches among the training pairs, and "
                f"these data have {matches}; use more pairs"
            )
        rows = pairs.products_of("train")
        names = [str(number) for number in range(pairs.num_groups)]
        groups = Groups.of(pairs.groups[rows], names, {"train": rows}, products=rows)
        groups.check_training(module.batch_size)
        sources = find_sources(module.data, pairs)[rows]
        self.one_source = len(np.unique(sources)) == 1
        sampler = SourceAware(module.batch_size)
        sampler.source = torch.from_numpy(sources)
        return module.batched_by(groups, sampler)


@contextmanager
def _frozen(*parameters: nn.Parameter) -> Iterator[None]:
    """Leave parameters out of the optimiser that is made meanwhile."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    yield
    for parameter in trained:
        parameter.requires_grad_(True)
