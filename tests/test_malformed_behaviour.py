"""Odd events and histories: each gives a stated result, or one sentence and status 1."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_events, write_shop
from datasets import Dataset

from likewise.cli import main
from likewise.data.histories import Histories
from likewise.data.relevance import Events
from likewise.data.sources.ciao import Ciao
from likewise.errors import LikewiseError
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.runs.folder import read_result

PRODUCTS, USERS = 12, 40
STEPS = [
    *("method=sequence", "trainer.max_epochs=1", "batch_size=8"),
    "recommender.products.width=4",
]
# What is trained on each odd shop.
RECOMMENDERS = {
    "popular": [],
    "item_knn": ["recommender.measure=lift"],
    "cooccurrence": [],
    "ease": [],
    "hybrid": [],
    "gru": STEPS,
    "content": ["encoder=attributes", "method=co_purchase", "trainer.max_epochs=1"],
}


def odd_sequences() -> list[list[int]]:
    """The events of each user: everyone has product 0, some have a product twice in a row, and the
    last users have one event or none."""
    generator = np.random.default_rng(0)
    some = [generator.permutation(PRODUCTS - 1)[:4] + 1 for _ in range(USERS)]
    normal = [[0, *one.tolist()] for one in some]
    twice = [[0, 0, a, a, *rest] for _, a, *rest in normal[::2]]
    return [*normal[1::2], *twice, *[[row] for row in range(6)], [], []]


def shop(folder: Path, sequences: list[list[int]]) -> Path:
    """The files of a shop with these sequences."""
    write_shop(folder, PRODUCTS, 1)
    table = {"user_id": list(range(len(sequences))), "item_ids": sequences}
    kinds = pa.schema({"user_id": pa.int64(), "item_ids": pa.list_(pa.int64())})
    pq.write_table(pa.table(table, schema=kinds), folder / "sequences.parquet")
    return folder


def options(folder: Path, output: Path, *more: str) -> list[str]:
    data = ["data=amazon_reviews", f"data.path={folder}", "logger=none", f"output={output}"]
    return ["train", "task=recommendation", *data, *more]


def sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence that a command ends with."""
    capsys.readouterr()
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    return message


def test_an_odd_shop_is_learned_from(tmp_path: Path) -> None:
    """By recommenders of each kind; all scores are numbers."""
    folder = shop(tmp_path / "shop", odd_sequences())
    for recommender, more in RECOMMENDERS.items():
        assert main(options(folder, tmp_path, f"recommender={recommender}", *more)) == 0
        (run,) = (tmp_path / "train").glob(f"{recommender}-*")
        metrics = read_result(run)["metrics"]
        assert all(math.isfinite(value) for value in metrics.values()), recommender
        # Users with fewer than three events are only learned from.
        assert pq.read_table(run / "per_query.parquet").num_rows == USERS, recommender


def test_a_last_event_that_repeats_an_earlier_one_cannot_be_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path / "shop", [[1, 2, 2, 3, 3], [4, 4, 4]])
    assert "no user has a product to be found" in sentence(options(folder, tmp_path), capsys)


def test_only_users_of_one_event_cannot_be_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path / "shop", [[row % PRODUCTS] for row in range(30)])
    assert "no user has a product to be found" in sentence(options(folder, tmp_path), capsys)


def test_a_product_that_the_shop_does_not_have_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shop(tmp_path / "shop", [[0, 1, 2], [3, 99, 4]])
    assert "names the item 99" in sentence(options(folder, tmp_path), capsys)


def test_duplicate_events_count_once_for_what_people_had() -> None:
    once, twice = ItemKnn(), ItemKnn()
    sequences = [[0, 1, 2], [1, 2], [2, 3]]
    asked = Histories.of([[0], [2, 2]])
    for recommender, known in (
        (once, sequences),
        (twice, [[row for row in one for _ in range(3)] for one in sequences]),
    ):
        recommender.fit(Histories.of(known), make_events(4, known), 0)
    np.testing.assert_array_equal(once.scores(asked), twice.scores(asked))


def write_ratings(folder: Path, order: np.ndarray) -> Path:
    """Ratings in the layout of ``data=ciao``, whose rows stand in some order."""
    generator = np.random.default_rng(0)
    users, items = np.repeat(np.arange(12), 5), np.tile(np.arange(5), 12)
    columns = {
        "user_id": users,
        "item_id": items,
        "category_id": items % 2,
        "rating": generator.integers(1, 6, 60),
        "helpfulness": np.ones(60, int),
        "timestamp": generator.permutation(60),
    }
    folder.mkdir()
    pq.write_table(
        pa.table({name: values[order] for name, values in columns.items()}),
        folder / "ratings.parquet",
    )
    trust = pa.table({"user_id": [0, 1], "trusts_user_id": [1, 0]})
    pq.write_table(trust, folder / "trust.parquet")
    return folder


def test_times_out_of_order_are_sorted_by_the_source(tmp_path: Path) -> None:
    """Also where a rating stands twice, which is left out and counted."""
    straight = write_ratings(tmp_path / "straight", np.arange(60))
    mixed = np.random.default_rng(1).permutation(np.append(np.arange(60), [7, 7]))
    found = [Ciao(path=str(straight)).load()]
    found.append(Ciao(path=str(write_ratings(tmp_path / "mixed", mixed))).load())
    one, other = (data.get(Events) for data in found)
    for name in ("user", "product", "time"):
        np.testing.assert_array_equal(one.column(name), other.column(name))
    assert "ratings left out for a later one by the same user: 2" in found[1].findings


def test_events_out_of_order_are_refused() -> None:
    table = {"user": [0, 0, 1], "product": [0, 1, 1], "time": [2.0, 1.0, 0.0]}
    events = Events(Dataset.from_dict(table), {"train": np.arange(3)})
    with pytest.raises(LikewiseError, match="not in the order of time"):
        events.check(2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of finished runs."""
    output = tmp_path_factory.mktemp("runs")
    folder = shop(output / "shop", odd_sequences())
    for name in ("item_knn", "popular"):
        assert main(options(folder, output, f"recommender={name}")) == 0
    found = (output / "train").glob("*-seed0-*")
    return {path.name.partition("-")[0]: str(path) for path in found}


HISTORIES = {
    "empty": (["recommend", "--history="], "the same score for this history"),
    "of commas": (["recommend", "--history=,,"], "the same score for this history"),
    "unknown": (["recommend", "--history=A1,B7"], "no product B7"),
    "an unknown one left out": (["recommend", "--history=A1", "--exclude=B7"], "no product B7"),
    "an unknown one in the basket": (["cross-sell", "--basket=B7"], "no product B7"),
    "all": (
        ["recommend", f"--history={','.join(f'A{row}' for row in range(PRODUCTS))}"],
        "no product is left",
    ),
    "no products asked for": (["recommend", "--history=A1", "--top-k=0"], "must be at least 1"),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_histories_that_say_nothing(
    name: str, runs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (verb, *more), expected = HISTORIES[name]
    assert expected in sentence([verb, runs["item_knn"], *more], capsys)


def test_what_everyone_bought_is_first_for_a_person_of_whom_nothing_is_known(
    runs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By popularity; a history with one product many times is a history with that product."""
    capsys.readouterr()
    assert main(["recommend", runs["popular"], "--history=", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["product_id"] == "A0"
    found = []
    for history in ("A3", "A3,A3,A3"):
        assert main(["recommend", runs["item_knn"], f"--history={history}", "--json"]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    assert "A3" not in {hit["product_id"] for hit in json.loads(found[0])}
