"""A run with an explanation draws examples of its own test."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.parts import make_task
from likewise.runs.folder import read_result
from likewise.runs.train import train


def pictures_of(folder: Path) -> dict[str, str]:
    """Captions of the explained examples; every one has a picture that is not blank."""
    found = {
        title: caption
        for title, caption in read_result(folder)["pictures"].items()
        if title.startswith("explanation")
    }
    for title in found:
        with Image.open(folder / f"{title}.png") as picture:
            assert len(picture.convert("L").getcolors() or range(9)) > 2
    return found


def test_right_and_wrong_neighbours_are_explained(shop_options: list[str]) -> None:
    folder = train(compose([*shop_options, "encoder=tfidf", "explanation=occlusion"]))
    table = pq.read_table(folder / "per_query.parquet").to_pylist()
    group = {row["unit_id"]: row["group"] for row in table}
    first = [(row["unit_id"], row["neighbours"][0], row["similarities"][0]) for row in table]
    best: dict[bool, float] = {}
    for query, near, value in first:
        same = group[query] == group[near]
        best[same] = max(value, best.get(same, value))
    captions = list(pictures_of(folder).values())
    assert len(captions) == len(best)
    for caption in captions:
        what, pair = caption.partition(". ")[0].split(": ")
        left, near = pair.split(" and ")
        same = what == "A nearest product of the same group"
        assert (group[left] == group[near]) == same
        assert (left, near, best[same]) in first


def test_matches_that_were_found_missed_and_wrong_are_explained(
    matching_options: list[str],
) -> None:
    options = [*matching_options, "matcher=signals", "matcher.n_estimators=2"]
    folder = train(compose([*options, "explanation=shapley"]))
    table = pq.read_table(folder / "per_query.parquet").to_pandas()
    match, called = table["label"] == 1, table["is_match"]
    expected = [
        what
        for among, what in (
            (match & called, "A match that was found"),
            (~match & called, "Products that were called a match and are none"),
            (match & ~called, "A match that was missed"),
        )
        if among.any()
    ]
    assert expected
    assert [caption.partition(":")[0] for caption in pictures_of(folder).values()] == expected


def test_a_run_is_not_lost_where_its_model_cannot_be_explained_so(
    shop_options: list[str],
) -> None:
    folder = train(compose([*shop_options, "encoder=pixels", "explanation=modalities"]))
    assert not pictures_of(folder)
    (note,) = [one for one in read_result(folder)["notes"] if one.startswith("Examples were not")]
    assert "explanation=modalities needs encoder=fusion" in note


def test_it_is_refused_where_nothing_uses_it() -> None:
    with pytest.raises(LikewiseError, match="has no use for an explanation"):
        make_task(compose(["task=search", "data=synthetic", "explanation=occlusion"]))
