"""A program that is killed in the middle of an update leaves the old version or the new one."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from likewise.experiment.composition import compose
from likewise.runs.train import train
from likewise.runs.versions.live import LiveCatalogue
from likewise.runs.versions.version import (
    Version,
    current_number,
    current_version,
    versions_folder,
)

SIZE, KILLS = 40, 20


def keep_updating(shop: LiveCatalogue, first: int) -> None:
    """Change half of the products to the number of the update, again and again."""
    for number in range(first, first + 100_000):
        half = range(number % 2, SIZE, 2)
        shop.update(
            [{"product_id": f"p{row}", "title": f"lamp {number}", "price": number} for row in half],
            [f"n{number - 1}"] if number % 3 else [],
        )


def assert_whole(shop: LiveCatalogue, version: Version) -> None:
    """All products of a half have one number, and embeddings are those of their titles."""
    catalogue = version.catalogue
    prices = dict(zip(catalogue["product_id"][:], catalogue["price"][:], strict=True))
    assert len(catalogue) == len(version.embeddings) == len(prices) == SIZE
    for half in (0, 1):
        assert len({prices[f"p{row}"] for row in range(half, SIZE, 2)}) == 1
    torch.testing.assert_close(version.embeddings, shop.model.embed(catalogue))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_twenty_kills_leave_whole_versions(tmp_path: Path) -> None:
    table = tmp_path / "products.csv"
    lines = ["product_id,title,price,group", *(f"p{row},rug 0,0,{row % 12}" for row in range(SIZE))]
    table.write_text("\n".join(lines))
    options = ["encoder=bag", "embedding_size=8", "trainer.max_epochs=1", "logger=none"]
    run = train(compose(["data=table", f"data.path={table}", *options, f"output={tmp_path}"]))
    shop = LiveCatalogue(run)
    root = versions_folder(run)
    # A forked process has the run open already, so that it updates at once.
    context = multiprocessing.get_context("fork")
    generator = np.random.default_rng(0)
    reached, whole = 0, 0
    for _ in range(KILLS):
        start = current_number(root) or 0
        process = context.Process(target=keep_updating, args=(shop, 1 + 1000 * start))
        process.start()
        deadline = time.monotonic() + 60
        # The first update is waited for; the kill then comes at a random moment.
        while current_number(root) == start and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.1))
        process.kill()
        process.join()
        version = current_version(root)
        assert version is not None
        assert_whole(shop, version)
        reached, whole = version.number, whole + (version.number > start)
    assert whole == KILLS
    # What killed processes have left does not disturb the next update.
    assert shop.update([{"product_id": "p0", "title": "sofa", "price": 1}]).changed == 1
    assert shop.version.number > reached
    assert not list(root.glob(".partial-*"))
