"""The candidates of retrieval: those of the protocol, of which a gallery has to fit the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likewise.data.relevance import Groups
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.parts import make_task
from likewise.metrics.recall import RecallAtK
from likewise.runs.saved import open_run
from likewise.runs.train import train
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
    # Product i is of group i modulo 6, and the test queries are of group 0.
    splits = {
        "train": np.array([7]),
        "validation": np.array([6, 24, 3, 9]),
        "test": np.array([12, 18]),
    }
    groups = data.get(Groups)
    found = Groups.of(groups.labels, groups.names, splits, gallery=np.array(searched))
    changed = replace(data, splits=splits, relevance=(found,))
    if fits:
        TASK.check(changed, "test")
        return
    with pytest.raises(LikewiseError, match="no product of a group of the test products"):
        TASK.check(changed, "test")


def test_the_neighbours_are_candidates_of_the_protocol(tmp_path: Path) -> None:
    parts = ["data=synthetic", "data.products=60", "data.groups=6", "encoder=pixels"]
    folder = train(compose([*parts, "method=none", "logger=none", f"output={tmp_path}"]))
    unit = torch.nn.functional.normalize
    for protocol, searched in (("leave_one_out", "test"), ("train_gallery", "train")):
        run = open_run(folder, [f"protocol={protocol}", f"task.protocol={protocol}"])
        result = make_task(run.config).test(run.scorer, run.module, "test", run.device)
        near = unit(run.embeddings("test")) @ unit(run.embeddings(searched)).T
        if protocol == "leave_one_out":
            near.fill_diagonal_(-torch.inf)
        names = run.product_ids(searched)
        values, places = near.topk(len(result.table["neighbours"][0]))
        for row, found in enumerate(result.table["neighbours"]):
            # Products of equal pictures may change places.
            of_found = near[row, [names.index(name) for name in found]]
            torch.testing.assert_close(of_found, values[row], atol=1e-5, rtol=0)
    # The figure shows the first product of the first group above the others.
    groups = run.data.get(Groups)
    asked = groups.labels_of("test")
    query = int(np.flatnonzero(asked == asked.min())[0])
    right = groups.labels_of("train")[places[query]] == asked[query]
    (axes,) = result.draw()["neighbours"].figure.axes
    titles = [text.get_text() for text in axes.texts]
    shown = zip(right, values[query], strict=True)
    expected = [f"{'✓' if same else '✗'} {value:.2f}" for same, value in shown]
    assert titles[1 : 1 + len(expected)] == expected
