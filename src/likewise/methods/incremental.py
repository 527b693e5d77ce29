"""Metric learning on products that arrive in steps."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.arrivals import arrival_steps, replay_memory
from likewise.data.module import ProductModule
from likewise.data.products import Products
from likewise.data.relevance import Groups
from likewise.errors import LikewiseError
from likewise.matchers.versions import Versions
from likewise.methods.base import Stage
from likewise.methods.metric_learning import MetricLearning


class Incremental(MetricLearning):
    """Trains on a base set of groups, and then updates the encoder when more groups arrive.

    Each step is a stage with an optimiser and a schedule of its own, from the same random state.
    Its epochs are compared on the validation products of all groups that have arrived. With
    ``retrain``, the last step is therefore the same as ``method=metric_learning`` on all data.

    In an update, the loss is the metric loss of the batch, plus ``distillation`` times the mean
    squared distance between the prepared embeddings of old products by the current encoder and by
    that of the step before, plus ``compatibility`` times the metric loss of the batch against the
    embeddings of its old products by the encoder of the step before. The latter is the influence
    loss of Shen et al., "Towards Backward-Compatible Representation Learning", CVPR 2020,
    equation 3, with embeddings in place of the old classifier.

    Args:
        base_share: share of the groups in the first step.
        order_seed: seed of the order of arrival and of the replayed products.
        epochs: the largest number of epochs of an update; 0 never changes the base encoder.
        update_learning_rate: the learning rate of updates; ``None`` for ``learning_rate``.
        retrain: train from the initial weights on all products that have arrived, with the epochs
            and the learning rate of the base.
        replay: number of products of earlier steps, over all their groups, that updates train on
            in addition to the new products.
        distillation, compatibility: weights of these losses.
    """

    name = "incremental"
    trains_scorer = Versions
    made_for = "task=updating, which chooses matcher=versions"
    scorer: Versions

    def __init__(
        self,
        *parts: Any,
        base_share: float = 0.4,
        order_seed: int = 0,
        epochs: int = 5,
        update_learning_rate: float | None = None,
        retrain: bool = False,
        replay: int = 0,
        distillation: float = 0.0,
        compatibility: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(*parts, **options)
        if not 0 < base_share < 1 or min(epochs, replay, distillation, compatibility) < 0:
            raise LikewiseError(
                f"method.base_share={base_share} must be between 0 and 1, and epochs={epochs}, "
                f"replay={replay}, distillation={distillation} and compatibility={compatibility} "
                "at least 0"
            )
        if retrain and replay:
            raise LikewiseError(
                f"method.retrain=true trains on all old products, so method.replay={replay} has no "
                "use; leave one of them out"
            )
        if (distillation or compatibility) and not (retrain or replay):
            raise LikewiseError(
                f"method.distillation={distillation} and compatibility={compatibility} compare old "
                "products with what the encoder gave before, and method.replay=0 has none; set "
                "method.replay to a number of products"
            )
        if not epochs and not retrain and replay:
            raise LikewiseError(
                f"method.epochs=0 trains nothing in updates, so method.replay={replay} has no use"
            )
        self.base_share, self.order_seed = base_share, order_seed
        self.epochs, self.retrain, self.replay = epochs, retrain, replay
        self.distillation, self.compatibility = distillation, compatibility
        self.rates = (self.learning_rate, update_learning_rate)
        self.step = 0
        if compatibility:
            self._check_compatibility()

    def stages(self, module: ProductModule) -> Iterator[Stage]:
        """See ``Method``; a step is a stage."""
        groups, scorer = module.data.get(Groups, "method=incremental"), self.scorer
        labels, steps = groups.labels_of("train"), len(scorer.versions)
        arrival = arrival_steps(labels, steps, self.base_share, self.order_seed)
        scorer.arrival[: len(arrival)] = torch.from_numpy(arrival)
        arrival = scorer.arrival.cpu().numpy()
        initial = deepcopy((self.encoder.state_dict(), self.loss.state_dict()))
        for self.step in range(steps):
            updates = self.step > 0 and not self.retrain
            if self.step and self.retrain:
                for part, state in zip((self.encoder, self.loss), initial, strict=True):
                    part.load_state_dict(state)
            base, update = self.rates
            self.learning_rate = base if update is None or not updates else update
            read = self.products_seen
            with torch.random.fork_rng():
                epochs = self.epochs if updates else None
                yield Stage(self._arrived(module, arrival), epochs, is_update=self.step > 0)
            scorer.keep(self.step, self.products_seen - read)

    def _arrived(self, module: ProductModule, arrival: np.ndarray) -> ProductModule:
        """Return the products of a step: new and replayed ones, and validation by all groups."""
        groups = module.data.get(Groups)
        rows = {name: groups.rows(name) for name in ("train", "validation")}
        steps = {name: arrival[groups.labels_of(name)] for name in rows}
        judged = (steps["validation"] >= 0) & (steps["validation"] <= self.step)
        chosen = steps["train"] <= self.step
        if self.step and not self.retrain:
            priority = np.random.default_rng(self.order_seed).permutation(len(chosen))
            old = np.flatnonzero(steps["train"] < self.step)
            kept = replay_memory(groups.labels_of("train")[old], self.replay, priority[old])
            chosen = steps["train"] == self.step
            chosen[old[kept]] = True
        part = module.restricted(
            {"train": rows["train"][chosen], "validation": rows["validation"][judged]}
        )
        if lacking := part.data.get(Groups).untellable(("validation",)):
            raise LikewiseError(f"after step {self.step}, {lacking['validation']}")
        if self.epochs or self.retrain or not self.step:
            part.prepare_training()
        return part

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """See ``Method``; in an update, with the losses against the encoder of the step before."""
        seen = self.augment(products)
        embeddings = self.encoder(seen)
        loss = self.metric_loss(embeddings, groups)
        old = self.scorer.arrival[groups] < self.step
        if not (self.distillation or self.compatibility) or not old.any():
            return loss
        before = self.scorer.version(self.step - 1).embed(seen)[old]
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            if self.distillation:
                loss = loss + self.distillation * self.drift(embeddings[old], before)
            if self.compatibility:
                influence = self.influence(embeddings, groups, before, groups[old])
                loss = loss + self.compatibility * influence
        return loss

    def drift(self, embeddings: Tensor, before: Tensor) -> Tensor:
        """Return the mean squared distance between prepared embeddings, both float [m, d]."""
        now, then = (self.similarity.prepare(part) for part in (embeddings, before))
        return (now - then).square().sum(1).mean()

    def influence(
        self, embeddings: Tensor, groups: Tensor, before: Tensor, old_groups: Tensor
    ) -> Tensor:
        """Return the metric loss of embeddings [b, d] against earlier ones [m, d]."""
        reference = {"ref_emb": before, "ref_labels": old_groups}
        mined = self.miner(embeddings, groups, **reference) if self.miner is not None else None
        return self.loss(embeddings, groups, mined, **reference)

    def on_train_epoch_end(self) -> None:
        """See ``Method``; the history also has the step of each epoch."""
        super().on_train_epoch_end()
        self.history[-1]["step"] = float(self.step)

    def _check_compatibility(self) -> None:
        """Refuse a loss that cannot compare embeddings with given ones, such as by proxies."""
        some, groups = torch.eye(4, self.encoder.embedding_size), torch.tensor([0, 0, 1, 1])
        try:
            with torch.no_grad():
                self.influence(some, groups, some.clone(), groups)
        except ValueError as error:
            # pytorch-metric-learning says of a loss by proxies that ref_emb is not supported.
            raise LikewiseError(
                f"method.compatibility={self.compatibility} compares products with earlier "
                f"embeddings, which loss {type(self.loss).__name__} cannot do; use loss=supcon, "
                "triplet, contrastive or multi_similarity"
            ) from error
