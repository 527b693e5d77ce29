"""What all methods share: the optimiser, its schedule, validation and the watch on the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from likewise.data.module import ProductModule
from likewise.data.products import Products, count, to_float
from likewise.data.relevance import Groups, Relevance
from likewise.encoders.base import Encoder
from likewise.errors import Diverged, LikewiseError
from likewise.matchers.base import EmbeddingMatcher
from likewise.scorer import Scorer
from likewise.similarity.base import Similarity
from likewise.tasks.base import Task


@dataclass(frozen=True)
class Stage:
    """A part of the training with an optimiser and a schedule of its own.

    Attributes:
        module: the products that it trains on, and those that its epochs are compared on.
        max_epochs: the largest number of epochs; ``None`` for that of the trainer, and 0 to only
            validate.
        is_update: whether it updates a model that was finished before it; the mean seconds of such
            stages are reported as ``update_seconds``.
    """

    module: ProductModule
    max_epochs: int | None = None
    is_update: bool = False


class Method(pl.LightningModule):
    """Trains a scorer and its encoder; a subclass writes ``training_loss``.

    Attributes:
        name: what encoders and matchers call it in ``trained_by``; ``None`` where none asks for it.
        trains_encoder: the class of encoders it can train.
        trains_scorer: the class of scorers it can train.
        made_for: a choice that it can train where it cannot train any, such as
            ``encoder=contrastive``; for sentences.
        reads_labels: whether it looks at the groups of products.
        trains: whether there are gradient steps to take; without any, ``learn`` is all there is.
        learns_from: the kind of relevance whose units make a batch, see ``UnitTensors.batch``:
            products and their groups, or labelled pairs of products.
        loss_kind: the class of its losses; a plain module is one of pytorch-metric-learning.

    Args:
        scorer: what is trained, with the encoder in it. Without a choice of a matcher it is the
            similarity of two embeddings.
        loss: of pytorch-metric-learning, or a ``PairLoss`` where pairs are trained; its own
            parameters are trained too.
        miner: a pytorch-metric-learning miner that picks the loss's pairs or triplets, or ``None``.
        similarity: measure used for validation (and, through the loss, for training).
        task: scores the scorer on the validation split, each epoch.
        augmentation: by modality, a batch of its tensor to an augmented one.
        learning_rate, weight_decay: of AdamW.
        warmup: share of all steps with a linearly rising learning rate; a cosine to zero follows.
    """

    name: str | None = None
    trains_encoder: type[nn.Module] = Encoder
    trains_scorer: type = EmbeddingMatcher
    made_for: str | None = None
    reads_labels = True
    trains = True
    learns_from: type[Relevance] = Groups
    loss_kind: type[nn.Module] = nn.Module

    def __init__(
        self,
        scorer: Scorer,
        loss: nn.Module,
        miner: nn.Module | None,
        similarity: Similarity,
        task: Task,
        augmentation: Mapping[str, nn.Module],
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
        self.scorer, self.loss, self.miner = scorer, loss, miner
        self.similarity, self.task = similarity, task
        self.augmentation = nn.ModuleDict(augmentation)
        self.learning_rate, self.weight_decay, self.warmup = learning_rate, weight_decay, warmup
        self.history: list[dict[str, float]] = []
        # Products that training has read, a product as often as it was read.
        self.products_seen = 0

    @property
    def encoder(self) -> Any:
        """The matcher's encoder, of the class ``trains_encoder``; ``None`` where it has none."""
        return self.scorer.encoder

    @property
    def validated(self) -> Scorer:
        """The scorer that the task validates after each epoch."""
        return self.scorer

    @property
    def data_module(self) -> ProductModule:
        """The products that it is trained on, during training."""
        # Lightning sets the attribute of the trainer without declaring it.
        trainer: Any = self.trainer
        return trainer.datamodule

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on how it trained, which stand below every table."""
        return ()

    def learn(self, module: ProductModule) -> int:
        """Learn all at once; returns how many products were read, each as often as read."""
        return 0

    def stages(self, module: ProductModule) -> Iterator[Stage]:
        """Yield the stages of the training, of which most methods have one.

        What follows a ``yield`` is run with the weights of the best epoch of that stage.
        """
        yield Stage(module)

    def prepare_test(self, module: ProductModule) -> None:
        """Whatever is to be done between the last validation and the test."""

    def training_loss(self, *batch: Any) -> Tensor:
        """The scalar to descend, of a batch (pictures are floats in [0, 1])."""
        raise NotImplementedError(f"{type(self).__name__} must define training_loss()")

    def augment(self, products: Products) -> Products:
        """Each modality that has an augmentation through it."""
        return {
            name: self.augmentation[name](values) if name in self.augmentation else values
            for name, values in products.items()
        }

    def metric_loss(self, embeddings: Tensor, groups: Tensor) -> Tensor:
        """The loss between embeddings [b, d] of groups [b], through the miner; in float32."""
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            if self.miner is None:
                return self.loss(embeddings, groups)
            return self.loss(embeddings, groups, self.miner(embeddings, groups))

    def on_train_epoch_start(self) -> None:
        """Start the running mean of the loss, kept on the device so that no step waits for it."""
        self._loss_sum = torch.zeros((), device=self.device)

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> Tensor | None:
        """One step of a subclass's ``training_loss``."""
        self.count(batch)
        loss = self.training_loss(*float_batch(batch))
        self.watch(loss)
        return loss

    def count(self, batch: tuple[Any, ...]) -> None:
        """Count the products of a batch; a pair has two."""
        self.products_seen += sum(count(part) for part in batch if not isinstance(part, Tensor))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history and the count of products go with the weights."""
        checkpoint["history"], checkpoint["products_seen"] = self.history, self.products_seen

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Counterpart of ``on_save_checkpoint``."""
        self.history = checkpoint["history"]
        self.products_seen = checkpoint["products_seen"]

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

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """The task's scores; the one batch of validation is the whole split."""
        with torch.autocast(self.device.type, enabled=False):
            scores = self.task.validate(self.validated, self.data_module, self.device)
        if not all(math.isfinite(score) for score in scores.values()):
            self._diverged()
        for key, value in scores.items():
            self.log(f"validation/{key}", value, batch_size=1)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine, a step at a time."""
        optimizer = self.adamw(*self.trained())
        steps = int(self.trainer.estimated_stepping_batches)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.schedule(optimizer, steps), "interval": "step"},
        }

    def trained(self) -> list[nn.Module]:
        """What the optimiser is over."""
        return [self.scorer, self.loss]

    def adamw(self, *modules: nn.Module) -> torch.optim.AdamW:
        """AdamW over the modules; weight decay leaves biases and normalisation alone."""
        rates: dict[nn.Parameter, float] = {}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for part in (part for module in modules for part in module.modules()):
            rates |= part.learning_rate_multipliers() if isinstance(part, Encoder) else {}
        for parameter in (p for module in modules for p in module.parameters()):
            if parameter.requires_grad:
                decay = self.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((rates.get(parameter, 1.0), decay), []).append(parameter)
        return torch.optim.AdamW(
            [
                {"params": own, "lr": rate * self.learning_rate, "weight_decay": decay}
                for (rate, decay), own in groups.items()
            ]
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


def float_batch(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """A batch with its pictures as floats."""
    return tuple(part if isinstance(part, Tensor) else to_float(part) for part in batch)
