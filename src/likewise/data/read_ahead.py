"""Reading by worker processes, ahead of whoever uses what they read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from likewise.errors import LikewiseError

# Switches off the threads of the library ``tokenizers``, which do not survive a fork.
TOKENIZERS = "TOKENIZERS_PARALLELISM"


class _Reads(Dataset):
    """``read`` of each of ``chosen``; a mistake of the user's is returned, to be raised later."""

    def __init__(self, read: Callable[[Any], Any], chosen: Sequence[Any]) -> None:
        self.read, self.chosen = read, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> Any:
        try:
            return self.read(self.chosen[place])
        except LikewiseError as error:
            # Raised here, it would reach the user with the worker's traceback in its sentence.
            return error


def read_ahead(
    read: Callable[[Any], Any], chosen: Sequence[Any], workers: int = 0
) -> Iterator[Any]:
    """``read`` of each of ``chosen``, in their order.

    Args:
        read: gives tensors on the CPU, in dicts or tuples. It must be picklable where processes are
            not forked (macOS, Windows).
        workers: processes that read, each two items ahead; 0 reads in this one.

    Raises:
        LikewiseError: that of ``read``, or a worker was killed.
    """
    loader = DataLoader(
        _Reads(read, chosen),
        batch_size=None,
        num_workers=min(workers, len(chosen)),
        collate_fn=_as_read,
        # The loader draws a seed for its workers, which must not come from the run's generator.
        generator=torch.Generator(),
    )
    with _without_threads():
        items = iter(loader)
    try:
        for item in items:
            if isinstance(item, LikewiseError):
                raise item
            yield item
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise LikewiseError(
            "a process that reads products was killed, perhaps for want of memory or of shared "
            "memory (/dev/shm); use fewer workers, a smaller batch_size, or workers=0"
        ) from error


def _as_read(item: Any) -> Any:
    return item


@contextmanager
def _without_threads() -> Iterator[None]:
    """Processes that start in this context use no threads of ``tokenizers``."""
    before = os.environ.get(TOKENIZERS)
    os.environ[TOKENIZERS] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[TOKENIZERS]
        else:
            os.environ[TOKENIZERS] = before
