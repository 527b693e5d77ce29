"""Logged bandit feedback in every layout it comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from conftest import needs_data, split_rows

from likewise.data.relevance import LoggedFeedback
from likewise.data.sources.open_bandit import OpenBandit
from likewise.errors import LikewiseError

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


def test_a_download_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = write_obp(tmp_path / "remote").as_uri()
    hashes = {"bts/men/men.csv": "0" * 64}
    with pytest.raises(LikewiseError, match=r"could not be downloaded .*hash"):
        OpenBandit(
            str(tmp_path / "home"), "men", "bts", download=True, url=url, sha256=hashes
        ).load()


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
