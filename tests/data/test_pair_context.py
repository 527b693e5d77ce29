"""The place of a pair among all products, against a search by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data import pair_context
from likewise.data.catalogue import make_catalogue
from likewise.data.contents import content_numbers
from likewise.data.pair_context import SIGNALS, VIEWS, PairContext
from likewise.data.sources.table import TableSource

WORDS = ["lamp", "rug", "sony", "mp3", "black", "wh1000"]
TITLES = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


def context_of(titles: list[str], shops: list[str] | None, pairs: list[tuple[int, int]]):
    """The signals of pairs, [m, views, signals], and the catalogue."""
    columns: dict = {"product_id": [str(row) for row in range(len(titles))], "title": titles}
    if shops is not None:
        columns["shop"] = shops
    catalogue = make_catalogue(columns)
    context = PairContext()
    context.fit(catalogue)
    left, right = np.array(pairs).T
    found = context(catalogue, left, right)
    assert found.dtype == np.float32
    assert found.shape == (len(pairs), len(context.names))
    return found.reshape(len(pairs), len(VIEWS), len(SIGNALS)), catalogue, context


def by_hand(alike: np.ndarray, titles: list[str], shops: list[str], one: int, other: int):
    """Rank, margin and share of ``other`` as ``one`` sees it, by looking at each candidate."""
    rivals = {}
    for row, title in enumerate(titles):
        own = shops[one] == shops[row] and title == titles[one]
        if shops[row] == shops[other] and title != titles[other] and not own:
            rivals[title] = alike[one, row]
    value = alike[one, other]
    rank = 1 + sum(rival > value for rival in rivals.values())
    if not rivals:
        return rank, math.nan, math.nan
    best = max(rivals.values())
    share = value / (value + best) if value + best > 0 else math.nan
    return rank, 1 + value - best, share


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_signals_are_those_of_a_search_by_hand(data: st.DataObject) -> None:
    titles = data.draw(st.lists(TITLES, min_size=2, max_size=9))
    shops = data.draw(st.lists(st.sampled_from("ab"), min_size=len(titles), max_size=len(titles)))
    rows = range(len(titles))
    pairs = [(a, b) for a in rows for b in rows if a != b]
    with pytest.MonkeyPatch.context() as patch:
        # Blocks of a few products.
        patch.setattr(pair_context, "BLOCK_ELEMENTS", data.draw(st.integers(1, 20)))
        found, catalogue, context = context_of(titles, shops, pairs)
    for place, reader in enumerate(context.readers.values()):
        dense = reader.weights(reader.texts(catalogue, np.arange(len(titles)))).toarray()
        # Only words occur here, so that rounding cannot make two equal similarities unequal.
        lengths = np.linalg.norm(dense, axis=1, keepdims=True)
        unit = dense / np.where(lengths > 0, lengths, 1)
        alike = np.round(unit @ unit.T, 6)
        for (a, b), signals in zip(pairs, found[:, place], strict=True):
            if not (titles[a] and titles[b]):
                assert np.isnan(signals).all()
                continue
            sides = [by_hand(alike, titles, shops, *order) for order in ((a, b), (b, a))]
            wanted = [alike[a, b]]
            if shops[a] == shops[b]:
                sides = [np.min(sides, axis=0), np.max(sides, axis=0)]
            elif shops[a] > shops[b]:
                sides.reverse()
            for first, second in zip(*sides, strict=True):
                wanted += [first, second]
            np.testing.assert_allclose(signals, wanted, atol=1e-4, err_msg=f"{titles} {a} {b}")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_candidates_are_those_of_a_search_by_hand(data: st.DataObject) -> None:
    titles = data.draw(st.lists(TITLES, min_size=2, max_size=9))
    shops = data.draw(st.lists(st.sampled_from("ab"), min_size=len(titles), max_size=len(titles)))
    number = data.draw(st.integers(1, 4))
    rows = range(len(titles))
    pairs = [(a, b) for a in rows for b in rows if a != b]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_context, "BLOCK_ELEMENTS", data.draw(st.integers(1, 20)))
        _, catalogue, context = context_of(titles, shops, pairs)
        one, other = np.array(pairs).T
        found = context.candidates(catalogue, one, other, number)
    alike = np.zeros((len(titles), len(titles)))
    for reader in context.readers.values():
        dense = reader.weights(reader.texts(catalogue, np.arange(len(titles)))).toarray()
        lengths = np.linalg.norm(dense, axis=1, keepdims=True)
        alike += np.round((dense @ dense.T) / np.maximum(lengths * lengths.T, 1e-12), 5)
    for (a, b), candidates in zip(pairs, found.tolist(), strict=True):
        rivals: dict[str, float] = {}
        for row in rows:
            own = shops[a] == shops[row] and titles[row] == titles[a]
            if shops[row] == shops[b] and titles[row] != titles[b] and not own:
                rivals[titles[row]] = alike[a, row]
        kept = [row for row in candidates if row >= 0]
        assert candidates == kept + [-1] * (number - len(kept))
        assert len(kept) == min(number, len(rivals)) == len({titles[row] for row in kept})
        assert all(shops[row] == shops[b] and titles[row] in rivals for row in kept)
        best = sorted(rivals.values(), reverse=True)[:number]
        np.testing.assert_allclose([alike[a, row] for row in kept], best, atol=1e-4)


def test_the_best_of_both_sides_and_a_rival_by_hand() -> None:
    titles = ["sony lamp", "sony lamp black", "sony", "rug"]
    found, _, _ = context_of(titles, ["a", "b", "b", "a"], [(0, 1), (0, 2), (3, 1)])
    words = dict(zip(SIGNALS, found[:, list(VIEWS).index("words of title")].T, strict=True))
    # The rug has nothing in common with either candidate, so both share its first rank; the
    # black lamp sees the other lamp first.
    assert words["rank from first"].tolist() == [1, 2, 1]
    assert words["rank from second"].tolist() == [1, 1, 2]
    assert words["margin from first"][0] > 1 > words["margin from first"][1]
    assert words["similarity"][2] == 0
    assert math.isnan(words["share from first"][2])


def test_equal_offers_are_one_candidate_and_none_of_its_own() -> None:
    titles = ["sony lamp", "sony lamp", "sony lamp", "rug"]
    found, _, _ = context_of(titles, None, [(0, 1), (1, 2), (0, 3)])
    similarity, rank, margin = found[..., 0], found[..., 2], found[..., 3]
    np.testing.assert_allclose(similarity[:2], 1, rtol=1e-6)
    assert (rank[:2] == 1).all()
    # The rug is the one other candidate.
    np.testing.assert_allclose(margin[:2], 2, rtol=1e-6)
    # The rug and the lamp have no rival in sight of one another.
    assert np.isnan(margin[2]).all()


def test_a_catalogue_without_texts_has_no_context() -> None:
    catalogue = make_catalogue({"product_id": ["1", "2"], "price": [1.0, 2.0]})
    context = PairContext()
    context.fit(catalogue)
    found = context(catalogue, np.array([0]), np.array([1]))
    assert found.shape == (1, len(context.names))
    assert np.isnan(found).all()
    assert (context.candidates(catalogue, np.array([0]), np.array([1]), 3) == -1).all()


def test_a_table_names_the_shops_of_its_products(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,title,seller\n1,lamp,a\n2,lamp,b\n3,rug,\n")
    catalogue = TableSource(path=str(path), columns={"shop": "seller"}).load().catalogue
    assert catalogue["shop"][:] == ["a", "b", None]
    # The shop is no content: the two lamps are one product offered twice.
    first, second, other = content_numbers(catalogue)
    assert first == second != other
