"""Batches of products: held in memory on the device, or read ahead where they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.memory import bytes_per_product
from likewise.data.modalities.base import Reader
from likewise.data.products import (
    LabelledPairs,
    Products,
    StreamedProducts,
    read_ahead,
    take,
    to_device,
)
from likewise.data.relevance import Groups, Pairs, Relevance
from likewise.data.samplers.base import Sampler
from likewise.data.samplers.uniform import Uniform

if TYPE_CHECKING:
    from datasets import Dataset

# Products and their groups, int64 [b].
GroupBatch = tuple[Products, Tensor]


@dataclass(frozen=True)
class UnitTensors:
    """``Units`` of a split as tensors.

    Attributes:
        products: all that stand in a unit, each once.
        rows: int64, of ``products`` in the catalogue.
        sides: int64 [m] each, rows of ``products``.
        targets: int64, [m] or [sides, m] each.
    """

    products: Products
    rows: np.ndarray
    sides: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]

    def batch(self, units: Tensor) -> tuple[Any, ...]:
        """The products of each side of some units (int64 [b]), then each of their targets.

        Of ``Groups``: products and their groups, int64 [b]. Of ``Pairs``: left and right products,
        labels, int64 [b], and the groups of both, int64 [2 b].
        """
        units = units.to(self.targets[0].device)
        sides = (take(self.products, side[units]) for side in self.sides)
        return *sides, *(values[..., units].flatten() for values in self.targets)

    def with_rows(self) -> UnitTensors:
        """Return the same with one more target: the catalogue rows of each unit's products."""
        rows = torch.from_numpy(self.rows).to(self.targets[0].device)
        return replace(self, targets=(*self.targets, torch.stack([rows[x] for x in self.sides])))


class Batches:
    """Iterates over batches.

    Args:
        size: products, or pairs, in all; with ``parts`` devices each gets its share.
        batch_size: of them a batch.
        pick: makes a batch of some, int64 rows.
        order: gives the rows of this pass, int64.
        ahead: batches whose streamed products are read while one is trained on.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        pick: Callable[[Tensor], Any],
        order: Callable[[], Tensor],
        parts: int = 1,
        ahead: int = 0,
    ) -> None:
        self.batch_size, self.pick, self.order = batch_size, pick, order
        self.ahead = ahead
        self.number = size // parts // batch_size

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Any]:
        # Asked for with the first batch: only then does a resumed run know its epoch.
        chosen = self.order().split(self.batch_size)[: self.number]
        yield from read_ahead(map(self.pick, chosen), self.ahead)


class ProductModule(pl.LightningDataModule):
    """The products of a catalogue as one tensor a modality, on the training device from the start.

    Where these tensors are larger than ``memory_budget``, products are read when they are needed,
    by worker processes, in the same order and to the same results.

    Args:
        data: what a source loaded.
        readers: of the modalities that are read, fitted.
        batch_size: products, or pairs, a step and device.
        seed: of the order of training; the order of an epoch depends on the seed and the epoch
            alone, so that a resumed run sees what an uninterrupted one would.
        sampler: draws that order; ``None`` for ``Uniform``.
        learns_from: the kind of relevance that batches are made of.
        memory_budget: bytes that the tensors of the catalogue and of its splits may take together;
            ``None`` for any number.
        workers: processes that read what is not held; 0 reads in this one.

    Whether there is enough to train on is looked at when training begins; a finished run is
    evaluated on any number of products.
    """

    def __init__(
        self,
        data: ProductData,
        readers: Mapping[str, Reader],
        batch_size: int,
        seed: int,
        sampler: Sampler | None = None,
        learns_from: type[Relevance] = Groups,
        memory_budget: int | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.data, self.batch_size, self.seed = data, batch_size, seed
        self.learns_from = learns_from
        self.sampler = sampler or Uniform()
        self.readers = dict(readers)
        self.products: Products = (
            self.read(data.catalogue)
            if memory_budget is None or self._bytes() <= memory_budget
            else self._streamed(workers)
        )
        self.rows = {name: torch.from_numpy(rows) for name, rows in data.splits.items()}
        self._on_device: dict[str, Any] = {}
        self._gives_rows = False

    def prepare_training(self) -> None:
        """Check that there is enough to train on, and let the sampler look at it.

        Raises:
            LikewiseError: it says what is missing.
        """
        relevance = self.data.get(self.learns_from, "the method")
        relevance.check_training(self.batch_size)
        self.sampler.prepare(self.data, relevance.units("train").products)

    def restricted(self, splits: Mapping[str, np.ndarray]) -> ProductModule:
        """Return the same products with smaller splits; the tensors of the catalogue are shared.

        Batches are no larger than the training split.

        Args:
            splits: int64 rows of the catalogue that remain; splits that are not named stay whole.
        """
        data = self.data
        rows = {**data.splits, **splits}
        other = copy(self)
        kept = tuple(relevance.without(rows) for relevance in data.relevance)
        other.data = replace(data, splits=rows, relevance=kept)
        other.rows = {name: torch.from_numpy(own) for name, own in rows.items()}
        units = other.data.get(self.learns_from, "the method").count_units("train")
        other.batch_size = min(self.batch_size, units)
        other._on_device = {}
        return other

    def batched_by(self, relevance: Relevance, sampler: Sampler) -> ProductModule:
        """Return the same products with batches of another relevance; the tensors are shared.

        Args:
            relevance: replaces that of its kind, if there is one.
            sampler: draws the order of its units.
        """
        other = copy(self)
        rest = tuple(known for known in self.data.relevance if type(known) is not type(relevance))
        other.data = replace(self.data, relevance=(*rest, relevance))
        other.learns_from, other.sampler = type(relevance), sampler
        other._on_device = {}
        other.__dict__.pop("groups", None)
        return other

    def with_rows(self) -> ProductModule:
        """Return the same products; batches end with the catalogue rows of theirs, int64 [b]."""
        other = copy(self)
        other._gives_rows = True
        return other

    def read(self, catalogue: Dataset) -> Products:
        """Products of any catalogue, such as queries that have a title only, by the readers."""
        rows = np.arange(len(catalogue))
        return {name: reader(catalogue, rows) for name, reader in self.readers.items()}

    def _bytes(self) -> float:
        """An estimate of what the tensors of the catalogue and of its splits would take."""
        held = len(self.data.catalogue) + sum(map(len, self.data.splits.values()))
        return held * bytes_per_product(self.data.catalogue, self.readers)

    def _streamed(self, workers: int) -> StreamedProducts:
        rows = np.arange(len(self.data.catalogue))
        return StreamedProducts(self.data.catalogue, self.readers, rows).with_workers(workers)

    @cached_property
    def groups(self) -> Tensor:
        """int64 [n], the group of each product of the catalogue, see ``Groups.numbers``."""
        groups = self.data.get(Groups, "what is asked")
        return torch.from_numpy(groups.numbers(len(self.data.catalogue)))

    def products_of(self, split: str, device: torch.device | str = "cpu") -> Products:
        """Products of a split on ``device`` (copied there once)."""
        return self._kept(
            f"{split}:{device}", lambda: to_device(take(self.products, self.rows[split]), device)
        )

    def split(self, name: str, device: torch.device | str = "cpu") -> GroupBatch:
        """Products and groups of a split on ``device`` (copied there once)."""
        return self.products_of(name, device), self.groups[self.rows[name]].to(device)

    def gallery(self, device: torch.device | str = "cpu") -> GroupBatch:
        """Products and groups of the gallery of ``Groups`` on ``device`` (copied there once)."""
        rows = torch.from_numpy(self.data.get(Groups, "what is asked").gallery)
        products = self._kept(
            f"gallery:{device}", lambda: to_device(take(self.products, rows), device)
        )
        return products, self.groups[rows].to(device)

    def units(
        self, kind: type[Relevance], split: str, device: torch.device | str = "cpu"
    ) -> UnitTensors:
        """What is learnt from in a split, on ``device`` (copied there once)."""

        def read() -> UnitTensors:
            units = self.data.get(kind, "the method").units(split)
            rows, places = np.unique(units.products, return_inverse=True)
            return UnitTensors(
                to_device(take(self.products, torch.from_numpy(rows)), device),
                rows,
                tuple(torch.from_numpy(places.reshape(units.products.shape)).to(device)),
                tuple(torch.from_numpy(values).to(device) for values in units.targets),
            )

        return self._kept(f"{kind.__name__} {split}:{device}", read)

    def pair_split(self, name: str, device: torch.device | str = "cpu") -> LabelledPairs:
        """The pairs of a split on ``device`` (copied there once)."""
        pairs = self.units(Pairs, name, device)
        left, right = pairs.sides
        return LabelledPairs(
            pairs.products, left, right, pairs.targets[0], self.data.catalogue, pairs.rows
        )

    def _kept(self, key: str, read: Callable[[], Any]) -> Any:
        if key not in self._on_device:
            self._on_device[key] = read()
        return self._on_device[key]

    def train_dataloader(self) -> Batches:
        """Shuffled batches; with several devices each takes its own part of every epoch."""
        assert self.trainer is not None
        trainer, parts = self.trainer, self.trainer.world_size
        units = self.units(self.learns_from, "train", self._device())
        labels = units.targets[0].cpu()

        def order() -> Tensor:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + trainer.current_epoch)
            rows = self.sampler.epoch(labels, generator)
            # Whole batches, as a sampler may have chosen which products meet in one.
            return torch.cat(rows.split(self.batch_size)[trainer.global_rank :: parts])

        if self._gives_rows:
            units = units.with_rows()
        products = units.products
        ahead = products.ahead if isinstance(products, StreamedProducts) else 0
        return Batches(len(labels), self.batch_size, units.batch, order, parts, ahead)

    def val_dataloader(self) -> list[int]:
        """One step: a task scores the whole validation split at once."""
        return [0]

    def _device(self) -> torch.device:
        assert self.trainer is not None
        return self.trainer.strategy.root_device
