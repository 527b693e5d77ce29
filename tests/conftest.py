"""What tests of several files share: small data made by code, and a cache of their own."""

from __future__ import annotations

import gzip
import io
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from omegaconf import OmegaConf
from PIL import Image
from scipy.ndimage import gaussian_filter

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.histories import Histories
from likewise.data.relevance import Events, Trust
from likewise.experiment.composition import compose, shipped

# Tests never look at a key of the person running them, and never wait for a network.
os.environ["WANDB_MODE"] = "offline"
os.environ.pop("WANDB_API_KEY", None)
# Two workers with two threads each would wait for one another.
os.environ["OMP_NUM_THREADS"] = "1"


needs_data = pytest.mark.skipif(
    "LIKEWISE_DATA" not in os.environ, reason="LIKEWISE_DATA names no folder of real data"
)


# Files with long tests come first, so that no worker is left with one of them at the end.
LONG = ("test_docs.py", "test_study.py", "test_tuning.py", "test_cli.py", "test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; the order within a file stays."""
    items.sort(key=lambda item: item.path.name not in LONG)


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file of unsigned bytes, gzipped."""
    header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0))


def make_pictures(count: int, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [n, 28, 28] of bars whose place tells their group, under noise; groups [n]."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % groups
    pictures = generator.integers(0, 90, (count, 28, 28))
    for row, label in enumerate(labels):
        start = 2 + 24 * label // groups
        pictures[row, start : start + 3, 4 + generator.integers(0, 4) : 24] = 230
    return pictures.astype(np.uint8), labels.astype(np.uint8)


def write_data(folder: Path, train: int = 160, test: int = 60, groups: int = 4) -> Path:
    """The four files of the data set."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count, seed in (("train", train, 0), ("t10k", test, 1)):
        pictures, labels = make_pictures(count, groups, seed)
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", pictures)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


def encoded_picture(
    mode: str = "RGB", size: tuple[int, int] = (12, 9), kind: str = "PNG", seed: int = 0
) -> bytes:
    """A file of noise; ``size`` is (width, height)."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, kind)
    return file.getvalue()


def smooth_pictures(count: int, seed: int, channels: int = 1) -> np.ndarray:
    """Smooth random pictures [n, c, 28, 28] between 30 and 200."""
    noise = np.random.default_rng(seed).normal(size=(count, channels, 28, 28))
    smooth = gaussian_filter(noise, (0, 0, 3, 3))
    low, high = (f(smooth, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    return (30 + 170 * (smooth - low) / (high - low)).astype(np.uint8)


def sole_events(data: ProductData) -> Events:
    """The events of data that have no other relevance and whose products are all in training."""
    assert len(data.relevance) == 1
    assert data.splits["train"].tolist() == list(range(len(data.catalogue)))
    return data.get(Events)


def split_rows(splits: dict[str, np.ndarray]) -> dict[str, list[int]]:
    """The rows of each split as lists, to compare them."""
    return {name: rows.tolist() for name, rows in splits.items()}


def cleaning_steps(name: str) -> dict[str, Any]:
    """The steps of ``cleaning=<name>``, by name."""
    config: Any = OmegaConf.load(shipped("configs") / "cleaning" / f"{name}.yaml")
    return {step: hydra.utils.instantiate(part) for step, part in config.items()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of stored tables of the test's own."""
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 160 training and 60 test pictures in 4 groups."""
    return write_data(tmp_path_factory.mktemp("pictures"))


def small_run(pictures: Path) -> list[str]:
    """Overrides for a run of a few seconds."""
    return [
        f"data.path={pictures}",
        "data.validation_size=40",
        "batch_size=40",
        "trainer.max_epochs=2",
        "trainer.accelerator=cpu",
        "embedding_size=16",
        "logger=none",
    ]


@pytest.fixture
def small(pictures: Path, tmp_path: Path) -> list[str]:
    """Overrides for a run of a few seconds in a folder of its own."""
    return [*small_run(pictures), f"output={tmp_path / 'runs'}"]


def write_judgements(folder: Path) -> None:
    """Graded search results as ``data=search_relevance`` reads them: titles of three words for
    queries of two, and the grade is 1 and the number of words in common."""
    words = ("lamp", "shelf", "brass", "oak", "wall", "desk")
    generator = np.random.default_rng(0)
    rows: dict[str, list] = {"product_uid": [], "product_title": [], "search_term": []}
    grades = []
    for query in (f"{a} {b}" for a in words for b in words if a != b):
        for number in generator.choice(4000, 8, replace=False):
            title = " ".join(np.random.default_rng(number).choice(words, 3, replace=False))
            rows["product_uid"].append(int(number))
            rows["product_title"].append(title)
            rows["search_term"].append(query)
            grades.append(1.0 + len(set(query.split()) & set(title.split())))
    folder.mkdir(parents=True)
    pq.write_table(pa.table(rows | {"relevance": grades}), folder / "judgements.parquet")


def write_shop(folder: Path, products: int = 24, users: int = 60) -> Path:
    """Sequences of people who walk along a circle of products, mostly one step at a time."""
    generator = np.random.default_rng(0)
    sequences = []
    for _ in range(users):
        steps = generator.choice([1, 1, 1, 5], generator.integers(4, 9))
        sequences.append(((generator.integers(products) + np.cumsum(steps)) % products).tolist())
    items = {
        "item_id": list(range(products)),
        "asin": [f"A{row}" for row in range(products)],
        "attributes": [[f"brand {row // 4}", f"kind {row // 12}"] for row in range(products)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(items), folder / "items.parquet")
    people = {"user_id": list(range(users)), "item_ids": sequences}
    pq.write_table(pa.table(people), folder / "sequences.parquet")
    return folder


def write_timed_ratings(folder: Path, products: int = 12, users: int = 40) -> Path:
    """Ratings as ``data=amazon_hin`` reads them; a new product comes every 40 ratings."""
    generator = np.random.default_rng(0)
    size = 40 * products
    ratings = {
        "user_id": generator.integers(0, users, size),
        "item_id": generator.integers(0, np.minimum(np.arange(size) // 40 + 3, products)),
        "rating": generator.integers(1, 6, size),
        "timestamp": np.arange(size) * 86400,
    }
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(ratings), folder / "ratings.parquet")
    for name in ("brand", "category", "view"):
        relation = {"item_id": np.arange(products), f"{name}_id": np.arange(products) // 3}
        pq.write_table(pa.table(relation), folder / f"item_{name}.parquet")
    return folder


def write_network(folder: Path) -> Path:
    """Products that go with those of other kinds of their own make, by their words.

    Two products have no link, and one has a link to itself.
    """
    kinds, makes, each = 3, 4, 4
    size = kinds * makes * each
    kind = np.arange(size) // (each * makes)
    make = np.arange(size) // each % makes
    nodes = {
        "node_id": list(range(size)),
        "class_name": [f"kind {one}" for one in kind],
        "word_ids": [[int(one), 10 + int(other)] for one, other in zip(kind, make, strict=True)],
    }
    links = [
        (a, b)
        for a in range(size - 2)
        for b in range(a + 1, size - 2)
        if make[a] == make[b] and kind[a] != kind[b]
    ]
    source, target = zip(*links, (3, 3), strict=True)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(nodes), folder / "nodes.parquet")
    pq.write_table(pa.table({"source": source, "target": target}), folder / "edges.parquet")
    return folder


def make_events(
    products: int, sequences: list[list[int]], trust: list[tuple[int, int]] | None = None
) -> ProductData:
    """A catalogue with what people did; person i is the user 10 i."""
    user = np.repeat(np.arange(len(sequences)) * 10, [len(one) for one in sequences])
    events = {"user": user, "product": np.array([row for one in sequences for row in one], int)}
    pairs = 10 * np.array(trust or [], int).reshape(-1, 2)
    return ProductData(
        catalogue=make_catalogue({"product_id": [str(row) for row in range(products)]}),
        splits={"train": np.arange(products)},
        fingerprint="",
        relevance=(
            Events(
                Dataset(pa.table(events)),
                {"train": np.arange(len(user))},
                Trust(pairs[:, 0], pairs[:, 1]),
            ),
        ),
    )


@pytest.fixture(scope="session")
def event_maker() -> Callable[..., ProductData]:
    """See ``make_events``."""
    return make_events


@pytest.fixture(scope="session")
def small_shop() -> tuple[list[list[int]], Histories, ProductData]:
    """Sequences of 30 people among 14 products, of which nobody had the last; who trusts whom.

    Person 0 did nothing, person 1 has one event, person 2 has one product three times, and all
    others have product 0.
    """
    generator = np.random.default_rng(0)
    sequences = [[], [3], [5, 5, 2, 5]]
    for _ in range(27):
        bought = generator.choice(np.arange(1, 13), generator.integers(1, 7), replace=False)
        sequences.append([int(one) for one in generator.permutation([0, *bought])])
    trust = [(3, 4), (3, 5), (4, 3), (5, 6), (7, 3), (7, 3), (8, 8), (9, 99)]
    # The users of the data are those with events, so person 0 is not among them.
    data = make_events(14, sequences, trust)
    found = Histories.of(sequences[1:])
    return sequences[1:], Histories(found.products, found.ends, np.arange(len(found))), data


# Click rates of the six products of ``write_bandit_log``.
BANDIT_RATES = 0.1 + 0.12 * np.arange(6)
BANDIT_ROUNDS = 2400


def write_bandit_log(folder: Path, **changed: np.ndarray | float) -> Path:
    """A uniform log of six products, of which the last ones are clicked most."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    item = generator.integers(0, len(BANDIT_RATES), BANDIT_ROUNDS)
    table = {
        "timestamp": [
            f"2019-11-24 {row // 60 % 24:02d}:{row % 60:02d}:00Z" for row in range(BANDIT_ROUNDS)
        ],
        "item_id": item,
        "position": generator.integers(1, 4, BANDIT_ROUNDS),
        "click": (generator.random(BANDIT_ROUNDS) < BANDIT_RATES[item]).astype(np.int64),
        "propensity_score": np.full(BANDIT_ROUNDS, 1 / len(BANDIT_RATES)),
        **{f"user_feature_{k}": generator.choice(["u", "v"], BANDIT_ROUNDS) for k in range(4)},
        **{
            f"user-item_affinity_{k}": generator.integers(0, 2, BANDIT_ROUNDS).astype(float)
            for k in range(len(BANDIT_RATES))
        },
    }
    for name, value in changed.items():
        table[name] = np.broadcast_to(value, (BANDIT_ROUNDS,))
    pq.write_table(pa.table(table), folder / "random_all.parquet")
    items = {
        "item_id": np.arange(len(BANDIT_RATES)),
        "item_feature_0": np.arange(len(BANDIT_RATES)) / 2,
    }
    items |= {f"item_feature_{k}": ["a", "a", "b", "b", "c", "c"] for k in range(1, 4)}
    pq.write_table(pa.table(items), folder / "items_all.parquet")
    return folder


@pytest.fixture(scope="session")
def shop_options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Overrides for untrained encoders of a table with titles and pictures.

    Product p<i> shows a line at the height of its kind, i modulo 20.
    """
    folder = tmp_path_factory.mktemp("serving")
    noise = np.random.default_rng(0)
    lines = ["product_id,name,photo,sku"]
    for row in range(80):
        kind = row % 20
        pixels = noise.integers(0, 60, (24, 24, 3)).astype(np.uint8)
        pixels[kind] = 240
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"p{row},lamp {row} of kind{kind},{row}.png,{kind}")
    (folder / "products.csv").write_text("\n".join(lines))
    columns = ("title=name", "image=photo", "group=sku")
    return [
        "data=table",
        f"data.path={folder / 'products.csv'}",
        *(f"data.columns.{one}" for one in columns),
        "data.image_size=24",
        "method=none",
        "logger=none",
        f"output={folder / 'runs'}",
    ]


@pytest.fixture(scope="session")
def pictures_run(shop_options: list[str]) -> Path:
    """Compares pixels."""
    from likewise.runs.train import train

    return train(compose([*shop_options, "encoder=pixels"]))


@pytest.fixture(scope="session")
def words_run(shop_options: list[str]) -> Path:
    """Compares words; it has the same catalogue."""
    from likewise.runs.train import train

    return train(compose([*shop_options, "encoder=tfidf"]))


@pytest.fixture(scope="session")
def matching_options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Overrides for runs on synthetic offers."""
    folder = tmp_path_factory.mktemp("serving_matching")
    small = ["data.products=200", "data.groups=20"]
    return ["data=synthetic", *small, "task=matching", "logger=none", f"output={folder}"]


@pytest.fixture(scope="session")
def matching_run(matching_options: list[str]) -> Path:
    """Tells matches by the similarity of words."""
    from likewise.runs.train import train

    return train(compose([*matching_options, "encoder=tfidf", "method=none"]))


@pytest.fixture(scope="session")
def matcher_run(matching_options: list[str]) -> Path:
    """Scores pairs, without embeddings."""
    from likewise.runs.train import train

    return train(compose([*matching_options, "matcher=signals", "matcher.n_estimators=5"]))
