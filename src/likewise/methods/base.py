"""What all methods share: the optimiser, its schedule, validation and the watch on the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.errors import Diverged, LikewiseError
from likewise.metrics.retrieval import RetrievalMetric, evaluate_retrieval
from likewise.similarity.base import Similarity


class Method(pl.LightningModule):
    """Trains an encoder; a subclass writes ``training_loss``.

    Args:
        encoder: what is trained.
        loss: a pytorch-metric-learning loss; its own parameters are trained too.
        miner: a pytorch-metric-learning miner that picks the loss's pairs or triplets, or ``None``.
        similarity: measure used for validation (and, through the loss, for training).
        metrics: retrieval metrics of the validation split, each epoch.
        augmentation: batch of float pictures to augmented ones.
        learning_rate, weight_decay: of AdamW.
        warmup: share of all steps with a linearly rising learning rate; a cosine to zero follows.
    """

    def __init__(
        self,
        encoder: Encoder,
        loss: nn.Module,
        miner: nn.Module | None,
        similarity: Similarity,
        metrics: Mapping[str, RetrievalMetric],
        augmentation: nn.Module,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-2,
        warmup: float = 0.1,
    ) -> None:
        super().__init__()
        if not (learning_rate >= 0 and weight_decay >= 0 and 0 <= warmup <= 1):
            raise LikewiseError(
                f"method.learning_rate={learning_rate} and weight_decay={weight_decay} must be at "
                f"least 0, and warmup={warmup} between 0 and 1"
            )
        self.encoder, self.loss, self.augmentation = encoder, loss, augmentation
        self.miner = miner
        self.similarity, self.metrics = similarity, dict(metrics)
        self.learning_rate, self.weight_decay, self.warmup = learning_rate, weight_decay, warmup
        self._validation: list[tuple[Tensor, Tensor]] = []
        self.history: list[dict[str, float]] = []

    def training_loss(self, images: Tensor, groups: Tensor) -> Tensor:
        """The scalar to descend, of float pictures [b, c, h, w] in [0, 1] and groups [b]."""
        raise NotImplementedError(f"{type(self).__name__} must define training_loss()")

    def metric_loss(self, embeddings: Tensor, groups: Tensor) -> Tensor:
        """The loss between embeddings [b, d] of groups [b], through the miner; in float32."""
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            if self.miner is None:
                return self.loss(embeddings, groups)
            return self.loss(embeddings, groups, self.miner(embeddings, groups))

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [b, c, h, w] to embeddings, float [b, d]."""
        return self.encoder(to_float(images))

    def on_train_epoch_start(self) -> None:
        """Start the running mean of the loss, kept on the device so that no step waits for it."""
        self._loss_sum = torch.zeros((), device=self.device)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor | None:
        """One step of a subclass's ``training_loss``."""
        images, groups = batch
        loss = self.training_loss(to_float(images), groups)
        self.watch(loss)
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history goes with the weights."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Counterpart of ``on_save_checkpoint``."""
        self.history = checkpoint["history"]

    def watch(self, loss: Tensor) -> None:
        """Add to the epoch's mean; look at it rarely, as a look makes the device wait."""
        self._loss_sum += loss.detach()
        if self.global_step % 50 == 0:
            self._stop_if_not_finite()

    def on_train_epoch_end(self) -> None:
        """Log the epoch's mean loss and keep the epoch in the run's history."""
        self._stop_if_not_finite()
        mean = float(self._loss_sum) / max(1, self.trainer.num_training_batches)
        self.log("train/loss", mean, sync_dist=True)
        entry = {"epoch": float(self.current_epoch), "train/loss": mean}
        scores = self.trainer.callback_metrics
        entry |= {key: float(v) for key, v in scores.items() if key.startswith("validation/")}
        self.history.append(entry)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Embed; the metrics need the whole split."""
        images, groups = batch
        self._validation.append((self(images).float(), groups))

    def on_validation_epoch_end(self) -> None:
        """Leave-one-out retrieval within the validation split."""
        embeddings = torch.cat([embedding for embedding, _ in self._validation])
        groups = torch.cat([group for _, group in self._validation])
        self._validation.clear()
        if self.trainer.sanity_checking:
            return
        if not embeddings.isfinite().all():
            self._diverged()
        scores = evaluate_retrieval(self.metrics, embeddings, groups, self.similarity)
        for key, value in scores.items():
            self.log(f"validation/{key}", value)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine, a step at a time."""
        optimizer = self.adamw(self.encoder, self.loss)
        steps = int(self.trainer.estimated_stepping_batches)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.schedule(optimizer, steps), "interval": "step"},
        }

    def adamw(self, *modules: nn.Module) -> torch.optim.AdamW:
        """AdamW over the modules; weight decay leaves biases and normalisation alone."""
        parameters: list[nn.Parameter] = []
        for module in modules:
            parameters += [p for p in module.parameters() if p.requires_grad]
        decayed = [parameter for parameter in parameters if parameter.ndim > 1]
        others = [parameter for parameter in parameters if parameter.ndim <= 1]
        return torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=self.learning_rate,
        )

    def schedule(
        self, optimizer: torch.optim.Optimizer, steps: int
    ) -> torch.optim.lr_scheduler.LambdaLR:
        """Linear warm-up, then a cosine to zero at the last of ``steps``."""
        rising = max(1, round(self.warmup * steps))

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / rising
            return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)

    def _stop_if_not_finite(self) -> None:
        if not self._loss_sum.isfinite():
            self._diverged()

    def _diverged(self) -> None:
        raise Diverged(
            f"the loss or an embedding became NaN or infinite in epoch {self.current_epoch}; lower "
            f"method.learning_rate (now {self.learning_rate:g}) or check the loss's settings"
        )


def to_float(images: Tensor) -> Tensor:
    """uint8 pictures to float in [0, 1]."""
    return images.float().div_(255)
