"""Policies in a simulated shop: learned, searched, evaluated, opened again and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from likewise.cli import main
from likewise.losses.reinforce import Reinforce
from likewise.runs.folder import read_result

SMALL = [
    "task=online",
    "data=shoppers",
    "data.source.products=60",
    "data.source.groups=6",
    "data.source.users=2",
    "data.source.image_size=8",
    "data.products=60",
    "data.visits={train: 1000, validation: 100, test: 600}",
    "data.examination=[1.0, 0.6, 0.3]",
    "logger=none",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=4",
]
PARTS = {
    "random": ["policy=uniform"],
    "oracle": ["policy=oracle"],
    "searched": [
        "policy=shop_similarity",
        "method=weight_search",
        "method.generations=5",
        "method.candidates=16",
        "method.visits=200",
    ],
    "fixed": [
        "policy=shop_similarity",
        "+policy.signals.picture._target_=likewise.policies.shop_signals.PictureSignal",
    ],
    "learned": ["policy=contextual_similarity", "method=online", "batch_size=100"],
}


def test_policies_learn_from_clicks_and_are_evaluated_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, tables = {}, {}
    for name, part in PARTS.items():
        assert main(["train", *SMALL, f"output={tmp_path}", f"name={name}", *part]) == 0, name
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        found[name] = metrics = read_result(folder)["metrics"]
        tables[name] = table = pq.read_table(folder / "per_query.parquet")
        for metric in ("clicks", "regret"):
            mean = table[metric].to_numpy().mean()
            assert metrics[f"test/{metric}"] == pytest.approx(mean)
    clicks = {name: metrics["test/clicks"] for name, metrics in found.items()}
    assert found["oracle"]["test/regret"] == pytest.approx(0, abs=1e-6)
    assert clicks["random"] < clicks["fixed"] < clicks["oracle"]
    assert clicks["fixed"] < clicks["searched"] < clicks["oracle"]
    assert clicks["searched"] < clicks["learned"] < clicks["oracle"]
    # The same visits for all, of which the best list is the same.
    for table in tables.values():
        best = table["clicks"].to_numpy() + table["regret"].to_numpy()
        assert table["unit_id"].equals(tables["oracle"]["unit_id"])
        assert best == pytest.approx(tables["oracle"]["clicks"].to_numpy(), abs=1e-6)
    (folder,) = (tmp_path / "train").glob("learned-*")
    capsys.readouterr()
    assert main(["evaluate", str(folder)]) == 0
    assert f"test/clicks {clicks['learned']:.6f}" in capsys.readouterr().out
    regret = [row["train/regret"] for row in json.loads((folder / "history.json").read_text())]
    assert len(regret) == 4
    assert regret[-1] < regret[0]


def test_reinforce_follows_the_gradient_of_expected_clicks() -> None:
    """The mean gradient over all lists of a two-product softmax, against the derivative by hand."""
    chances = np.array([0.8, 0.3])
    generator = torch.Generator().manual_seed(0)
    logits = torch.zeros(200_000, 2)
    logit = torch.tensor([0.2, 0.0], requires_grad=True)
    shown = (logits + logit).softmax(1).detach().multinomial(1, generator=generator)
    seen = torch.tensor(chances).float()[shown]
    clicks = (torch.rand(seen.shape, generator=generator) < seen).long()
    loss = Reinforce()((logits + logit).log_softmax(1).gather(1, shown), clicks)
    (gradient,) = torch.autograd.grad(loss, logit)
    p = 1 / (1 + np.exp(-0.2))
    slope = p * (1 - p) * (chances[0] - chances[1])
    assert gradient.tolist() == pytest.approx([-slope, slope], abs=0.004)
    # Two lists of two positions: later clicks count, earlier ones do not.
    logs = torch.zeros(2, 2, requires_grad=True)
    Reinforce()(logs, torch.tensor([[1, 0], [0, 1]])).backward()
    assert logs.grad is not None
    assert logs.grad.tolist() == [[0.0, 0.5], [0.0, -0.5]]


MISTAKES = {
    "nobody clicks": (["data.base=-60"], "less than one click"),
    "no click in training": (
        [
            "data.base=-7",
            "data.segments.replace.group=0",
            "data.segments.budget.price=0",
            "data.segments.browse.appeal=0",
            "data.visits.train=40",
            "data.visits.validation=600",
            "batch_size=20",
            "policy=shop_similarity",
            "method=online",
        ],
        "no shopper clicked in 40 visits",
    ),
    "one product": (["data.products=1"], "data.products=1 must be at least 5"),
    "other data": (["data=synthetic"], "choose data=shoppers"),
    "entropy": (
        ["policy=linear", "method=online", "method.entropy_weight=-1"],
        "entropy_weight=-1",
    ),
    "another loss": (["policy=linear", "method=online", "loss=supcon"], "loss=reinforce"),
    "candidates": (
        ["policy=shop_similarity", "method=weight_search", "method.candidates=1"],
        "at least 8",
    ),
    "search of a linear policy": (["policy=linear", "method=weight_search"], "shop_similarity"),
    "training of the oracle": (["policy=oracle", "method=online"], "use method=none"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_online(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more, expected = MISTAKES[name]
    small = [one for one in SMALL if not ("data=synthetic" in more and one.startswith("data"))]
    assert main(["train", *small, f"output={tmp_path}", *more]) == 1
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("likewise")]
    assert len(message) == 1
    assert expected in message[0]
    assert not list(tmp_path.rglob("result.json"))
