"""Retrieval in a gallery of the data's own needs one that fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from likewise.data.relevance import Groups
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.metrics.recall import RecallAtK
from likewise.similarity.cosine import Cosine
from likewise.tasks.retrieval import Retrieval

TASK = Retrieval({"recall_at_1": RecallAtK(1)}, Cosine(), "gallery")


def test_without_a_gallery_another_protocol_is_named() -> None:
    data = Synthetic(products=60, groups=6).load()
    with pytest.raises(LikewiseError, match="protocol=gallery needs data with a gallery"):
        TASK.check(data, "test")


@pytest.mark.parametrize(("searched", "fits"), [([0, 1], True), ([1, 2], False)])
def test_a_gallery_of_other_groups_finds_nothing(searched: list[int], fits: bool) -> None:
    data = Synthetic(products=60, groups=6).load()
    # Product i is of group i modulo 6, and the queries are of group 0.
    splits = {"train": np.array([7]), "validation": np.array([6]), "test": np.array([12, 18])}
    groups = data.get(Groups)
    found = Groups.of(groups.labels, groups.names, splits, gallery=np.array(searched))
    changed = replace(data, splits=splits, relevance=(found,))
    if fits:
        TASK.check(changed, "test")
        return
    with pytest.raises(LikewiseError, match="no product of a group of the validation products"):
        TASK.check(changed, "test")
