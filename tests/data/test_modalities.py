"""Texts, attributes and reviews as tensors, against counting by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from likewise.data.catalogue import make_catalogue
from likewise.data.modalities.attributes import Attributes
from likewise.data.modalities.ngrams import HashedNgrams
from likewise.data.modalities.pretrained import PretrainedSubwords
from likewise.data.modalities.reviews import Reviews
from likewise.data.modalities.subwords import Subwords
from likewise.errors import LikewiseError

TITLES = ["Sony WH-1000XM4 headphones", "sony wh-1000xm4", "red desk lamp", "手机壳 红色", None, ""]
ODD = ["\ud800", "a" * 100_000, "é" * 9, "\x00", " "]


@pytest.mark.parametrize("text", ["lamp", "headphones", "ab"])
def test_ngrams_are_those_counted_by_hand(text: str) -> None:
    padded = f" {text} "
    grams = [padded]
    for size in (3, 4, 5):
        if size < len(padded):
            grams += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    hashed = [murmurhash3_32(gram, positive=True) % 2**12 + 1 for gram in grams]
    reader = HashedNgrams(hash_bits=12)
    assert reader.encode([text])[0].tolist() == list(dict.fromkeys(hashed))
    assert max(hashed) < reader.vocabulary_size
    assert HashedNgrams(hash_bits=12, max_length=3).encode([text])[0].tolist() == hashed[:3]


def test_ngrams_of_two_spellings_are_nearer_than_of_two_products() -> None:
    ids = [set(row[row > 0].tolist()) for row in HashedNgrams().encode([*TITLES, *ODD])]
    assert len(ids[0] & ids[1]) > len(ids[1]) / 2 > len(ids[0] & ids[2])
    assert not ids[4]
    assert not ids[5]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5))
def test_ngrams_take_any_text(texts: list[str]) -> None:
    ids = HashedNgrams(max_length=16).encode(texts)
    assert ids.shape[0] == len(texts)
    assert ids.shape[1] <= 16


def trained() -> Subwords:
    made = Subwords(max_vocabulary_size=300, max_length=12)
    made.train([title for title in TITLES if title] * 5)
    return made


@pytest.fixture(scope="module")
def subwords() -> Subwords:
    return trained()


def test_subwords_say_the_text_again(subwords: Subwords) -> None:
    found = subwords.encode(["red desk lamp", "a quite unseen \u2665 word"])
    assert subwords.tokenizer is not None
    texts = [subwords.tokenizer.decode((row[row > 0] - 1).tolist()).strip() for row in found]
    assert texts[0] == "red desk lamp"
    assert "a quite unseen".startswith(texts[1][:5])
    assert found.shape[1] <= 12
    assert int(found.max()) < subwords.vocabulary_size


def test_subwords_take_missing_and_odd_texts(subwords: Subwords) -> None:
    found = subwords.encode([None, "", *ODD])
    assert (found > 0).sum(1)[:2].tolist() == [0, 0]
    assert (found > 0).sum(1)[3] == 12
    assert subwords.encode([None]).shape == (1, 0)
    assert subwords.encode([]).shape == (0, 0)


def test_subwords_saved_are_the_same(subwords: Subwords, tmp_path: Path) -> None:
    subwords.save(tmp_path)
    again, pretrained = Subwords(max_length=12), PretrainedSubwords(str(tmp_path), max_length=12)
    again.load(tmp_path)
    pretrained.fit(catalogue_of(TITLES), np.arange(0))
    for other in (again, pretrained, trained()):
        assert torch.equal(other.encode(TITLES), subwords.encode(TITLES))


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    catalogue, none = catalogue_of(TITLES), np.arange(0)
    for message, make in {
        "does not hold a tokeniser": lambda: Subwords().load(tmp_path),
        "there is no tokeniser": lambda: Subwords().load(tmp_path / "none"),
        "at least 256": lambda: Subwords(max_vocabulary_size=100),
        "is not a folder and cannot": lambda: PretrainedSubwords("no/model").fit(catalogue, none),
        "no package like": lambda: PretrainedSubwords("package:like/x").fit(catalogue, none),
        "has no x": lambda: PretrainedSubwords("package:likewise/x").fit(catalogue, none),
        "text.columns has colour": lambda: Subwords(columns=["colour"]),
        "no brand to read": lambda: Subwords(columns=["brand"]).fit(catalogue, none),
    }.items():
        with pytest.raises(LikewiseError, match=message):
            make()


def catalogue_of(titles: list[str | None]) -> Dataset:
    ids = [str(row) for row in range(len(titles))]
    return make_catalogue({"product_id": ids, "title": titles, "price": [1.5] * len(ids)})


def test_the_text_of_a_product_is_its_columns() -> None:
    catalogue = make_catalogue(
        {
            "product_id": ["a", "b"],
            "title": ["Lamp", None],
            "description": [" warm light ", ""],
            "price": [12.5, None],
            "attributes": [[{"name": "colour", "value": "red"}, {"name": "x", "value": ""}], None],
        }
    )
    rows = np.array([1, 0])
    assert Subwords().texts(catalogue, rows) == ["", "Lamp warm light red 12.5"]
    assert Subwords(columns=["price", "title"], markers=True).texts(catalogue, rows) == [
        "",
        "COL price VAL 12.5 COL title VAL Lamp",
    ]


def products() -> list[list[dict[str, str]]]:
    sizes, colours = ["1", "2", "3", "x", "9"], ["red", "red", "blue", "green", "red"]
    return [
        [{"name": "size", "value": size}, {"name": "colour", "value": colour}]
        for size, colour in zip(sizes, colours, strict=True)
    ]


def fit(catalogue: Dataset, rows: np.ndarray, max_categories: int = 1000) -> Attributes:
    attributes = Attributes(max_categories)
    attributes.fit(catalogue, rows)
    return attributes


def test_attributes_are_scaled_and_coded_by_training_products() -> None:
    catalogue = make_catalogue(
        {
            "product_id": list("abcde"),
            "attributes": products(),
            "price": [1.0, np.e, None, 7.0, -1.0],
            "brand": ["x", "", None, "y", "x"],
        }
    )
    train = np.arange(3)
    fitted = fit(catalogue, train)
    assert list(fitted.scales) == ["log price", "size"]
    assert fitted.codes == {"brand": {"x": 1}, "colour": {"red": 1, "blue": 2}}
    assert fitted.sizes() == {"numeric": 4, "cardinalities": [2, 3]}
    found = fitted(catalogue, np.arange(5))
    spread = np.std([1, 2, 3])
    expected = [[-1, 1, -1 / spread, 1], [1, 1, 0, 1], [0, 0, 1 / spread, 1]]
    np.testing.assert_allclose(found[:3, :4].numpy(), expected, atol=1e-6)
    # Not a number, a price that is none, and a colour and a brand never trained on.
    assert found[3, 2:4].tolist() == [0, 0]
    assert found[4, :2].tolist() == [0, 0]
    assert found[:, 4:].tolist() == [[1, 1], [0, 1], [0, 2], [0, 0], [1, 1]]


def test_attributes_never_look_at_other_products_and_come_back(tmp_path: Path) -> None:
    changed = products()
    changed[4] = [{"name": "size", "value": "huge"}, {"name": "new", "value": "1"}]
    fitted = [
        fit(make_catalogue({"product_id": list("abcde"), "attributes": one}), np.arange(3))
        for one in (products(), changed)
    ]
    assert vars(fitted[0]) == vars(fitted[1])
    fitted[0].save(tmp_path)
    again = Attributes()
    again.load(tmp_path)
    assert vars(again) == vars(fitted[0])
    (tmp_path / "attributes.json").write_text("[]")
    with pytest.raises(LikewiseError, match="does not hold fitted attributes"):
        again.load(tmp_path)


def test_the_most_frequent_categories_get_codes() -> None:
    brands = ["b", "a", "c", "b", "a", "d"]
    catalogue = make_catalogue({"product_id": list("abcdef"), "brand": brands})
    assert fit(catalogue, np.arange(6), max_categories=3).codes == {
        "brand": {"a": 1, "b": 2, "c": 3}
    }
    with pytest.raises(LikewiseError, match="it has product_id, title"):
        fit(make_catalogue({"product_id": ["a"], "title": ["b"]}), np.arange(1))


def test_reviews_are_bags(tmp_path: Path) -> None:
    reviews = [["good", " ", None, "bad"], None, [], ["one", "two", "three"]]
    catalogue = make_catalogue({"product_id": list("abcd"), "reviews": reviews})
    reader = Reviews(max_reviews=2, max_vocabulary_size=300, max_length=5)
    reader.fit(catalogue, np.array([0, 3]))
    rows = np.array([3, 1, 2, 0])
    table = reader(catalogue, rows)
    assert table.shape[:2] == (4, 2)
    assert (table != 0).any(2).tolist() == [[True] * 2, [False] * 2, [False] * 2, [True] * 2]
    found = reader.subwords.encode(["one", "two", "good", "bad"])
    assert torch.equal(table[[0, 3]].flatten(0, 1), found)
    reader.save(tmp_path)
    again = Reviews(max_reviews=2, max_vocabulary_size=300, max_length=5)
    again.load(tmp_path)
    assert torch.equal(again(catalogue, rows), table)
    with pytest.raises(LikewiseError, match="no reviews"):
        reader.fit(catalogue_of(TITLES), rows)
