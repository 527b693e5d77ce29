"""Batches of pictures held in memory: indexed a batch at a time, on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import lightning.pytorch as pl
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.images import image_array
from likewise.data.samplers.base import Sampler
from likewise.data.samplers.uniform import Uniform
from likewise.errors import LikewiseError

Batch = tuple[Tensor, Tensor]


class Batches:
    """Iterates (uint8 pictures [b, c, h, w], int64 groups [b]) out of two tensors.

    Args:
        images, groups: the products.
        batch_size: products a batch.
        order: gives the rows of this pass, int64; ``None`` for all, as they stand.
        drop_last: leave an incomplete last batch out.
    """

    def __init__(
        self,
        images: Tensor,
        groups: Tensor,
        batch_size: int,
        order: Callable[[], Tensor] | None = None,
        drop_last: bool = False,
        parts: int = 1,
    ) -> None:
        self.images, self.groups = images, groups
        self.batch_size, self.order, self.drop_last = batch_size, order, drop_last
        self.rows = len(images) // parts

    def __len__(self) -> int:
        whole, rest = divmod(self.rows, self.batch_size)
        return whole + (1 if rest and not self.drop_last else 0)

    def __iter__(self) -> Iterator[Batch]:
        rows = self.order() if self.order else None
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            chosen: slice | Tensor = slice(start, start + self.batch_size)
            if rows is not None:
                chosen = rows[chosen].to(self.images.device)
            yield self.images[chosen], self.groups[chosen]


class ImageDataModule(pl.LightningDataModule):
    """The pictures of a catalogue as one uint8 tensor, on the training device from the start.

    Args:
        data: what a source loaded.
        batch_size: products a step and device.
        seed: of the order of the training products; the order of an epoch depends on the seed and
            the epoch alone, so that a resumed run sees what an uninterrupted one would.
        sampler: draws that order; ``None`` for ``Uniform``.

    Training products of an unknown group (-1) are left out.
    """

    def __init__(
        self, data: ProductData, batch_size: int, seed: int, sampler: Sampler | None = None
    ) -> None:
        super().__init__()
        self.batch_size, self.seed = batch_size, seed
        self.sampler = sampler or Uniform()
        self.images = torch.from_numpy(image_array(data.catalogue).copy())
        self.groups = torch.from_numpy(data.groups.copy())
        # Unknown groups are unlike each other: such products are found by nobody's query.
        unknown = self.groups < 0
        self.groups[unknown] = -1 - torch.arange(int(unknown.sum()))
        self.rows = {name: torch.from_numpy(rows) for name, rows in data.splits.items()}
        self.rows["train"] = self.rows["train"][self.groups[self.rows["train"]] >= 0]
        self._on_device: dict[str, Batch] = {}
        train = len(self.rows["train"])
        if train < 2:
            raise LikewiseError(f"the training split holds {train} product(s); it needs at least 2")
        if batch_size > train:
            raise LikewiseError(
                f"batch_size={batch_size} is larger than the {train} training products; "
                f"set it to at most {train}"
            )
        if len(self.groups[self.rows["train"]].unique()) < 2:
            raise LikewiseError(
                "all training products are of one group, so nothing can be told apart; "
                "at least 2 groups are needed"
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return tuple(self.images.shape[1:])

    def split(self, name: str, device: torch.device | str = "cpu") -> Batch:
        """Pictures and groups of a split on ``device`` (copied there once)."""
        key = f"{name}:{device}"
        if key not in self._on_device:
            rows = self.rows[name]
            self._on_device[key] = (
                self.images[rows].to(device),
                self.groups[rows].to(device),
            )
        return self._on_device[key]

    def train_dataloader(self) -> Batches:
        """Shuffled batches; with several devices each takes its own part of every epoch."""
        assert self.trainer is not None
        images, groups = self.split("train", self._device())
        trainer, parts = self.trainer, self.trainer.world_size
        on_cpu = self.groups[self.rows["train"]]

        def order() -> Tensor:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + trainer.current_epoch)
            rows = self.sampler.epoch(on_cpu, generator)
            # Whole batches, as a sampler may have chosen which products meet in one.
            return torch.cat(rows.split(self.batch_size)[trainer.global_rank :: parts])

        return Batches(images, groups, self.batch_size, order, drop_last=True, parts=parts)

    def val_dataloader(self) -> Batches:
        """All validation products in order, on every device, so that the metric is exact."""
        images, groups = self.split("validation", self._device())
        return Batches(images, groups, 4 * self.batch_size)

    def _device(self) -> torch.device:
        assert self.trainer is not None
        return self.trainer.strategy.root_device
