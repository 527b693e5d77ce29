"""Metric learning with generated products of known groups in the loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from likewise.data.products import Products, join
from likewise.encoders.gan_augmented import GanAugmented
from likewise.methods.base import Method, float_batch


class Adversarial(Method):
    """One step each of the discriminator, the generator and the encoder.

    Args:
        share: generated products a real one in the encoder's loss.
        start: share of all steps after which generated products enter that loss; before, they
            are still noise.
        weight: of the loss on real and generated products together; the loss on real products
            alone keeps the rest.
        gan_learning_rate: of the generator's and discriminator's Adam.
    """

    name = "adversarial"
    trains_encoder = GanAugmented
    made_for = "encoder=gan_augmented"

    def __init__(
        self,
        *args: Any,
        share: float = 0.25,
        start: float = 0.3,
        weight: float = 0.5,
        gan_learning_rate: float = 5e-4,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.share, self.start, self.weight = share, start, weight
        self.gan_learning_rate = gan_learning_rate
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        """AdamW of the encoder with its schedule; Adam for the two players."""
        encoder = self.adamw(self.encoder.base, self.loss)
        # Each batch makes three optimiser steps, which the trainer counts one by one.
        self._steps = int(self.trainer.estimated_stepping_batches)
        players = [
            torch.optim.Adam(part.parameters(), lr=self.gan_learning_rate, betas=(0.5, 0.999))
            for part in (self.encoder.generator, self.encoder.discriminator)
        ]
        return [encoder, *players], [self.schedule(encoder, self._steps)]

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> None:
        """Discriminator, generator, encoder."""
        self.count(batch)
        products, groups = float_batch(batch)
        images = products["image"]
        optimizers: Any = self.optimizers()
        encoder, generator, discriminator = optimizers
        generated = self.encoder.generate(groups)
        self._step(discriminator, self.encoder.discriminator_loss(images, generated, groups))
        self._step(generator, self.encoder.generator_loss(generated, groups))
        loss = self.training_loss(products, groups)
        self._step(encoder, loss)
        schedule: Any = self.lr_schedulers()
        schedule.step()
        self.watch(loss)

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """The loss on real products, mixed with the loss on real and generated ones together."""
        seen = self.augment(products)
        done = self.global_step / (3 * self._steps)
        extra = round(self.share * len(groups)) if done >= self.start else 0
        if not extra:
            return self.metric_loss(self.encoder(seen), groups)
        with torch.no_grad():
            generated = self.augment({"image": self.encoder.generate(groups[:extra])})
        embeddings = self.encoder(join(seen, generated))
        on_real = self.metric_loss(embeddings[: len(groups)], groups)
        on_both = self.metric_loss(embeddings, torch.cat([groups, groups[:extra]]))
        return (1 - self.weight) * on_real + self.weight * on_both

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
