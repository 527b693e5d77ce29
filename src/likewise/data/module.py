"""Batches of products held in memory: indexed a batch at a time, on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.modalities.base import Reader
from likewise.data.products import LabelledPairs, Products, take
from likewise.data.samplers.base import Sampler
from likewise.data.samplers.uniform import Uniform
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

# Products and their groups, int64 [b].
GroupBatch = tuple[Products, Tensor]
# Left and right products of pairs, their labels, int64 [b], and the groups of both, int64 [2 b].
PairBatch = tuple[Products, Products, Tensor, Tensor]


class Batches:
    """Iterates over batches.

    Args:
        size: products, or pairs, in all; with ``parts`` devices each gets its share.
        batch_size: of them a batch.
        pick: makes a batch of some, int64 rows.
        order: gives the rows of this pass, int64.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        pick: Callable[[Tensor], Any],
        order: Callable[[], Tensor],
        parts: int = 1,
    ) -> None:
        self.batch_size, self.pick, self.order = batch_size, pick, order
        self.number = size // parts // batch_size

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Any]:
        rows = self.order()
        for batch in range(self.number):
            yield self.pick(rows[batch * self.batch_size : (batch + 1) * self.batch_size])


class ProductModule(pl.LightningDataModule):
    """The products of a catalogue as one tensor a modality, on the training device from the start.

    Args:
        data: what a source loaded.
        readers: of the modalities that are read, fitted.
        batch_size: products, or pairs, a step and device.
        seed: of the order of training; the order of an epoch depends on the seed and the epoch
            alone, so that a resumed run sees what an uninterrupted one would.
        sampler: draws that order; ``None`` for ``Uniform``.
        pairs: whether labelled pairs are trained, or products of groups.

    Training products of an unknown group (-1) are left out. Whether there is enough to train on is
    looked at when training begins; a finished run is evaluated on any number of products.
    """

    def __init__(
        self,
        data: ProductData,
        readers: Mapping[str, Reader],
        batch_size: int,
        seed: int,
        sampler: Sampler | None = None,
        pairs: bool = False,
    ) -> None:
        super().__init__()
        self.data, self.batch_size, self.seed, self.pairs = data, batch_size, seed, pairs
        self.sampler = sampler or Uniform()
        self.readers = dict(readers)
        self.products = self.read(data.catalogue)
        self.groups = torch.from_numpy(data.groups.copy())
        # Unknown groups are unlike each other: such products are found by nobody's query.
        unknown = self.groups < 0
        self.groups[unknown] = -1 - torch.arange(int(unknown.sum()))
        self.rows = {name: torch.from_numpy(rows) for name, rows in data.splits.items()}
        self._on_device: dict[str, Any] = {}
        if not pairs:
            self.rows["train"] = self.rows["train"][self.groups[self.rows["train"]] >= 0]

    def prepare_training(self) -> None:
        """Check that there is enough to train on, and let the sampler look at it.

        Raises:
            LikewiseError: it says what is missing.
        """
        if self.pairs:
            self._check_pairs()
            pairs = self.data.pairs
            assert pairs is not None
            train = pairs.splits["train"]
            self.sampler.prepare_pairs(pairs.left[train], pairs.right[train])
        else:
            self._check_groups()
            self.sampler.prepare(self.data, self.rows["train"].numpy())

    def _check_groups(self) -> None:
        train = len(self.rows["train"])
        if not train and self.data.pairs is not None:
            raise LikewiseError(
                "these data say what is alike by labelled pairs and not by groups, which the "
                "method learns from; use method=pairs"
            )
        if train < 2:
            raise LikewiseError(f"the training split holds {train} product(s); it needs at least 2")
        if self.batch_size > train:
            raise LikewiseError(
                f"batch_size={self.batch_size} is larger than the {train} training products; "
                f"set it to at most {train}"
            )
        if len(self.groups[self.rows["train"]].unique()) < 2:
            raise LikewiseError(
                "all training products are of one group, so nothing can be told apart; "
                "at least 2 groups are needed"
            )

    def _check_pairs(self) -> None:
        if self.data.pairs is None:
            raise LikewiseError(
                "these data have no labelled pairs to train on; choose data that do, such as "
                "data=product_matching, or method=metric_learning"
            )
        labels = self.data.pairs.labels[self.data.pairs.splits["train"]]
        if self.batch_size > len(labels):
            raise LikewiseError(
                f"batch_size={self.batch_size} is larger than the {len(labels)} training pairs; "
                f"set it to at most {len(labels)}"
            )
        if len(np.unique(labels)) < 2:
            raise LikewiseError(
                "the training pairs are all matches or all none, so nothing can be told apart"
            )

    def read(self, catalogue: Dataset) -> Products:
        """Products of any catalogue, such as queries that have a title only, by the readers."""
        rows = np.arange(len(catalogue))
        return {name: reader(catalogue, rows) for name, reader in self.readers.items()}

    def split(self, name: str, device: torch.device | str = "cpu") -> GroupBatch:
        """Products and groups of a split on ``device`` (copied there once)."""

        def read() -> GroupBatch:
            rows = self.rows[name]
            return _to(take(self.products, rows), device), self.groups[rows].to(device)

        return self._kept(f"{name}:{device}", read)

    def pair_split(self, name: str, device: torch.device | str = "cpu") -> LabelledPairs:
        """The pairs of a split on ``device`` (copied there once)."""
        pairs = self.data.pairs
        assert pairs is not None

        def read() -> LabelledPairs:
            chosen = pairs.splits[name]
            both = np.stack([pairs.left[chosen], pairs.right[chosen]])
            rows, places = np.unique(both, return_inverse=True)
            left, right = torch.from_numpy(places.reshape(both.shape)).to(device)
            labels = torch.from_numpy(pairs.labels[chosen]).to(device)
            products = _to(take(self.products, torch.from_numpy(rows)), device)
            return LabelledPairs(products, left, right, labels, self.data.catalogue, rows)

        return self._kept(f"pairs {name}:{device}", read)

    def _kept(self, key: str, read: Callable[[], Any]) -> Any:
        if key not in self._on_device:
            self._on_device[key] = read()
        return self._on_device[key]

    def train_dataloader(self) -> Batches:
        """Shuffled batches; with several devices each takes its own part of every epoch."""
        assert self.trainer is not None
        trainer, parts = self.trainer, self.trainer.world_size
        labels, pick = self._pairs_of_train() if self.pairs else self._groups_of_train()

        def order() -> Tensor:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + trainer.current_epoch)
            rows = self.sampler.epoch(labels, generator)
            # Whole batches, as a sampler may have chosen which products meet in one.
            return torch.cat(rows.split(self.batch_size)[trainer.global_rank :: parts])

        return Batches(len(labels), self.batch_size, pick, order, parts)

    def _groups_of_train(self) -> tuple[Tensor, Callable[[Tensor], GroupBatch]]:
        products, groups = self.split("train", self._device())

        def pick(rows: Tensor) -> GroupBatch:
            rows = rows.to(groups.device)
            return take(products, rows), groups[rows]

        return self.groups[self.rows["train"]], pick

    def _pairs_of_train(self) -> tuple[Tensor, Callable[[Tensor], PairBatch]]:
        train = self.pair_split("train", self._device())
        products, left, right, labels = train.products, train.left, train.right, train.labels
        groups = self.groups[torch.from_numpy(train.rows)].to(labels.device)

        def pick(rows: Tensor) -> PairBatch:
            rows = rows.to(labels.device)
            sides = take(products, left[rows]), take(products, right[rows])
            return *sides, labels[rows], groups[torch.cat([left[rows], right[rows]])]

        return labels.cpu(), pick

    def val_dataloader(self) -> list[int]:
        """One step: a task scores the whole validation split at once."""
        return [0]

    def _device(self) -> torch.device:
        assert self.trainer is not None
        return self.trainer.strategy.root_device


def _to(products: Products, device: torch.device | str) -> Products:
    return {name: values.to(device) for name, values in products.items()}
