"""A study says what leaks between its splits, and can do without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import make_pictures, write_data, write_idx, write_shop

from likewise.evidence.leaks import read_leaks
from likewise.experiment.composition import compose
from likewise.experiment.data import load_data
from likewise.experiment.experiment import Loader
from likewise.report.leaks import report_leaks


@pytest.fixture
def leaking(tmp_path: Path) -> list[str]:
    """Overrides for data whose first three test products are training or validation products."""
    folder = write_data(tmp_path / "leaking")
    train, _ = make_pictures(160, 4, seed=0)
    test, labels = make_pictures(60, 4, seed=1)
    test[:3] = train[[0, 1, 2]]
    write_idx(folder / "t10k-images-idx3-ubyte.gz", test)
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", labels)
    return [f"data.path={folder}", "data.validation_size=40", f"output={tmp_path / 'runs'}"]


def test_leaks_are_counted_drawn_and_kept(leaking: list[str], tmp_path: Path) -> None:
    report = report_leaks(load_data(compose(leaking)), tmp_path / "study")
    exact = {(found.earlier, found.later): found.exact for found in report.counts}
    assert exact["train", "test"] + exact["validation", "test"] == 3
    assert exact["train", "validation"] == 0
    assert all(found.shared_groups == 4 for found in report.counts)
    assert (tmp_path / "study" / "leaks.png").is_file()
    assert read_leaks(tmp_path / "study") == report
    written = (tmp_path / "study" / "leaks.json").stat().st_mtime_ns
    assert report_leaks(load_data(compose(leaking)), tmp_path / "study") == report
    assert (tmp_path / "study" / "leaks.json").stat().st_mtime_ns == written


def test_removing_leaks_is_another_run_on_data_without_them(
    leaking: list[str], tmp_path: Path
) -> None:
    kept, removed = compose(leaking), compose([*leaking, "remove_leaks=true"])
    assert Loader().experiment(kept).folder != Loader().experiment(removed).folder
    report = report_leaks(load_data(removed), tmp_path / "study")
    assert all(found.exact == 0 for found in report.counts)
    assert "No product is in two splits" in report.sentence()
    sizes = [
        {name: len(rows) for name, rows in load_data(config).splits.items()}
        for config in (kept, removed)
    ]
    assert sizes[0]["test"] == sizes[1]["test"]
    lost = sum(sizes[0].values()) - sum(sizes[1].values())
    assert lost == 3


def test_splits_of_users_are_told_by_their_users(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    task = ["task=recommendation", "data=amazon_reviews", f"data.path={folder}"]
    told = report_leaks(load_data(compose(task)), tmp_path / "study").sentence()
    assert "Test leaks: 0 of 60 users have a later event in train" in told
    assert read_leaks(tmp_path / "study").sentence() == told
    future = load_data(compose([*task, "data.split_by=cold_products", "data.test_share=0.3"]))
    told = report_leaks(future, tmp_path / "study").sentence()
    assert re.search(r"and 0 of \d+ products are in train", told.partition("Test leaks")[2])
