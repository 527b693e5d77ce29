"""Duplicates across splits, against every pair compared by hand."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter

import imagehash
import numpy as np
import pytest
from conftest import smooth_pictures
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from likewise.data import image_hash
from likewise.data.catalogue import ProductData
from likewise.data.images import image_dataset
from likewise.data.leaks import PAIRS, Leaks, find_leaks, remove_leaks
from likewise.data.relevance import Groups
from likewise.errors import LikewiseError

SPLITS = ("train", "validation", "test")
WORDS = "red blue wool shirt dress long short sleeve for women men casual slim summer pack of two"


def products(
    sizes: tuple[int, int, int],
    images: np.ndarray | None = None,
    **texts: list[str | None],
) -> ProductData:
    """Products in the order train, validation, test, from row 1 on; row 0 is in no split."""
    count = 1 + sum(sizes)
    columns: dict[str, list] = {"product_id": [str(row) for row in range(count)]}
    columns |= {name: [values[0], *values] for name, values in texts.items()}
    if images is None:
        catalogue = Dataset.from_dict(columns)
    else:
        catalogue = image_dataset(columns, np.concatenate([images[:1], images]))
    rows = np.split(np.arange(1, count), np.cumsum(sizes)[:-1])
    groups = np.arange(count) % 3
    splits = dict(zip(SPLITS, rows, strict=True))
    return ProductData(catalogue, splits, "f0", (Groups.of(groups, list("abc"), splits),))


def jpeg(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image[0]).save(file, "JPEG", quality=90)
    return np.asarray(Image.open(file))[None]


def one_pixel(image: np.ndarray) -> np.ndarray:
    changed = image.copy()
    changed[0, 14, 9] = 255 - changed[0, 14, 9]
    return changed


def noisy(image: np.ndarray, strength: float) -> np.ndarray:
    noise = np.random.default_rng(int(image.sum())).normal(0, strength, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


VARIANTS = {
    "brighter": lambda image: image + np.uint8(20),
    "contrast": lambda image: (image * 0.8).astype(np.uint8),
    "pixel": one_pixel,
    "jpeg": jpeg,
    "noise": lambda image: noisy(image, 2),
}


def picture_family(count: int, seed: int) -> np.ndarray:
    """Pictures of few motifs: copies, slight and strong changes."""
    generator = np.random.default_rng(seed)
    changes = [np.array, *VARIANTS.values(), lambda image: noisy(image, 9)]
    motifs = smooth_pictures(max(1, count // 4), seed)
    return np.stack(
        [
            changes[generator.integers(len(changes))](motifs[generator.integers(len(motifs))])
            for _ in range(count)
        ]
    )


def text_family(count: int, seed: int) -> list[str]:
    """Texts of few motifs: copies, other spellings, a word put in, dropped or replaced."""
    generator = np.random.default_rng(seed)
    words = WORDS.split()
    motifs = [list(generator.choice(words, 12)) for _ in range(count // 6)]
    texts = []
    for _ in range(count):
        text = list(motifs[generator.integers(len(motifs))])
        for _ in range(generator.integers(4)):
            place = generator.integers(len(text))
            text[place : place + generator.integers(2)] = [generator.choice(words)]
        texts.append(" ".join(text) if generator.integers(2) else "  ".join(text).title())
    return texts


def picture_pairs(data: ProductData, images: np.ndarray) -> dict[tuple[int, int], tuple]:
    """Every duplicate pair (row, counterpart) with its kind and likeness, one by one."""
    hashes = [imagehash.phash(Image.fromarray(image[0])) for image in images]
    found = {}
    for row, other in cross_pairs(data):
        one, two = images[row - 1], images[other - 1]
        correlation = np.corrcoef(one.ravel(), two.ravel())[0, 1]
        if np.array_equal(one, two):
            found[row, other] = ("exact", 1.0)
        elif hashes[row - 1] - hashes[other - 1] <= 4 and correlation >= 0.995:
            found[row, other] = ("near", correlation)
    return found


def text_pairs(data: ProductData, texts: list[str]) -> dict[tuple[int, int], tuple]:
    """The same for texts of at least five characters."""
    plain = [" ".join(text.lower().split()) for text in texts]
    parts = [{text[i : i + 5] for i in range(len(text) - 4)} for text in plain]
    found = {}
    for row, other in cross_pairs(data):
        one, two = parts[row - 1], parts[other - 1]
        jaccard = len(one & two) / len(one | two)
        if plain[row - 1] == plain[other - 1]:
            found[row, other] = ("exact", 1.0)
        elif jaccard >= 0.8:
            found[row, other] = ("near", jaccard)
    return found


def cross_pairs(data: ProductData) -> list[tuple[int, int]]:
    return [
        (int(row), int(other))
        for earlier, later in PAIRS
        for row in data.splits[later]
        for other in data.splits[earlier]
    ]


def check_against(data: ProductData, leaks: Leaks, pairs: dict[tuple[int, int], tuple]) -> None:
    """The same products, each with its most alike partner, and nothing that is no pair."""
    split_of = {int(row): name for name, rows in data.splits.items() for row in rows}
    for leak in leaks.found:
        kind, likeness = pairs[leak.row, leak.counterpart]
        assert (leak.later, leak.earlier) == (split_of[leak.row], split_of[leak.counterpart])
        assert leak.kind == kind
        assert leak.likeness == pytest.approx(likeness)
    for earlier, later in PAIRS:
        for kind in ("exact", "near"):
            wanted = {
                pair: likeness
                for pair, (found, likeness) in pairs.items()
                if found == kind and (split_of[pair[1]], split_of[pair[0]]) == (earlier, later)
            }
            listed = [
                leak
                for leak in leaks.found
                if (leak.earlier, leak.later, leak.kind) == (earlier, later, kind)
            ]
            assert leaks.counts()[earlier, later][kind] == len({row for row, _ in wanted})
            of_row = best(wanted, itemgetter(0))
            of_counterpart = best(wanted, itemgetter(1))
            assert {leak.row for leak in listed} == set(of_row)
            assert {leak.counterpart for leak in listed} == set(of_counterpart)
            for leak in listed:
                bests = of_row[leak.row], of_counterpart[leak.counterpart]
                assert leak.likeness in (pytest.approx(bests[0]), pytest.approx(bests[1]))
            likenesses = {(leak.row, leak.counterpart): leak.likeness for leak in listed}
            assert best(likenesses, itemgetter(0)) == pytest.approx(of_row)
            assert best(likenesses, itemgetter(1)) == pytest.approx(of_counterpart)


def best(likeness: dict[tuple[int, int], float], side: Callable) -> dict[int, float]:
    """The largest likeness of each product on one side of the pairs."""
    largest: dict[int, float] = {}
    for pair, value in likeness.items():
        largest[side(pair)] = max(value, largest.get(side(pair), 0.0))
    return largest


@given(st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 12)), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_pictures_against_all_pairs(sizes: tuple[int, int, int], seed: int) -> None:
    images = picture_family(max(1, sum(sizes)), seed)[: sum(sizes)]
    if not len(images):
        sizes, images = (1, 0, 0), picture_family(1, seed)
    data = products(sizes, images)
    leaks = find_leaks(data)
    assert leaks.checked == ("image",)
    check_against(data, leaks, picture_pairs(data, images))
    check_removed(data, leaks)


@pytest.mark.parametrize("seed", range(8))
def test_texts_against_all_pairs(seed: int) -> None:
    texts = text_family(60, seed)
    data = products((30, 12, 18), title=texts)
    leaks = find_leaks(data)
    assert leaks.checked == ("text",)
    pairs = text_pairs(data, texts)
    assert {kind for kind, _ in pairs.values()} == {"exact", "near"}
    check_against(data, leaks, pairs)
    check_removed(data, leaks)


def check_removed(data: ProductData, leaks: Leaks) -> None:
    """Nothing leaks any more, and only earlier products of a leak are gone."""
    cleaned = remove_leaks(data, leaks)
    again = find_leaks(cleaned)
    assert again.checked == leaks.checked
    assert again.found == ()
    assert remove_leaks(cleaned, again) is cleaned
    assert cleaned.catalogue is data.catalogue
    assert np.array_equal(cleaned.splits["test"], data.splits["test"])
    for name, rows in data.splits.items():
        gone = {leak.counterpart for leak in leaks.found if leak.earlier == name}
        assert cleaned.splits[name].tolist() == [row for row in rows if row not in gone]
    assert (cleaned.fingerprint != data.fingerprint) == bool(leaks.found)
    assert cleaned.fingerprint == remove_leaks(data, find_leaks(data)).fingerprint


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_changed_picture_is_found(variant: str) -> None:
    images = smooth_pictures(13, seed=3)
    images[12] = VARIANTS[variant](images[4])
    [leak] = find_leaks(products((10, 2, 1), images)).found
    assert (leak.earlier, leak.later, leak.row, leak.counterpart) == ("train", "test", 13, 5)
    assert (leak.kind, leak.modality) == ("near", "image")
    assert 0.995 <= leak.likeness <= 1


def test_another_colour_is_no_duplicate_though_the_shape_is_the_same() -> None:
    shape = smooth_pictures(1, seed=0)[0, 0] > 100
    red, green = np.full((2, 3, 28, 28), 255, np.uint8)
    red[1:, shape] = 0
    green[[[0], [2]], shape] = 0
    darker = (red * 0.9).astype(np.uint8)
    [leak] = find_leaks(products((2, 0, 1), np.stack([red, green, darker])), hash_distance=64).found
    assert leak.counterpart == 1


def test_one_colour_correlates_with_nothing() -> None:
    images = np.stack([np.full((1, 28, 28), grey, np.uint8) for grey in (9, 10, 9)])
    [leak] = find_leaks(products((2, 0, 1), images), hash_distance=64).found
    assert (leak.counterpart, leak.kind) == (1, "exact")


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = products((40, 10, 20), picture_family(70, seed=5))
    whole = find_leaks(data)
    assert whole.found
    for name, size in (("PICTURES", 7), ("HASHES", 90), ("FLOATS", 2000)):
        monkeypatch.setattr(image_hash, f"BLOCK_{name}", size)
    assert find_leaks(data) == whole


def test_many_copies_are_listed_without_all_their_pairs() -> None:
    one, two = smooth_pictures(1, seed=0)[0], VARIANTS["brighter"](smooth_pictures(1, seed=0)[0])
    data = products((30, 0, 20), np.stack([one] * 30 + [one] * 10 + [two] * 10))
    leaks = find_leaks(data)
    assert leaks.counts()["train", "test"] == {"exact": 10, "near": 10}
    assert len(leaks.found) < 100
    assert {leak.counterpart for leak in leaks.found} == set(range(1, 31))
    assert len(remove_leaks(data, leaks).splits["train"]) == 0


def test_counts_by_pair_and_kind() -> None:
    a, b, c, d = smooth_pictures(4, seed=1)
    near = VARIANTS["brighter"]
    data = products((3, 2, 3), np.stack([a, b, c, near(a), d, a, near(b), d]))
    leaks = find_leaks(data)
    assert leaks.counts() == {
        ("train", "validation"): {"exact": 0, "near": 1},
        ("train", "test"): {"exact": 1, "near": 1},
        ("validation", "test"): {"exact": 1, "near": 1},
    }
    cleaned = remove_leaks(data, leaks)
    assert {name: rows.tolist() for name, rows in cleaned.splits.items()} == {
        "train": [3],
        "validation": [],
        "test": [6, 7, 8],
    }


def test_same_text_in_another_spelling_is_exact() -> None:
    titles = ["Café  BLUE", "Strasse 12", "x", "ｃａｆe\u0301 blue\n", "STRAẞE １２", "y"]
    leaks = find_leaks(products((3, 0, 3), title=titles))
    assert [(leak.row, leak.counterpart, leak.kind) for leak in leaks.found] == [
        (4, 1, "exact"),
        (5, 2, "exact"),
    ]


def test_title_and_description_are_one_text() -> None:
    titles: list[str | None] = ["shirt", "dress", None, "shirt blue", None, None, "dress"]
    descriptions: list[str | None] = ["blue", None, "", "", "dress", " ", "green"]
    data = products((3, 0, 4), title=titles, description=descriptions)
    leaks = find_leaks(data)
    assert [(leak.row, leak.counterpart) for leak in leaks.found] == [(4, 1), (5, 2)]
    alone = replace(data, catalogue=data.catalogue.remove_columns("title"))
    assert [(leak.row, leak.counterpart) for leak in find_leaks(alone).found] == []


def test_pictures_and_texts_are_both_checked() -> None:
    images = smooth_pictures(4, seed=2)
    images[2] = images[0]
    titles = ["one red shirt", "a pair of blue shoes", "green hat", "a pair of blue shoes"]
    leaks = find_leaks(products((2, 0, 2), images, title=titles))
    assert leaks.checked == ("image", "text")
    assert [(leak.row, leak.counterpart, leak.modality) for leak in leaks.found] == [
        (3, 1, "image"),
        (4, 2, "text"),
    ]
    assert leaks.counts()["train", "test"] == {"exact": 2, "near": 0}


@pytest.mark.parametrize("sizes", [(1, 0, 0), (0, 0, 1), (3, 0, 0), (0, 2, 1)])
def test_empty_splits(sizes: tuple[int, int, int]) -> None:
    count = sum(sizes)
    data = products(
        sizes, np.repeat(smooth_pictures(1, 0), count, axis=0), title=["the same"] * count
    )
    leaks = find_leaks(data)
    both = sizes == (0, 2, 1)
    assert leaks.counts()["validation", "test"] == {"exact": int(both), "near": 0}
    assert len(leaks.found) == (4 if both else 0)
    assert leaks.checked == ("image", "text")


def test_without_pictures_and_texts_nothing_was_checked() -> None:
    data = products((2, 1, 1), brand=["a", "a", "a", "a"])
    leaks = find_leaks(data)
    assert leaks == Leaks((), ())
    assert all(count == {"exact": 0, "near": 0} for count in leaks.counts().values())
    assert remove_leaks(data, leaks) is data


def test_splits_without_any_product() -> None:
    data = products((1, 0, 0), smooth_pictures(1, 0), title=["x"])
    nothing = {name: np.array([], np.int64) for name in SPLITS}
    assert find_leaks(replace(data, splits=nothing)) == Leaks((), ())


def test_shared_groups() -> None:
    data = products((2, 1, 3), title=["x"] * 6)
    assert data.get(Groups).labels[1:].tolist() == [1, 2, 0, 1, 2, 0]
    assert data.get(Groups).leaks(np.arange(len(data.catalogue))) == {
        ("train", "validation"): 0,
        ("train", "test"): 2,
        ("validation", "test"): 1,
    }


@pytest.mark.parametrize(
    ("threshold", "value"),
    [("hash_distance", -1), ("hash_distance", 65), ("correlation", 0), ("jaccard", 1.1)],
)
def test_thresholds_out_of_range(threshold: str, value: float) -> None:
    with pytest.raises(LikewiseError, match=f"{threshold}={value} must"):
        find_leaks(products((1, 0, 1), title=["x", "y"]), **{threshold: value})


@pytest.mark.parametrize(("jaccard", "found"), [(0.3, 2), (0.8, 1), (1.0, 0)])
def test_jaccard_threshold(jaccard: float, found: int) -> None:
    title = "a long blue woollen dress with short sleeves"
    titles = [title, "something else", f"{title} xl", "a long blue woollen coat with a belt"]
    leaks = find_leaks(products((2, 0, 2), title=titles), jaccard=jaccard)
    assert leaks.counts()["train", "test"] == {"exact": 0, "near": found}
