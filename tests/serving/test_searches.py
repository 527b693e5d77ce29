"""Searches that wait at the same time are answered by one search of the index."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from likewise.runs.versions.live import LiveCatalogue
from likewise.serving.searches import SharedSearches

QUERIES = 12


class SlowFirst(LiveCatalogue):
    """A catalogue whose first search ends only when all others wait; counts queries by search."""

    def __init__(self, run: Path) -> None:
        super().__init__(run)
        self.sizes: list[int] = []
        self.started, self.go_on = threading.Event(), threading.Event()

    def nearest(self, embeddings: Tensor, k: int = 10) -> list[list[tuple[str, float]]]:
        self.sizes.append(len(embeddings))
        self.started.set()
        assert self.go_on.wait(30)
        return super().nearest(embeddings, k)


def waiting(searches: SharedSearches, live: SlowFirst, ask: Any) -> list[Any]:
    """The answers (or errors) of one search, and of those that began while it ran."""
    with ThreadPoolExecutor(QUERIES) as threads:
        first = threads.submit(ask, 0)
        assert live.started.wait(30)
        others = [threads.submit(ask, number) for number in range(1, QUERIES)]
        while len(searches._waiting) < QUERIES - 1:
            assert not any(one.done() for one in others)
        live.go_on.set()
        return [one.exception() or one.result() for one in (first, *others)]


def test_each_gets_the_answer_to_its_own_query(words_run: Path) -> None:
    live = SlowFirst(words_run)
    searches = SharedSearches(live)
    embeddings = live.version.embeddings[:QUERIES]
    answers = waiting(searches, live, lambda one: searches.nearest(embeddings[one], 1 + one % 4))
    assert live.sizes == [1, QUERIES - 1]
    for number, (version, found) in enumerate(answers):
        assert version.number == searches.version.number
        ((alone,), k) = LiveCatalogue.nearest(live, embeddings[number : number + 1], 5), len(found)
        assert k == 1 + number % 4
        torch.testing.assert_close(
            torch.tensor([value for _, value in found]),
            torch.tensor([value for _, value in alone[:k]]),
        )


def test_an_error_reaches_everyone_who_waited(words_run: Path) -> None:
    live = SlowFirst(words_run)
    searches = SharedSearches(live)
    # The embeddings of another model have another size.
    answers = waiting(searches, live, lambda _: searches.nearest(torch.ones(3), 2))
    assert all(isinstance(one, RuntimeError) for one in answers)
    # The next search is not disturbed.
    assert len(searches.nearest(live.version.embeddings[0], 2)[1]) == 2
