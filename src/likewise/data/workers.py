"""Processes that read products, ahead of whoever uses them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from typing import Any

import numpy as np
import torch

from likewise.errors import LikewiseError

# Switches off the threads of the library ``tokenizers``, which do not survive a fork.
TOKENIZERS = "TOKENIZERS_PARALLELISM"
# Of a worker process: what it reads with.
_read: Callable[[np.ndarray], Any]


class Workers:
    """Worker processes that all read the same catalogue.

    They start at once, while this process is small: where processes are forked, each keeps what
    this one held at that time.

    Args:
        read: of rows (int64) to tensors on the CPU. It must be picklable where processes are not
            forked (macOS, Windows).
        number: of processes, at least 1.
    """

    def __init__(self, read: Callable[[np.ndarray], Any], number: int) -> None:
        self.number = number
        self._pool = ProcessPoolExecutor(number, initializer=_begin, initargs=(read,))
        # Else a process that is a child itself would wait for its workers for ever when it ends.
        # The priority puts it before the queue of the pool is closed (10).
        Finalize(self, self._pool.shutdown, exitpriority=100)
        with _without_threads():
            self._pool.submit(int).result()

    def start(self, rows: np.ndarray) -> Callable[[], Any]:
        """Let a worker read some rows; what is returned waits for them.

        Raises:
            LikewiseError: when waiting, that of ``read``, or a worker was killed.
        """
        try:
            future = self._pool.submit(_work, rows)
        except BrokenProcessPool as error:
            raise _killed() from error

        def wait() -> Any:
            try:
                return future.result()
            except BrokenProcessPool as error:
                raise _killed() from error

        return wait


def _killed() -> LikewiseError:
    return LikewiseError(
        "a process that reads products was killed, perhaps because the memory or the shared memory "
        "(/dev/shm) was full; use fewer workers, a smaller batch_size, or workers=0"
    )


def _begin(read: Callable[[np.ndarray], Any]) -> None:
    global _read
    _read = read
    torch.set_num_threads(1)
    # An interruption is for the process that trains, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(rows: np.ndarray) -> Any:
    return _read(rows)


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
