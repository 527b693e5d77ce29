"""Sequences, ratings with trust and logged bandit feedback, in every layout they come in."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from likewise.data.catalogue import ProductData
from likewise.data.event_splits import leave_last_out
from likewise.data.relevance import Events, LoggedFeedback
from likewise.data.sources.amazon_reviews import AmazonReviews
from likewise.data.sources.ciao import Ciao
from likewise.data.sources.open_bandit import OpenBandit
from likewise.data.time_split import time_splits
from likewise.errors import LikewiseError

needs_data = pytest.mark.skipif(
    "LIKEWISE_DATA" not in os.environ, reason="LIKEWISE_DATA names no folder of real data"
)


def behaviour(data: ProductData) -> Events:
    assert len(data.relevance) == 1
    assert data.splits["train"].tolist() == list(range(len(data.catalogue)))
    return data.get(Events)


def split_rows(splits: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {name: rows.tolist() for name, rows in splits.items()}


# --- sequences

SEQUENCES = {7: [3, 1, 2, 1], 4: [2, 3], 9: [1, 2, 3]}
ATTRIBUTES = {1: [5, 6], 2: [], 3: [6]}


def write_sequences(folder: Path) -> Path:
    users, lists = list(SEQUENCES), list(SEQUENCES.values())
    pq.write_table(pa.table({"user_id": users, "item_ids": lists}), folder / "sequences.parquet")
    names = {5: "Acme", 6: "Skin Care"}
    items = {
        "item_id": list(ATTRIBUTES),
        "asin": ["B1", "B2", "B3"],
        "attributes": pa.array(
            [[names[a] for a in found] for found in ATTRIBUTES.values()], pa.list_(pa.string())
        ),
    }
    pq.write_table(pa.table(items), folder / "items.parquet")
    return folder


def write_s3rec(folder: Path) -> Path:
    lines = [" ".join(map(str, [user, *items])) for user, items in SEQUENCES.items()]
    (folder / "Beauty.txt").write_text("\n".join(lines) + "\n")
    (folder / "Beauty_item2attributes.json").write_text(json.dumps(ATTRIBUTES))
    return folder


@pytest.mark.parametrize("write", [write_sequences, write_s3rec])
def test_sequences_leave_the_last_two_out(tmp_path: Path, write) -> None:
    data = AmazonReviews(path=str(write(tmp_path))).load()
    found = behaviour(data)
    assert found.events["user"][:] == [7, 7, 7, 7, 4, 4, 9, 9, 9]
    assert found.events["product"][:] == [2, 0, 1, 0, 1, 2, 0, 1, 2]
    # User 4 has two events only: nothing is left out.
    expected = {"train": [0, 1, 4, 5, 6], "validation": [2, 7], "test": [3, 8]}
    assert split_rows(found.splits) == expected
    if write is write_sequences:
        assert data.catalogue["product_id"][:] == ["B1", "B2", "B3"]
        values = [["Acme", "Skin Care"], [], ["Skin Care"]]
    else:
        assert data.catalogue["product_id"][:] == ["1", "2", "3"]
        values = [["5", "6"], [], ["6"]]
    assert [[a["value"] for a in row] for row in data.catalogue["attributes"]] == values


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 6), max_size=12))
def test_leave_one_out_equals_slicing(lengths: list[int]) -> None:
    expected: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    start = 0
    for length in lengths:
        rows = list(range(start, start + length))
        start += length
        if length >= 3:
            expected["validation"].append(rows[-2])
            expected["test"].append(rows[-1])
            rows = rows[:-2]
        expected["train"] += rows
    assert split_rows(leave_last_out(np.repeat(np.arange(len(lengths)), lengths))) == expected


def test_damaged_sequences(tmp_path: Path) -> None:
    source = AmazonReviews(path=str(tmp_path))
    with pytest.raises(LikewiseError, match=r"no sequences\.parquet or Beauty\.txt in .*download"):
        source.load()
    with pytest.raises(LikewiseError, match=r"data\.name=books must be one of beauty"):
        AmazonReviews(name="books").load()
    write_s3rec(tmp_path)
    text = tmp_path / "Beauty.txt"
    for content, said in (
        ("1 2 3\n2 9 1\n", r"names the item 9, which .*item2attributes\.json does not hold"),
        ("1 2 3\n1 2\n", "more than one line for the user 1"),
        ("1 2 x\n", r"Beauty\.txt is damaged"),
    ):
        text.write_text(content)
        with pytest.raises(LikewiseError, match=said):
            source.load()
    names = tmp_path / "Beauty_item2attributes.json"
    names.write_text(names.read_text()[:-4])
    with pytest.raises(LikewiseError, match=r"item2attributes\.json is damaged"):
        source.load()
    write_sequences(tmp_path)
    (tmp_path / "items.parquet").write_bytes((tmp_path / "items.parquet").read_bytes()[:50])
    with pytest.raises(LikewiseError, match=r"items\.parquet is damaged"):
        source.load()


def test_sequences_are_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "remote").mkdir()
    url = write_s3rec(tmp_path / "remote").as_uri()
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path / "home"))
    data = AmazonReviews(download=True, url=url).load()
    assert len(behaviour(data).events) == 9
    # What is there is not fetched again.
    again = AmazonReviews(download=True, url="file:///nowhere").load()
    assert again.fingerprint == data.fingerprint
    with pytest.raises(LikewiseError, match=r"nowhere/Toys.*could not be downloaded"):
        AmazonReviews("toys", download=True, url="file:///nowhere").load()


@pytest.mark.parametrize(
    ("write", "source", "file"),
    [
        (lambda folder: write_s3rec(folder), AmazonReviews(), "Beauty.txt"),
        (
            lambda folder: write_archive(folder) / "ciao_with_rating_timestamp.zip",
            Ciao(),
            "ciao_with_rating_timestamp.zip",
        ),
        (lambda folder: write_obp(folder), OpenBandit(None, "men", "bts"), "bts/men/men.csv"),
    ],
)
def test_a_download_with_another_hash_is_refused(
    write: Callable[[Path], Path], source: Any, file: str, tmp_path: Path
) -> None:
    (tmp_path / "remote").mkdir()
    url = write(tmp_path / "remote").as_uri()
    asked = replace(
        source, path=str(tmp_path / "home"), download=True, url=url, sha256={file: "0" * 64}
    )
    with pytest.raises(LikewiseError, match=r"could not be downloaded .*hash"):
        asked.load()


# --- ratings with trust

# user, item, category, rating, helpfulness, time; user 2 rated item 30 three times.
RATINGS = [
    (2, 30, 1, 4, 5, 300),
    (1, 20, 2, 5, 4, 100),
    (2, 30, 1, 2, 3, 500),
    (1, 10, 1, 3, 2, 50),
    (2, 30, 1, 1, 1, 400),
    (2, 20, 3, 3, 2, 200),
]
TRUSTS = [(1, 2), (2, 7)]
RATING_COLUMNS = ("user_id", "item_id", "category_id", "rating", "helpfulness", "timestamp")


def write_ratings(folder: Path) -> Path:
    columns = zip(RATING_COLUMNS, map(list, zip(*RATINGS, strict=True)), strict=True)
    pq.write_table(pa.table(dict(columns)), folder / "ratings.parquet")
    trust = {"user_id": [1, 2], "trusts_user_id": [2, 7]}
    pq.write_table(pa.table(trust), folder / "trust.parquet")
    return folder


def write_matlab(folder: Path) -> Path:
    savemat(folder / "rating_with_timestamp.mat", {"rating": np.array(RATINGS, float)})
    savemat(folder / "trustnetwork.mat", {"trustnetwork": np.array(TRUSTS, float)})
    return folder


def write_archive(folder: Path) -> Path:
    write_matlab(folder)
    with zipfile.ZipFile(folder / "ciao_with_rating_timestamp.zip", "w") as archive:
        for file in sorted(folder.glob("*.mat")):
            archive.write(file, f"ciao_with_rating_timestamp/{file.name}")
            file.unlink()
    return folder


@pytest.mark.parametrize("write", [write_ratings, write_matlab, write_archive])
def test_ratings_keep_the_latest_and_split_by_time(tmp_path: Path, write) -> None:
    data = Ciao(path=str(write(tmp_path)), validation_share=0.25, test_share=0.25).load()
    found = behaviour(data)
    assert data.catalogue["product_id"][:] == ["10", "20", "30"]
    assert data.catalogue["category"][:] == ["1", "2", "1"]
    assert found.events.column_names == ["user", "product", "rating", "helpfulness", "time"]
    rows = [tuple(row.values()) for row in found.events]
    expected = [(1, 0, 3, 2, 50), (1, 1, 5, 4, 100), (2, 1, 3, 2, 200), (2, 2, 2, 3, 500)]
    assert rows == expected
    assert split_rows(found.splits) == {"train": [0, 1], "validation": [2], "test": [3]}
    assert list(zip(found.trust.user, found.trust.trusts, strict=True)) == TRUSTS
    assert data.findings == [
        "ratings left out for a later one by the same user: 2",
        "further categories of a product, of which the first is kept: 1",
    ]


def test_ratings_of_one_time_the_last_row_counts(tmp_path: Path) -> None:
    rows = {name: [1, 1] for name in RATING_COLUMNS} | {"rating": [2, 5], "timestamp": [9, 9]}
    write_ratings(tmp_path)
    pq.write_table(pa.table(rows), tmp_path / "ratings.parquet")
    assert behaviour(Ciao(path=str(tmp_path)).load()).events["rating"][:] == [5.0]


def test_the_version_without_ratings_has_its_own_splits(tmp_path: Path) -> None:
    table = {
        "user_id": [5, 0, 5, 0],
        "item_id": [2, 1, 0, 2],
        "rating": [1.0] * 4,
        "split": ["test", "train", "train", "validation"],
    }
    pq.write_table(pa.table(table), tmp_path / "interactions.parquet")
    trust = {"user_id": [0, 5], "trusts_user_id": [5, 0]}
    pq.write_table(pa.table(trust), tmp_path / "trust.parquet")
    categories = {"item_id": [0, 1, 1, 3], "category_id": [4, 5, 0, 2]}
    pq.write_table(pa.table(categories), tmp_path / "item_category.parquet")
    data = Ciao("ciao", path=str(tmp_path)).load()
    found = behaviour(data)
    assert data.catalogue["product_id"][:] == ["0", "1", "2", "3"]
    assert data.catalogue["category"][:] == ["4", "5", None, "2"]
    assert found.events.column_names == ["user", "product"]
    assert found.events["user"][:] == [0, 0, 5, 5]
    assert found.events["product"][:] == [1, 2, 2, 0]
    assert split_rows(found.splits) == {"train": [0, 3], "validation": [1], "test": [2]}


def test_damaged_ratings(tmp_path: Path) -> None:
    source = Ciao(path=str(tmp_path))
    with pytest.raises(LikewiseError, match=r"no ratings\.parquet or .* in "):
        source.load()
    savemat(tmp_path / "rating.mat", {"rating": np.array(RATINGS, float)[:, :5]})
    with pytest.raises(LikewiseError, match=r"has no trustnetwork\.mat"):
        source.load()
    savemat(tmp_path / "trustnetwork.mat", {"trustnetwork": np.array(TRUSTS)})
    with pytest.raises(LikewiseError, match=r"one matrix of 6 columns .*the version with times"):
        source.load()
    (tmp_path / "rating.mat").write_bytes((tmp_path / "rating.mat").read_bytes()[:150])
    with pytest.raises(LikewiseError, match=r"rating\.mat is damaged"):
        source.load()
    (tmp_path / "rating.mat").unlink()
    (tmp_path / "ciao_with_rating_timestamp.zip").write_bytes(b"no archive")
    with pytest.raises(LikewiseError, match=r"\.zip is damaged"):
        source.load()
    write_ratings(tmp_path)
    for shares in ({"test_share": 0.95}, {"validation_share": 0.0}):
        with pytest.raises(LikewiseError, match="above 0 with a sum below 1"):
            Ciao(path=str(tmp_path), **shares).load()
    pq.write_table(pa.table({"user_id": [1]}), tmp_path / "trust.parquet")
    with pytest.raises(LikewiseError, match=r"trust\.parquet has no column trusts_user_id"):
        source.load()


def test_the_archive_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = (write_archive(tmp_path / "remote") / "ciao_with_rating_timestamp.zip").as_uri()
    home = tmp_path / "home"
    assert len(behaviour(Ciao(path=str(home), download=True, url=url).load()).events) == 4
    assert [file.name for file in home.iterdir()] == ["ciao_with_rating_timestamp.zip"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=40),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
)
def test_time_splits_lie_after_one_another(time: list[int], first: float, second: float) -> None:
    times = np.array(time, float)
    splits = time_splits(times, first, second)
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(time)))
    kept = [times[rows] for rows in splits.values() if len(rows)]
    assert all(a.max() < b.min() for a, b in pairwise(kept))
    assert len(splits["test"]) <= round(len(time) * second) + 1


def test_time_splits_meet_their_shares_without_ties() -> None:
    times = np.random.default_rng(0).permutation(1000).astype(float)
    splits = time_splits(times, 0.1, 0.2)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 700,
        "validation": 100,
        "test": 200,
    }
    with pytest.raises(LikewiseError, match="no events"):
        time_splits(np.zeros(0), 0.1, 0.2)


# --- bandit feedback

ITEMS = {
    "item_id": [1, 0],
    "item_feature_0": [0.5, -1.25],
    "item_feature_1": ["a", "b"],
    "item_feature_2": ["c", "c"],
    "item_feature_3": ["d", "e"],
}
LOG = {
    "timestamp": [
        "2019-11-24 00:00:53.965051+00:00",
        "2019-11-24 00:00:34+00:00",
        "2019-11-25 00:00:00.500000+00:00",
    ],
    "item_id": [1, 0, 1],
    "position": [3, 1, 2],
    "click": [0, 1, 0],
    "propensity_score": [0.5, 0.25, 1.0],
    "user_feature_0": ["u", "v", "u"],
    "user_feature_1": ["x", "x", "x"],
    "user_feature_2": ["y", "y", "y"],
    "user_feature_3": ["z", "z", "z"],
    "user-item_affinity_0": [0.0, 2.0, 0.0],
    "user-item_affinity_1": [1.0, 0.0, 3.0],
}


def write_bandit(folder: Path, log: dict[str, list] = LOG) -> Path:
    pq.write_table(pa.table(ITEMS), folder / "items_men.parquet")
    pq.write_table(pa.table(log), folder / "bts_men.parquet")
    return folder


def write_obp(folder: Path) -> Path:
    """The files of ``obp``, whose first column has no name."""
    (folder / "bts" / "men").mkdir(parents=True)
    for file, table in (("item_context", ITEMS), ("men", LOG)):
        numbered = pa.table({"": range(len(table["item_id"])), **table})
        pacsv.write_csv(numbered, folder / "bts" / "men" / f"{file}.csv")
    return folder


@pytest.mark.parametrize("write", [write_bandit, write_obp])
def test_a_log_in_the_order_of_time(tmp_path: Path, write) -> None:
    path = str(write(tmp_path))
    data = OpenBandit(path, "men", "bts", validation_share=0.3, test_share=0.3).load()
    found = data.get(LoggedFeedback)
    assert data.catalogue["product_id"][:] == ["0", "1"]
    assert data.catalogue[1]["attributes"][:2] == [
        {"name": "item_feature_0", "value": "0.5"},
        {"name": "item_feature_1", "value": "a"},
    ]
    context = found.context
    start = datetime(2019, 11, 24, tzinfo=UTC).timestamp()
    assert context["time"][:] == pytest.approx(
        [start + 34, start + 53.965051, start + 86400.5], abs=1e-5
    )
    assert found.action.tolist() == [0, 1, 1]
    assert found.position.tolist() == [1, 3, 2]
    assert found.reward.tolist() == [1, 0, 0]
    assert found.propensity.tolist() == [0.25, 0.5, 1.0]
    assert context["user"][:] == [0, 1, 1]
    assert context["user_feature_0"][:] == ["v", "u", "u"]
    assert np.array_equal(np.array(context["affinity"][:]), [[2, 0], [0, 1], [0, 3]])
    assert split_rows(found.splits) == {"train": [0], "validation": [1], "test": [2]}


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("item_id", [1, 5, 1], r"bts_men\.parquet shows the item 5"),
        ("propensity_score", [0.5, 0.0, 1.0], "propensity_score that is not above 0"),
        ("propensity_score", [0.5, None, 1.0], "propensity_score that is not above 0"),
        ("click", [0, 2, 0], "a click that is neither 0 nor 1"),
        ("position", [1, None, 2], "1 rows without a value of position"),
        ("timestamp", ["today", "2019-11-24", "2019-11-24"], "is damaged"),
    ],
)
def test_damaged_logs(tmp_path: Path, column: str, values: list, said: str) -> None:
    write_bandit(tmp_path, {**LOG, column: values})
    with pytest.raises(LikewiseError, match=said):
        OpenBandit(str(tmp_path), "men", "bts").load()


def test_logs_that_are_not_there(tmp_path: Path) -> None:
    write_bandit(tmp_path)
    with pytest.raises(LikewiseError, match=r"no random_men\.parquet or random/men/men\.csv in"):
        OpenBandit(str(tmp_path), "men", "random").load()
    with pytest.raises(LikewiseError, match=r"data\.campaign=kids must be one of all, men, women"):
        OpenBandit(str(tmp_path), "kids").load()
    with pytest.raises(LikewiseError, match=r"data\.policy=best must be one of random, bts"):
        OpenBandit(str(tmp_path), "men", "best").load()
    without = {name: values for name, values in LOG.items() if name != "user-item_affinity_1"}
    write_bandit(tmp_path, without)
    with pytest.raises(LikewiseError, match="has no column user-item_affinity_1"):
        OpenBandit(str(tmp_path), "men", "bts").load()


def test_a_log_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = write_obp(tmp_path / "remote").as_uri()
    home = str(tmp_path / "home")
    data = OpenBandit(home, "men", "bts", download=True, url=url).load()
    assert len(data.get(LoggedFeedback)) == 3
    with pytest.raises(LikewiseError, match="could not be downloaded"):
        OpenBandit(home, "women", "bts", download=True, url=url).load()


# --- real data


@needs_data
def test_real_sequences() -> None:
    data = AmazonReviews().load()
    found = behaviour(data)
    assert (len(data.catalogue), len(found.events)) == (12101, 198502)
    assert len(found.splits["test"]) == len(found.splits["validation"]) == 22363
    product, splits = np.array(found.events["product"]), found.splits
    assert np.isin(product[splits["test"]], product[splits["train"]], invert=True).sum() == 138


@needs_data
def test_real_ratings() -> None:
    found = behaviour(Ciao().load())
    assert (len(found.events), len(found.trust)) == (36065 - 230, 57544)
    implicit = behaviour(Ciao("ciao").load())
    counts = {name: len(rows) for name, rows in implicit.splits.items()}
    assert counts == {"train": 23223, "validation": 3317, "test": 6635}


@needs_data
@pytest.mark.parametrize(
    ("policy", "campaign", "clicks", "items"),
    [
        ("random", "all", 38, 80),
        ("random", "men", 46, 34),
        ("random", "women", 46, 46),
        ("bts", "all", 42, 80),
        ("bts", "men", 69, 34),
        ("bts", "women", 46, 46),
    ],
)
def test_real_logs(policy: str, campaign: str, clicks: int, items: int) -> None:
    data = OpenBandit(campaign=campaign, policy=policy).load()
    found = data.get(LoggedFeedback)
    assert (len(found), len(data.catalogue)) == (10000, items)
    assert found.reward.sum() == clicks
    if policy == "random":
        assert set(found.propensity) == {1 / items}
