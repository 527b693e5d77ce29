"""Test pairs that are not in an earlier split."""

from __future__ import annotations

from dataclasses import replace

from likewise.data.catalogue import ProductData
from likewise.data.contents import content_numbers
from likewise.data.relevance import Pairs

# The name of the split of test pairs that are not in an earlier split.
UNLEAKED = "test_without_leaks"


def with_unleaked_test(data: ProductData) -> ProductData:
    """The data with the split ``test_without_leaks`` of their labelled pairs.

    It contains the test pairs that are not in an earlier split, in either order of their products.
    Data without labelled pairs are returned unchanged.
    """
    if not data.has(Pairs):
        return data
    pairs = data.get(Pairs)
    if not len(pairs.splits.get("test", ())):
        return data
    clean = pairs.unleaked_test(content_numbers(data.catalogue))
    splits = {**pairs.splits, UNLEAKED: clean}
    return replace(data, relevance=data.replacing(replace(pairs, splits=splits)))
