"""Searches of several threads, which are answered together."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch
from torch import Tensor

from likewise.runs.versions.live import LiveCatalogue
from likewise.runs.versions.version import Version, current_number

# A version of the catalogue, and the ids and similarities of its nearest products, best first.
Found = tuple[Version, list[tuple[str, float]]]


@dataclass(frozen=True)
class _Asked:
    embedding: Tensor
    k: int
    answer: Future[Found] = field(default_factory=Future)


class SharedSearches:
    """Searches a catalogue for several threads.

    One search runs at a time, as it may bring the index to a new version. All searches that wait
    meanwhile are answered by the next one: an exact search reads all embeddings from memory, and
    reading them once for many queries takes hardly longer than for one.
    """

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live
        self._held = live.version
        self._waiting: list[_Asked] = []
        self._adding, self._searching = threading.Lock(), threading.Lock()

    @property
    def version(self) -> Version:
        """The current version of the catalogue."""
        # Without the lock where nothing has changed, so that it is not waited for.
        held = self._held
        if held.number != current_number(held.root):
            with self._searching:
                held = self._held = self._live.version
        return held

    def nearest(self, embedding: Tensor, k: int) -> Found:
        """Find the k products nearest to an embedding, float32 [d], in the current version."""
        asked = _Asked(embedding, k)
        with self._adding:
            self._waiting.append(asked)
        with self._searching:
            # The thread that had the lock before may have answered this one, too.
            if not asked.answer.done():
                with self._adding:
                    together, self._waiting = self._waiting, []
                self._answer(together)
        return asked.answer.result()

    def _answer(self, together: list[_Asked]) -> None:
        try:
            version = self._held = self._live.version
            embeddings = torch.stack([asked.embedding for asked in together])
            found = self._live.nearest(embeddings, max(asked.k for asked in together))
        except BaseException as error:
            for asked in together:
                asked.answer.set_exception(error)
            return
        for asked, products in zip(together, found, strict=True):
            asked.answer.set_result((version, products[: asked.k]))
