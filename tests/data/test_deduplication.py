"""Sets of duplicates, against pairs that are duplicates or variants by construction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from scipy.ndimage import gaussian_filter

from likewise.data.catalogue import make_catalogue
from likewise.data.deduplication import KINDS, Deduplication
from likewise.data.distinguishing import COLOURS, SIZES, distinguishing_key, distinguishing_tokens
from likewise.errors import LikewiseError

CONFIGS = Path(__file__).parents[2] / "configs" / "deduplication"
LONG = "a smartphone with a bright display, a good camera and a battery that lasts a whole day"


def catalogue(titles: list[str | None], **columns: list) -> Any:
    ids = [f"p{row}" for row in range(len(titles))]
    return make_catalogue({"product_id": ids, "title": titles, **columns})


def groups(titles: list[str | None], **options: Any) -> list[int]:
    return Deduplication(**options).find(catalogue(titles)).groups.tolist()


def blobs(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures [n, 1, 24, 24]."""
    noise = np.random.default_rng(seed).normal(size=(count, 1, 24, 24))
    smooth = gaussian_filter(noise, (0, 0, 3, 3))
    return (128 + 100 * smooth / np.abs(smooth).max(axis=(2, 3), keepdims=True)).astype(np.uint8)


def test_spelling_and_a_small_change_are_duplicates() -> None:
    titles = [f"Acme {LONG}", f"  ACME\n{LONG}", f"Acme {LONG}!", "something else", f"Acmee {LONG}"]
    assert groups(titles) == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("iphone 8 64gb black", "iphone 8 64gb white"),
        ("iphone 8 64gb black", "iphone 8 128gb black"),
        ("iphone 8", "iphone 7"),
        ("model DK-100", "model DX-100"),
        ("model DK-100a", "model DK-100b"),
        ("shirt, size M", "shirt, size L"),
        ("a small box", "a large box"),
        ("64 GB card", "64 TB card"),
        ('a 10" pipe', "a 10' pipe"),
        ("1/2 in. bolt", "1/4 in. bolt"),
        ("1.5 l bottle", "15 l bottle"),
        ("blue/white scarf", "blue/red scarf"),
        ("women's shoe", "men's shoe"),
        ("aaa battery", "aa battery"),
    ],
)
def test_variants_stay_apart(one: str, other: str) -> None:
    titles = [f"{one} {LONG}", f"{other} {LONG}"]
    assert groups(titles) == [0, 1]
    assert groups(titles, keep_variants_apart=False, jaccard=0.7) == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("64 GB", "64gb"),
        ("10-inch", "10 inch"),
        ("black, 8", "8 Black"),
        ("women's", "women’s"),
        ("blue/white", "blue - white"),
    ],
)
def test_other_ways_to_write_a_token(one: str, other: str) -> None:
    assert distinguishing_tokens(one.casefold()) == distinguishing_tokens(other.casefold())
    assert distinguishing_key(one.casefold()) == distinguishing_key(other.casefold())


def test_a_go_between_joins_no_variants() -> None:
    """Each is near the one between them, and that one names no colour at all."""
    titles = [f"{LONG} black", LONG, f"{LONG} white", f"{LONG} ", f"{LONG} black."]
    assert groups(titles) == [0, 1, 2, 1, 0]
    assert groups(titles, keep_variants_apart=False) == [0, 0, 0, 0, 0]


WORDS = st.sampled_from(["phone", "case", "with", "leather", "cover", "and", "stand", "for", "use"])


@given(
    st.lists(WORDS, min_size=15, max_size=20),
    st.lists(
        st.tuples(
            st.sampled_from(["8", "9x", "x-100", "x-101", "2.5", "64gb"]),
            st.sampled_from(sorted(COLOURS)[:8]),
            st.sampled_from(sorted(SIZES)[:8]),
            st.integers(0, 15),
            st.sampled_from("abc"),
        ),
        min_size=2,
        max_size=25,
    ),
    st.sampled_from([0.3, 0.6, 0.85]),
)
@settings(max_examples=60, deadline=None)
def test_never_joins_what_differs_in_a_number_colour_or_size(
    words: list[str], variants: list[tuple[str, str, str, int, str]], jaccard: float
) -> None:
    titles: list[str | None] = []
    for model, colour, size, place, end in variants:
        text = [*words[:place], model, *words[place:], end * 3, colour, size]
        titles.append(" ".join(text))
    found = groups(titles, jaccard=jaccard)
    variant_of: dict[int, set] = {}
    for group, variant in zip(found, variants, strict=True):
        variant_of.setdefault(group, set()).add(variant[:3])
    assert all(len(variants) == 1 for variants in variant_of.values())


def test_title_and_description_are_one_text() -> None:
    data = catalogue(
        ["Dress", "Dress", "Dress", None, None],
        description=[LONG, "made of wool", LONG + "!", "", None],
    )
    assert Deduplication().find(data).groups.tolist() == [0, 1, 0, 2, 3]
    assert Deduplication(columns=["title"]).find(data).groups.tolist() == [0, 0, 0, 1, 2]


def test_attributes_tell_apart() -> None:
    colours: list = [[{"name": "colour", "value": value}] for value in ("Black", "white", "black")]
    data = catalogue(["Dress"] * 4, attributes=[*colours, None])
    assert Deduplication().find(data).groups.tolist() == [0, 1, 0, 2]
    assert Deduplication(keep_variants_apart=False).find(data).groups.tolist() == [0, 0, 0, 0]


def test_pictures_alone() -> None:
    a, b, c = blobs(3)
    images = np.stack([a, b, a, a + np.uint8(9), c, np.full_like(a, 7), np.full_like(a, 7)])
    data = catalogue([None] * 7).remove_columns("title")
    found = Deduplication().find(data, images)
    assert found.groups.tolist() == [0, 1, 0, 0, 2, 3, 4]
    assert found.fewer == dict(zip(KINDS, (0, 0, 1, 1), strict=True))


def test_a_picture_needs_texts_that_agree() -> None:
    a, b = blobs(2)
    words = "leather bag with a strap"
    titles = [
        f"acme {words} and a lining of cotton",  # 0: the picture and half the text of 1
        f"{words} and a lining of cotton by acme company",
        f"acme {words} and a lining of cotton, red",  # 2: another colour
        "wool scarf",  # 3: the same placeholder
        None,  # 4: no text
        f"acme {words} and a lining of cotton",  # 5: the text of 0, another picture
        None,  # 6: no text, as 4
    ]
    found = Deduplication().find(catalogue(titles), np.stack([a, a, a, a, a, b, a]))
    assert found.groups.tolist() == [0, 0, 1, 2, 3, 0, 3]
    assert found.fewer == dict(zip(KINDS, (1, 0, 2, 0), strict=True))


def test_report_names_products() -> None:
    data = catalogue([LONG, "wool scarf", LONG, f"{LONG}."])
    found = Deduplication().find(data)
    assert found.fewer == {"exact text": 1, "near text": 1}
    assert found.examples["exact text"] == [(0, 2, 1.0)]
    [(one, other, likeness)] = found.examples["near text"]
    assert {one, other} == {0, 3}
    assert 0.85 < likeness < 1
    assert found.report(data) == [
        "4 products are 2 sets of duplicates.",
        "Duplicates by exact text made them 1 fewer, for example p0 and p2.",
        "Duplicates by near text made them 1 fewer, for example p0 and p3.",
    ]


@given(st.lists(st.sampled_from([None, "", " ", "a", "a b", LONG, LONG + "!", LONG[1:]])))
@settings(max_examples=40, deadline=None)
def test_counts_add_up(titles: list[str | None]) -> None:
    data = catalogue(["x", *titles])
    found = Deduplication().find(data)
    assert len(data) - sum(found.fewer.values()) == len(set(found.groups.tolist()))
    first = [found.groups.tolist().index(group) for group in range(max(found.groups) + 1)]
    assert first == sorted(first)
    again = Deduplication().find(data.select(range(len(data))[::-1])).groups[::-1]
    together = Counter(zip(found.groups.tolist(), again.tolist(), strict=True))
    assert len(together) == len(set(again.tolist())) == len(set(found.groups.tolist()))


def test_configs() -> None:
    default = instantiate(OmegaConf.load(CONFIGS / "default.yaml"))
    assert default == Deduplication(columns=["title", "description"])
    assert not OmegaConf.load(CONFIGS / "none.yaml")


def test_no_products() -> None:
    nothing = catalogue([])
    assert len(Deduplication().find(nothing).groups) == 0
    assert len(Deduplication().find(nothing, np.empty((0, 1, 8, 8), np.uint8)).groups) == 0


def test_mistakes_are_named() -> None:
    data = catalogue(["x", "y"])
    with pytest.raises(LikewiseError, match=r'keep=last must be "all" or "first"'):
        Deduplication(keep="last")
    with pytest.raises(LikewiseError, match=r"deduplication.jaccard=0 must be above 0"):
        Deduplication(jaccard=0)
    with pytest.raises(LikewiseError, match=r"hash_distance=65 must be between"):
        Deduplication(hash_distance=65)
    with pytest.raises(LikewiseError, match=r"no titel to compare .*product_id, title"):
        Deduplication(columns=["titel"]).find(data)
    with pytest.raises(LikewiseError, match=r"1 pictures for 2 products"):
        Deduplication().find(data, blobs(1))
