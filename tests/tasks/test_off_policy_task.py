"""Policies in runs: trained, tested by each estimator, opened again, and refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import BANDIT_RATES as RATES
from conftest import BANDIT_ROUNDS as ROUNDS
from conftest import write_bandit_log

from likewise.cli import main
from likewise.runs.folder import read_result


@pytest.fixture(scope="module")
def bandit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bandit_log(tmp_path_factory.mktemp("bandit"))


def options(bandit: Path, output: Path, *more: str) -> list[str]:
    data = ["data=open_bandit", f"data.path={bandit}", "data.test_share=0.4"]
    return ["task=off_policy", *data, "logger=none", f"output={output}", *more]


LEARNED = ["method=off_policy", "trainer.max_epochs=5", "method.learning_rate=0.1"]
PARTS = {
    "uniform": [],
    "fixed": ["policy=similarity", "policy.temperature=0.5"],
    "snips": ["policy=linear", *LEARNED],
    "dr": ["policy=linear", *LEARNED, "loss=off_policy_dr"],
    "ips": ["policy=similarity", "policy.candidates=3", *LEARNED, "loss=off_policy_ips"],
}


def test_policies_train_and_are_evaluated_again(
    bandit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Learned policies are better than the uniform one, and each is the same from its folder."""
    found = {}
    for name, part in PARTS.items():
        assert main(["train", *options(bandit, tmp_path, f"name={name}", *part)]) == 0, name
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        result = read_result(folder)
        found[name] = metrics = result["metrics"]
        table = pq.read_table(folder / "per_query.parquet")
        for estimator in ("dm", "ips", "snips", "dr", "switch_dr", "dros"):
            mean = table[estimator].to_numpy().mean()
            value = metrics[f"test/{estimator}"]
            assert mean == pytest.approx(value)
            assert metrics[f"test/{estimator}_low"] < value < metrics[f"test/{estimator}_high"]
        capsys.readouterr()
        assert main(["evaluate", str(folder)]) == 0
        assert f"test/snips {metrics['test/snips']:.6f}" in capsys.readouterr().out
    uniform = found["uniform"]
    assert uniform["test/effective_sample_size"] == pytest.approx(0.4 * ROUNDS)
    rewards = table["reward"].to_numpy()
    assert uniform["test/snips"] == pytest.approx(rewards.mean())
    assert uniform["test/dr"] == pytest.approx(RATES.mean(), abs=0.04)
    assert found["snips"]["test/snips_low"] > uniform["test/snips_high"]
    assert found["dr"]["test/dr_low"] > uniform["test/dr_high"]
    assert found["ips"]["test/ips"] > uniform["test/ips"]


def test_what_is_not_supported_is_left_out_with_a_note(bandit: Path, tmp_path: Path) -> None:
    greedy = ["policy=similarity", "policy.temperature=0.001", "policy.weights.history=0"]
    more = ["metrics.ips.min_effective_size=5000", "policy.weights.attributes=0"]
    assert main(["train", *options(bandit, tmp_path, *greedy, *more)]) == 1
    more = ["+metrics.ips.min_effective_size=5000"]
    assert main(["train", *options(bandit, tmp_path, *more)]) == 0
    (folder,) = (tmp_path / "train").glob("uniform-*")
    result = read_result(folder)
    assert "test/ips" not in result["metrics"]
    assert any(note.startswith("IPS is refused: ") for note in result["notes"])
    assert "ips" not in pq.read_schema(folder / "per_query.parquet").names


MISTAKES = {
    "no clicks": ({"click": 0}, [], "have the reward 0"),
    "one action": ({"item_id": 2}, [], "shows one product only"),
    "propensity 0": ({"propensity_score": 0.0}, [], "not above 0 and at most 1"),
    "propensity 2": ({"propensity_score": 2.0}, [], "not above 0 and at most 1"),
    "an unknown action": ({"item_id": 9}, [], "which the item file does not hold"),
    "wrong propensities": ({"propensity_score": 0.5}, [], "the mean weight is 0.333"),
    "no policy": ({}, ["policy=none", "encoder=bag"], "choose a policy"),
    "another catalogue": ({}, ["policy=bts_men"], "among 34 products"),
    "an untrained policy": ({}, ["method=off_policy"], "use method=none"),
    "another loss": ({}, ["policy=linear", "method=off_policy", "loss=supcon"], "off_policy_snips"),
    "folds": ({}, ["task.folds=1"], "task.folds=1"),
    "entropy": (
        {},
        ["policy=linear", "method=off_policy", "method.entropy_weight=-1"],
        "entropy_weight=-1",
    ),
    "clipping": ({}, ["policy=linear", "method=off_policy", "loss.max_weight=0"], "max_weight=0"),
    "no rounds": ({}, ["data.validation_share=0.0001"], "no rounds in validation"),
    "a recommender": ({}, ["recommender=popular"], "recommender and policy are both chosen"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, bandit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed, more, expected = MISTAKES[name]
    place = write_bandit_log(tmp_path / "log", **changed) if changed else bandit
    whole = options(place, tmp_path)
    keys = [one.split("=")[0] for one in more]
    whole = [one for one in whole if one.split("=")[0] not in keys]
    only = [f"~metrics.{one}" for one in ("ips", "dr", "dros", "switch_dr", "dm")]
    only = only if name == "wrong propensities" else []
    assert main(["train", *whole, *only, *more]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    assert expected in message
    assert not list(tmp_path.rglob("result.json"))
