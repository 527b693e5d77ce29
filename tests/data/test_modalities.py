"""Texts, attributes and reviews as tensors, against counting by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from likewise.data.catalogue import make_catalogue
from likewise.data.modalities.attributes import Attributes
from likewise.data.modalities.ngrams import HashedNgrams
from likewise.data.modalities.reviews import bag_reviews
from likewise.data.modalities.subwords import PADDING, Subwords
from likewise.errors import LikewiseError

TITLES = ["Sony WH-1000XM4 headphones", "sony wh-1000xm4", "red desk lamp", "手机壳 红色", None, ""]
ODD = ["\ud800", "a" * 100_000, "é" * 9, "\x00", " "]


def by_hand(text: str, bits: int) -> dict[int, float]:
    """Signed counts of the n-grams of a text of one token, hashed one by one."""
    padded = f" {text} "
    grams = [padded]
    for size in (3, 4, 5):
        if size < len(padded):
            grams += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    found: Counter[int] = Counter()
    for gram in grams:
        hashed = murmurhash3_32(gram)
        found[abs(hashed) % 2**bits] += 1 if hashed >= 0 else -1
    norm = sum(count**2 for count in found.values()) ** 0.5
    return {place: count / norm for place, count in found.items() if count}


@pytest.mark.parametrize("text", ["lamp", "headphones", "ab"])
def test_ngrams_are_those_counted_by_hand(text: str) -> None:
    row = HashedNgrams(bits=12).matrix([text]).tocoo()
    assert dict(zip(row.col.tolist(), row.data.tolist(), strict=True)) == pytest.approx(
        by_hand(text, 12)
    )


def test_bags_are_the_rows_of_the_matrix() -> None:
    ngrams = HashedNgrams(bits=10)
    matrix, bags = ngrams.matrix([*TITLES, *ODD]).toarray(), ngrams([*TITLES, *ODD])
    one_hot = torch.nn.functional.embedding_bag(
        bags.features,
        torch.eye(2**10),
        bags.offsets,
        mode="sum",
        per_sample_weights=bags.weights,
    )
    np.testing.assert_allclose(one_hot.numpy(), matrix, atol=1e-6)
    lengths = np.linalg.norm(matrix, axis=1)
    assert lengths[4] == lengths[5] == 0
    assert lengths[:4] == pytest.approx(np.ones(4), abs=1e-6)
    # The same model in two spellings is nearer than another product.
    assert matrix[0] @ matrix[1] > 0.5 > matrix[0] @ matrix[2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5))
def test_ngrams_take_any_text(texts: list[str]) -> None:
    assert HashedNgrams().matrix(texts).shape == (len(texts), 2**18)


@pytest.fixture(scope="module")
def subwords() -> Subwords:
    return Subwords.train([title for title in TITLES if title] * 5, size=300, length=12)


def test_subwords_say_the_text_again(subwords: Subwords) -> None:
    found = subwords(["red desk lamp", "a quite unseen ♥ word"])
    texts = [
        subwords.tokenizer.decode(ids[mask].tolist()).strip()
        for ids, mask in zip(found.ids, found.mask, strict=True)
    ]
    assert texts[0] == "red desk lamp"
    assert "a quite unseen".startswith(texts[1][:5])
    assert found.ids.shape == found.mask.shape
    assert found.ids.shape[1] <= 12
    assert int(found.ids.max()) < subwords.size
    padding = subwords.tokenizer.token_to_id(PADDING)
    assert (found.ids[~found.mask] == padding).all()


def test_subwords_take_missing_and_odd_texts(subwords: Subwords) -> None:
    found = subwords([None, "", *ODD])
    assert found.mask.sum(1)[:2].tolist() == [0, 0]
    assert found.mask.sum(1)[3] == 12
    assert subwords([None]).ids.shape == (1, 0)
    assert subwords([]).ids.shape == (0, 0)


def test_subwords_saved_are_the_same(subwords: Subwords, tmp_path: Path) -> None:
    subwords.save(tmp_path / "tokenizer.json")
    for again in (
        Subwords.load(tmp_path / "tokenizer.json", 12),
        Subwords.pretrained(str(tmp_path), 12),
    ):
        assert torch.equal(again(TITLES).ids, subwords(TITLES).ids)
    trained = Subwords.train([title for title in TITLES if title] * 5, size=300, length=12)
    assert torch.equal(trained(TITLES).ids, subwords(TITLES).ids)


def test_subwords_mistakes_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    for message, make in {
        "holds no tokeniser": lambda: Subwords.load(tmp_path),
        "there is no tokeniser": lambda: Subwords.load(tmp_path / "none.json"),
        "at least 257": lambda: Subwords.train(["a"], size=100),
    }.items():
        with pytest.raises(LikewiseError, match=message):
            make()


def products() -> list[list[dict[str, str]]]:
    sizes, colours = ["1", "2", "3", "x", "9"], ["red", "red", "blue", "green", "red"]
    return [
        [{"name": "size", "value": size}, {"name": "colour", "value": colour}]
        for size, colour in zip(sizes, colours, strict=True)
    ]


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
    fitted = Attributes.fit(catalogue, train)
    assert list(fitted.scales) == ["log price", "size"]
    assert fitted.codes == {"brand": {"x": 1}, "colour": {"red": 1, "blue": 2}}
    assert fitted.cardinalities == [2, 3]
    found = fitted(catalogue, np.arange(5))
    spread = np.std([1, 2, 3])
    expected = [[-1, 1, -1 / spread, 1], [1, 1, 0, 1], [0, 0, 1 / spread, 1]]
    np.testing.assert_allclose(found.numeric[:3].numpy(), expected, atol=1e-6)
    # Not a number, a price that is none, and a colour and a brand never trained on.
    assert found.numeric[3, 2:].tolist() == [0, 0]
    assert found.numeric[4, :2].tolist() == [0, 0]
    assert found.categorical.tolist() == [[1, 1], [0, 1], [0, 2], [0, 0], [1, 1]]


def test_attributes_never_look_at_other_products_and_come_back(tmp_path: Path) -> None:
    changed = products()
    changed[4] = [{"name": "size", "value": "huge"}, {"name": "new", "value": "1"}]
    fitted = [
        Attributes.fit(
            make_catalogue({"product_id": list("abcde"), "attributes": one}), np.arange(3)
        )
        for one in (products(), changed)
    ]
    assert fitted[0] == fitted[1]
    fitted[0].save(tmp_path / "attributes.json")
    assert Attributes.load(tmp_path / "attributes.json") == fitted[0]
    (tmp_path / "attributes.json").write_text("[]")
    with pytest.raises(LikewiseError, match="holds no attributes"):
        Attributes.load(tmp_path / "attributes.json")


def test_the_most_frequent_categories_get_codes() -> None:
    brands = ["b", "a", "c", "b", "a", "d"]
    catalogue = make_catalogue({"product_id": list("abcdef"), "brand": brands})
    assert Attributes.fit(catalogue, np.arange(6), most=3).codes == {
        "brand": {"a": 1, "b": 2, "c": 3}
    }
    with pytest.raises(LikewiseError, match="it has product_id, title"):
        Attributes.fit(make_catalogue({"product_id": ["a"], "title": ["b"]}), np.arange(1))


def test_reviews_are_bags() -> None:
    bag = bag_reviews([["good", " ", None, "bad"], None, [], ["one", "two", "three"]], most=2)
    assert bag.texts == ["good", "bad", "one", "two"]
    assert bag.offsets.tolist() == [0, 2, 2, 2, 4]
