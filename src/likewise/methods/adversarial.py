"""Metric learning on real products and on generated products of known groups."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from likewise.data.products import Products, join
from likewise.encoders.gan_augmented import GanAugmented
from likewise.methods.base import Method, float_batch


class Adversarial(Method):
    """Trains the discriminator, the generator and the encoder in turn, one step each per batch.

    Args:
        generated_to_real_ratio: number of generated products per real product in the encoder's
            loss.
        generated_start: fraction of the training steps after which generated products enter the
            encoder's loss; before, the generator produces little more than noise.
        generated_loss_weight: weight w of the loss on real and generated products together; the
            loss on real products alone has the weight 1 - w.
        gan_learning_rate: learning rate of Adam for the generator and the discriminator.
    """

    name = "adversarial"
    trains_encoder = GanAugmented
    made_for = "encoder=gan_augmented"

    def __init__(
        self,
        *args: Any,
        generated_to_real_ratio: float = 0.25,
        generated_start: float = 0.3,
        generated_loss_weight: float = 0.5,
        gan_learning_rate: float = 5e-4,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.generated_to_real_ratio = generated_to_real_ratio
        self.generated_start = generated_start
        self.generated_loss_weight = generated_loss_weight
        self.gan_learning_rate = gan_learning_rate
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        """Return AdamW with a schedule for the encoder, and Adam for the GAN."""
        encoder = self.adamw(self.encoder.base, self.loss)
        # Each batch makes three optimiser steps, which the trainer counts one by one.
        self._steps = int(self.trainer.estimated_stepping_batches)
        players = [
            torch.optim.Adam(part.parameters(), lr=self.gan_learning_rate, betas=(0.5, 0.999))
            for part in (self.encoder.generator, self.encoder.discriminator)
        ]
        return [encoder, *players], [self.schedule(encoder, self._steps)]

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> None:
        """Take one step of the discriminator, then of the generator, then of the encoder."""
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
        """Return the weighted mean of the losses on real and on real and generated products."""
        seen = self.augment(products)
        done = self.global_step / (3 * self._steps)
        extra = round(self.generated_to_real_ratio * len(groups))
        if not extra or done < self.generated_start:
            return self.metric_loss(self.encoder(seen), groups)
        with torch.no_grad():
            generated = self.augment({"image": self.encoder.generate(groups[:extra])})
        embeddings = self.encoder(join(seen, generated))
        on_real = self.metric_loss(embeddings[: len(groups)], groups)
        on_both = self.metric_loss(embeddings, torch.cat([groups, groups[:extra]]))
        weight = self.generated_loss_weight
        return (1 - weight) * on_real + weight * on_both

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
