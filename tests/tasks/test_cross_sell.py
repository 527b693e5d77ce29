"""Cross-selling by the real command line on a small network of products."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import write_network

from likewise.cli import main
from likewise.data.relevance import Links
from likewise.data.sources.amazon_photo import AmazonPhoto
from likewise.errors import LikewiseError
from likewise.runs.folder import read_result


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See ``write_network``."""
    return write_network(tmp_path_factory.mktemp("network"))


def test_links_are_split_with_their_reverse(network: Path) -> None:
    """So that no tested link is known from its other end; a loop is left out."""
    data = AmazonPhoto(path=str(network)).load()
    links = data.get(Links)
    assert data.findings == ["links of a product to itself that were left out: 1"]
    seen: dict[frozenset[int], str] = {}
    for name, rows in links.splits.items():
        pairs = {(int(links.source[row]), int(links.target[row])) for row in rows}
        assert {(b, a) for a, b in pairs} == pairs
        for pair in pairs:
            assert seen.setdefault(frozenset(pair), name) == name
    assert set(links.leaks(np.arange(len(data.catalogue))).values()) == {0}
    again = AmazonPhoto(path=str(network), split_seed=1).load()
    assert again.fingerprint != data.fingerprint
    with pytest.raises(LikewiseError, match="sum below 1"):
        AmazonPhoto(path=str(network), test_share=0.95).load()


def test_complements_are_found_by_links_and_by_content(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Links find what the content of a product without links finds as well."""
    options = ["task=cross_sell", "data=amazon_photo", f"data.path={network}", "logger=none"]
    options += [f"output={tmp_path}"]
    content = ["encoder=tfidf", "text=tfidf"]
    parts = {
        "popular": ["recommender=popular"],
        "item_knn": [],
        "content": ["recommender=content_links", *content, "recommender.neighbours=6"],
        "both": [
            *("recommender=rank_fusion", "~recommender.parts.near", *content),
            "+recommender@recommender.parts.content=content_links",
        ],
        "within": ["task.within_category=true"],
    }
    found = {}
    for name, part in parts.items():
        assert main(["train", *options, f"name={name}", *part]) == 0, name
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        found[name] = read_result(folder)
    scores = {name: one["metrics"]["test/ndcg_at_10"] for name, one in found.items()}
    assert scores["popular"] < min(scores["item_knn"], scores["content"])
    assert scores["within"] > scores["item_knn"]
    assert "one category" in found["within"]["notes"][0]
    table = pq.read_table(folder / "per_query.parquet")
    # A product is never recommended to itself, nor what is known to go with it.
    links = AmazonPhoto(path=str(network)).load().get(Links)
    known = {
        (str(links.source[row]), str(links.target[row]))
        for name in ("train", "validation")
        for row in links.splits[name]
    }
    for row in table.select(["unit_id", "recommended"]).to_pylist():
        for other in row["recommended"][:5]:
            assert other != row["unit_id"]
            assert (row["unit_id"], other) not in known
    capsys.readouterr()
    (folder,) = (tmp_path / "train").glob("item_knn-*")
    assert main(["cross-sell", str(folder), "--basket=0,1", "--top-k=3"]) == 0
    kinds = {int(line.split()[2]) // 16 for line in capsys.readouterr().out.splitlines()}
    assert kinds <= {0, 1, 2}


def test_categories_are_needed_to_rank_within_them(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence for events, which are no links, and for a strange option."""
    options = ["task=cross_sell", "data=amazon_photo", f"data.path={network}", "logger=none"]
    assert main(["train", *options, "task.few=0", f"output={tmp_path}"]) == 1
    assert "task.few=0" in capsys.readouterr().err
    options = ["task=recommendation", *options[1:]]
    assert main(["train", *options, f"output={tmp_path}"]) == 1
    assert "needs events of users" in capsys.readouterr().err
