"""Products that are streamed give the numbers of products that are held."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import encoded_picture
from pytorch_lightning.callbacks import Callback
from safetensors.torch import load_file

from likewise.data.memory import bytes_per_product, parse_budget
from likewise.data.modalities.image import Images
from likewise.data.products import StreamedProducts, parts, read_ahead, take
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.identity import config_identity
from likewise.runs.saved import open_run
from likewise.runs.train import train

GROUPS = [
    "encoder=fusion",
    "encoder.parts.image.channels=[4]",
    "encoder.parts.image.convolutions=[1]",
]
PAIRS = ["task=matching", "method=pairs", "encoder=text_cnn"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 products with pictures and titles of several lengths, in 12 groups, and pairs of them."""
    folder = tmp_path_factory.mktemp("table")
    with (folder / "products.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["product_id", "title", "image", "group"])
        for row in range(60):
            (folder / f"{row}.png").write_bytes(encoded_picture(seed=row))
            title = " ".join(["lamp", *["tall"] * (row % 7), str(row % 12)])
            rows.writerow([row, title, f"{row}.png", row % 12])
    with (folder / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["left_id", "right_id", "label"])
        for row in range(48):
            rows.writerows([[row, row + 12, 1], [row, row + 11, 0]])
    return folder


@pytest.fixture
def overrides(
    table: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch
) -> list[str]:
    monkeypatch.setenv("LIKEWISE_CACHE", str(table / "cache"))
    return [
        "data=table",
        f"data.path={table / 'products.csv'}",
        "data.image_size=16",
        "embedding_size=8",
        "batch_size=8",
        "text.max_vocabulary_size=300",
        "trainer.max_epochs=2",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]


class PowerCut(Exception):
    """No one catches this one."""


class CutInSecondEpoch(Callback):
    """The power fails."""

    def on_train_batch_end(self, trainer, *_: object, **__: object) -> None:
        if trainer.current_epoch == 1:
            raise PowerCut


def assert_same(one: Path, other: Path) -> None:
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, other))
    assert all(first[name].equal(second[name]) for name in first)
    for file in ("history.json", "per_query.parquet"):
        assert (one / file).read_bytes() == (other / file).read_bytes()


@pytest.mark.parametrize("kind", ["groups", "pairs"])
def test_the_numbers_are_those_of_products_in_memory_also_when_resumed(
    kind: str, overrides: list[str], table: Path, tmp_path: Path
) -> None:
    more = GROUPS if kind == "groups" else [*PAIRS, f"data.pairs={table / 'pairs.csv'}"]
    config = [*overrides, *more]
    held = train(compose(config))
    streamed = [*config, "memory_budget=1kB", f"output={tmp_path / 'streamed'}"]
    with pytest.raises(PowerCut):
        train(compose([*streamed, "workers=0"]), (CutInSecondEpoch(),))
    folder = train(compose(streamed))
    assert folder.name == held.name
    assert_same(folder, held)
    assert isinstance(open_run(folder).module.products, StreamedProducts)


def test_the_budget_decides_and_is_no_part_of_the_run(overrides: list[str]) -> None:
    def module(*more: str):
        return Loader().experiment(compose([*overrides, "encoder=cnn", *more])).module()

    # 60 products and those of the splits again, 768 bytes each.
    assert bytes_per_product(module().data.catalogue, module().readers) == 3 * 16 * 16
    assert not isinstance(module("memory_budget=92160").products, StreamedProducts)
    streamed = module("memory_budget=92159", "workers=0").products
    assert isinstance(streamed, StreamedProducts)
    held = module().products
    rows = torch.tensor([7, 3, 3])
    assert take(streamed, rows)["image"].equal(held["image"][rows])
    assert torch.cat([part["image"] for part in parts(streamed, 25)]).equal(held["image"])
    one, other = (
        config_identity(compose([*overrides, *more]))
        for more in ([], ["memory_budget=1GB", "workers=5"])
    )
    assert one == other


def test_workers_read_ahead_in_order_and_what_goes_wrong_is_a_sentence(
    overrides: list[str],
) -> None:
    experiment = Loader().experiment(compose([*overrides, "encoder=cnn", "memory_budget=0"]))
    products = experiment.module().products
    assert isinstance(products, StreamedProducts)
    assert products.workers is not None
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(60), (9, 1)), axis=1)
    asked: list[int] = []

    def batches():
        for rows in orders:
            asked.append(1)
            yield take(products, torch.from_numpy(rows)), torch.from_numpy(rows)

    expected = experiment.readers["image"](products.catalogue, np.arange(60))
    for used, (found, rows) in enumerate(read_ahead(batches(), products.ahead)):
        assert found["image"].equal(expected[rows])
        assert len(asked) <= used + 1 + products.ahead
    assert len(asked) == 9
    # The reader refuses pictures of another size than those of training.
    wrong = Images()
    wrong.shape = (3, 8, 8)
    refusing = StreamedProducts(products.catalogue, {"image": wrong}, products.rows)
    with pytest.raises(LikewiseError, match="the encoder was trained on"):
        refusing.with_workers(1).start()()
    for process in list(products.workers._pool._processes):
        os.kill(process, signal.SIGKILL)
    with pytest.raises(LikewiseError, match="was killed"):
        list(parts(products, 10))


@pytest.mark.parametrize(
    ("value", "size"),
    [(None, None), (0, 0), ("1GB", 10**9), ("1.5 MB", 1_500_000), ("20kb", 20_000), (7, 7)],
)
def test_sizes_of_a_budget(value: object, size: int | None) -> None:
    assert parse_budget(value) == size


@pytest.mark.parametrize("value", ["abc", "-1GB", -1, True, "GB", "1 GiB", "1e9"])
def test_what_is_no_size_is_said(value: object) -> None:
    with pytest.raises(LikewiseError, match="must be a size such as 500MB"):
        parse_budget(value)
