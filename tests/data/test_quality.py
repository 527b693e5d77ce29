"""Each kind of finding on a catalogue made to have it, and none on a sound one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.images import image_dataset
from likewise.data.quality import Finding, find_problems
from likewise.data.relevance import Groups, Judgements, Pairs

WORDS = [
    "oaks",
    "iron",
    "tall",
    "wide",
    "soft",
    "cold",
    "fine",
    "deep",
    "long",
    "flat",
    "blue",
    "grey",
]


def titles(count: int) -> list[str]:
    """Titles that share few shingles."""
    generator = np.random.default_rng(0)
    return [" ".join(generator.permutation(WORDS)[:6]) + f" {row:04d}" for row in range(count)]


def sound(**columns: list[Any]) -> ProductData:
    """24 products in four groups, two of each in every split, with nothing wrong."""
    prices = [10.0 + row % 7 for row in range(24)]
    ids = [f"p{row}" for row in range(24)]
    made = {"product_id": ids, "title": titles(24), "price": prices} | columns
    groups = np.arange(24) % 4
    splits = {name: np.arange(8) + 8 * i for i, name in enumerate(("train", "validation", "test"))}
    relevance = (Groups.of(groups, list("abcd"), splits),)
    return ProductData(make_catalogue(made), splits, "f", relevance)


def found(data: ProductData, kind: str) -> list[Finding]:
    return [finding for finding in find_problems(data) if finding.kind == kind]


def with_values(column: str, values: dict[int, Any]) -> ProductData:
    """The sound data with some values of a column replaced."""
    kept = list(sound().catalogue[column])
    for row, value in values.items():
        kept[row] = value
    return sound(**{column: kept})


def test_sound_data_have_their_balance_and_nothing_else() -> None:
    problems = find_problems(sound())
    assert {finding.kind for finding in problems} == {"balance"}
    assert not any(finding.spoils for finding in problems)
    assert problems[0].sentence == "train: 4 groups of 2 to 2 products (median 2)"


def test_missing_values_count_blank_ones_and_spoil_when_most_are() -> None:
    column, content = found(with_values("title", {3: None, 4: "  "}), "missing values")
    assert column.sentence == "2 of 24 products (8.3%) have no title"
    assert [text.split()[0] for text in column.examples] == ["p3", "p4"]
    assert content.sentence.startswith("2 of 24 products (8.3%) have no title or description or")
    assert not column.spoils
    assert not content.spoils
    column, content = found(with_values("title", dict.fromkeys(range(13))), "missing values")
    assert content.spoils
    assert not column.spoils
    described = sound(title=[None] * 24, description=titles(24))
    assert not any(finding.spoils for finding in find_problems(described))


def test_duplicates_within_a_split_are_counted() -> None:
    data = with_values("title", {5: titles(24)[1], 9: titles(24)[1].upper()})
    exact = found(data, "duplicates")[0]
    assert "2 of 24 products repeat the text of another" in exact.sentence
    assert "occurs 3 times" in exact.sentence
    near = found(with_values("title", {5: titles(24)[1] + "!"}), "duplicates")
    assert [finding.sentence for finding in near] == [
        "2 products have nearly the same text as another"
    ]


def test_outliers_of_the_price() -> None:
    findings = found(with_values("price", {0: 90_000.0, 1: -1.0}), "outliers")
    assert [finding.sentence[:40] for finding in findings] == [
        "1 products have a price of zero or less",
        "1 of 23 products have an unusual price (",
    ]
    assert findings[1].examples[0].startswith("90,000: p0 ")


def test_equal_products_of_two_groups() -> None:
    data = with_values("title", {1: titles(24)[0], 4: titles(24)[0]})
    (finding,) = found(data, "label conflicts")
    # Product 4 is of product 0's group, product 1 is not.
    assert finding.sentence.startswith("1 products have the text of a product in another group")
    assert finding.examples[0].endswith("a / b")


def test_an_exact_leak_spoils_a_study_and_is_shown_in_pictures() -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (24, 1, 12, 12)).astype(np.uint8)
    images[20] = images[4]
    catalogue = image_dataset({"product_id": [f"p{row}" for row in range(24)]}, images)
    (leak,) = found(replace(sound(), catalogue=catalogue), "leaks")
    assert leak.sentence == "1 of 8 test products have an exact duplicate in train"
    assert leak.spoils
    assert leak.rows == [[20, 4]]


def with_test(data: ProductData, rows: np.ndarray) -> ProductData:
    """The data with another test split."""
    splits = {**data.splits, "test": rows}
    groups = Groups.of(data.get(Groups).labels, list("abcd"), splits)
    return replace(data, splits=splits, relevance=(groups,))


def test_splits_where_nothing_can_be_found() -> None:
    data = sound()
    for rows, words in ((np.arange(16, 20), "none with two"), (np.array([16, 20]), "one group")):
        spoiling = [f for f in found(with_test(data, rows), "balance") if f.spoils]
        assert len(spoiling) == 1
        assert words in spoiling[0].sentence
    empty = with_test(data, np.array([], np.int64))
    assert any(f.spoils for f in found(empty, "balance"))


def test_pairs_in_two_splits_and_pairs_labelled_both_ways() -> None:
    pairs = Pairs(
        left=np.array([0, 1, 9, 0]),
        right=np.array([9, 10, 0, 10]),
        labels=np.array([1, 0, 0, 0]),
        splits={"train": np.arange(2), "validation": np.array([3]), "test": np.array([2])},
    )
    problems = find_problems(replace(sound(), relevance=(pairs,)))
    spoiling = [finding.sentence for finding in problems if finding.spoils]
    assert spoiling == [
        "1 pairs are labelled both as a match and as no match",
        "1 distinct pairs of test (1 in all) are in train too",
        *(
            f"{name} holds only pairs labelled 0, so it cannot be evaluated; each split needs "
            "pairs labelled 1 and pairs labelled 0"
            for name in ("validation", "test")
        ),
    ]


def test_queries_in_two_splits() -> None:
    judgements = Judgements(
        queries=["lamp", "oak"],
        query=np.array([0, 0, 1]),
        product=np.array([0, 16, 17]),
        grades=np.ones(3),
        splits={"train": np.array([0]), "validation": np.array([], int), "test": np.array([1, 2])},
    )
    (leak,) = found(replace(sound(), relevance=(judgements,)), "leaks")
    assert leak.sentence == "1 queries of test are also in train"
    assert leak.spoils


@pytest.mark.parametrize("count", [0, 1])
def test_tiny_catalogues_do_not_crash(count: int) -> None:
    catalogue = sound().catalogue.select(range(count))
    splits = {name: np.arange(0) for name in ("train", "validation", "test")}
    relevance = (Groups.of(np.zeros(count, int), ["a"], splits),)
    data = ProductData(catalogue, splits, "f", relevance)
    assert any(finding.spoils for finding in find_problems(data))
