"""Near-duplicate texts against every pair compared by sets of strings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data import text_hash
from likewise.data.text_hash import (
    TextDuplicates,
    joined,
    near_links,
    normalised,
    shingle_hashes,
    shingles,
    similarities,
)

# Words of a small alphabet, so that shingles repeat within texts and between them; any text at all
# beside them.
TEXTS = st.lists(
    st.text(max_size=25) | st.lists(st.sampled_from(["ab", "abc", "wool"])).map(" ".join),
    max_size=12,
)


def likeness(one: str, other: str) -> float:
    """Jaccard similarity of the runs of five characters; a shorter text is its own only run."""
    a, b = ({t[i : i + 5] for i in range(len(t) - 4)} or {t} for t in (one, other))
    return len(a & b) / len(a | b)


def family(count: int, seed: int) -> list[str]:
    """Distinct texts of few motifs of 120 characters, with up to two characters changed."""
    generator = np.random.default_rng(seed)
    letters = np.array(list("abcdefgh "))
    motifs = [generator.choice(letters, 120) for _ in range(max(1, count // 5))]
    texts = set()
    for _ in range(count):
        text = motifs[generator.integers(len(motifs))].copy()
        for _ in range(generator.integers(3)):
            text[generator.integers(len(text))] = generator.choice(letters)
        texts.add(normalised("".join(text)))
    return sorted(texts)


def all_pairs(texts: list[str], jaccard: float) -> dict[tuple[int, int], float]:
    pairs = itertools.combinations(range(len(texts)), 2)
    found = {(a, b): likeness(texts[a], texts[b]) for a, b in pairs}
    return {pair: value for pair, value in found.items() if value >= jaccard}


def components(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """The smallest place that each place is joined with."""
    smallest = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            smallest[a] = smallest[b] = min(smallest[a], smallest[b])
    return smallest


def same_sets(one: np.ndarray | list[int], other: np.ndarray | list[int]) -> bool:
    """Whether two numberings part the places alike."""
    together = set(zip(list(one), list(other), strict=True))
    return len(together) == len(set(one)) == len(set(other))


@given(TEXTS)
@settings(max_examples=80, deadline=None)
def test_as_many_different_hashes_as_shingles(texts: list[str]) -> None:
    hashes, starts = shingle_hashes(texts)
    parts = np.split(hashes, starts[1:]) if texts else []
    assert [len(part) for part in parts] == [max(1, len(text) - 4) for text in texts]
    runs = [text[i : i + 5] for text in texts for i in range(max(1, len(text) - 4))]
    named = dict(zip(hashes.tolist(), runs, strict=True))
    assert [named[value] for value in hashes.tolist()] == runs
    assert len(named) == len(set(runs))


@given(TEXTS)
@settings(max_examples=80, deadline=None)
def test_similarities_are_those_of_sets(texts: list[str]) -> None:
    pairs = list(itertools.product(range(len(texts)), repeat=2))
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    wanted = [likeness(texts[a], texts[b]) for a, b in pairs]
    assert similarities(texts, one, other).tolist() == wanted


@given(TEXTS, st.sampled_from([0.3, 0.6, 0.85, 1.0]))
@settings(max_examples=60, deadline=None)
def test_every_reported_pair_is_one(texts: list[str], jaccard: float) -> None:
    texts = sorted({normalised(text) for text in texts})
    pairs = all_pairs(texts, jaccard)
    links = near_links(texts, jaccard, np.zeros(len(texts), np.int64))
    for a, b, value in zip(*(part.tolist() for part in links), strict=True):
        assert pairs[min(a, b), max(a, b)] == value
    rows = np.arange(len(texts))
    content = TextDuplicates(texts, rows, jaccard)
    assert content.rows.tolist() == [row for row in rows if texts[row]]
    for places, others, values in content.near(content.rows, content.rows):
        for a, b, value in zip(places, others, values, strict=True):
            one, other = sorted((content.rows[a], content.rows[b]))
            assert value == (1 if one == other else pairs[one, other])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("jaccard", [0.6, 0.85])
def test_planted_near_duplicates_are_all_found(seed: int, jaccard: float) -> None:
    """Nothing that is clearly above the threshold is missed, and each pair is found once."""
    texts = family(120, seed)
    clear = all_pairs(texts, jaccard + 0.05)
    assert clear
    half = np.arange(len(texts)) % 2 == 0
    later, earlier = np.flatnonzero(half), np.flatnonzero(~half)
    found = [
        tuple(sorted((int(later[a]), int(earlier[b]))))
        for places, others, _ in TextDuplicates(texts, np.arange(len(texts)), jaccard).near(
            later, earlier
        )
        for a, b in zip(places, others, strict=True)
    ]
    assert len(found) == len(set(found))
    assert set(found) >= {(a, b) for a, b in clear if half[a] != half[b]}
    sets = joined(len(texts), [near_links(texts, jaccard, np.zeros(len(texts), np.int64))])
    assert all(sets[a] == sets[b] for a, b in clear)
    assert same_sets(sets, components(len(texts), list(all_pairs(texts, jaccard))))


@pytest.mark.parametrize("seed", range(3))
def test_texts_of_different_keys_are_never_joined(seed: int) -> None:
    texts = family(100, seed)
    keys = np.random.default_rng(seed).integers(3, size=len(texts))
    one, other, _ = near_links(texts, 0.8, keys)
    assert (keys[one] == keys[other]).all()
    pairs = [pair for pair in all_pairs(texts, 0.8) if keys[pair[0]] == keys[pair[1]]]
    sets = joined(len(texts), [(one, other, np.ones(len(one)))])
    assert same_sets(sets, components(len(texts), pairs))


@pytest.mark.parametrize("jaccard", [0.6, 0.85])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, jaccard: float) -> None:
    texts = family(60, seed=1)
    rows, keys = np.arange(len(texts)), np.zeros(len(texts), np.int64)

    def pairs() -> set[tuple[int, int, float]]:
        blocks = TextDuplicates(texts, rows, jaccard).near(rows, rows)
        return {
            pair
            for block in blocks
            for pair in zip(*(part.tolist() for part in block), strict=True)
        }

    whole, sets = pairs(), joined(len(texts), [near_links(texts, jaccard, keys)])
    assert len(whole) > len(texts)
    for name, size in (("HASHED", 100), ("COMPARED", 300), ("PAIRS", 7)):
        monkeypatch.setattr(text_hash, f"BLOCK_{name}", size)
    assert pairs() == whole
    assert np.array_equal(joined(len(texts), [near_links(texts, jaccard, keys)]), sets)


def test_many_texts_that_are_all_alike_are_not_compared_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = "a long text that two thousand products share and only the last letters differ: "
    ends = itertools.islice(itertools.product("abcdefghijklmnop", repeat=3), 2000)
    texts = [start + "".join(end) for end in ends]
    compared = []
    inner = text_hash.similarities

    def counting(texts: list[str], one: np.ndarray, other: np.ndarray) -> np.ndarray:
        compared.append(len(one))
        return inner(texts, one, other)

    monkeypatch.setattr(text_hash, "similarities", counting)
    links = near_links(texts, 0.85, np.zeros(len(texts), np.int64))
    assert joined(len(texts), [links]).max() == 0
    assert sum(compared) < 20 * len(texts)


def test_sets_are_numbered_by_their_first_place() -> None:
    one, other = np.array([4, 5, 1]), np.array([2, 3, 4])
    assert joined(7, [(one, other, np.ones(3))]).tolist() == [0, 1, 1, 2, 1, 2, 3]
    assert joined(0, []).tolist() == []
    assert joined(2, []).tolist() == [0, 1]


def test_the_threshold_counts_as_near() -> None:
    # Runs of "abcdefgh" are abcde bcdef cdefg defgh; "abcdefg" has the first three of them.
    texts, keys = ["abcdefgh", "abcdefg"], np.zeros(2, np.int64)
    assert near_links(texts, 0.75, keys)[2].tolist() == [0.75]
    assert near_links(texts, 0.76, keys)[2].tolist() == []


@given(st.text(max_size=30))
def test_shingles_are_all_runs_of_five(text: str) -> None:
    runs = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1) if j - i == 5}
    assert shingles(text) == (runs or {text})


@given(st.text(alphabet="aBß é\t\n\u3000", max_size=20))
def test_normalised_text_has_single_blanks_and_no_case(text: str) -> None:
    assert normalised(text) == normalised(text.swapcase()) == normalised(f"\n{text} ")
    assert "  " not in normalised(text)
