"""Updates in steps: strategies against each other, equal to one training, resumed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from conftest import write_data
from pytorch_lightning.callbacks import Callback
from pytorch_metric_learning.losses import ProxyAnchorLoss, SupConLoss
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from likewise.cli import main
from likewise.encoders.mlp import MLP
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.matchers.versions import Versions
from likewise.methods.incremental import Incremental
from likewise.metrics.f1 import F1
from likewise.metrics.map_at_r import MAPAtR
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train
from likewise.similarity.cosine import Cosine
from likewise.tasks.updating import Updating

STEPS = 3
STRATEGIES = {
    "frozen": ["method.epochs=0"],
    "replay": ["method.replay=12"],
    "distillation": ["method.replay=12", "method.distillation=100"],
    "retrain": ["method.retrain=true"],
}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = write_data(tmp_path_factory.mktemp("arriving"), train=144, test=48, groups=6)
    return [
        f"data.path={folder}",
        "data.validation_size=48",
        "batch_size=16",
        "encoder=mlp",
        "encoder.hidden_sizes=[16]",
        "embedding_size=8",
        "trainer.max_epochs=3",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={folder / 'runs'}",
    ]


@pytest.fixture(scope="module")
def updating(options: list[str]) -> list[str]:
    return [*options, "task=updating", f"matcher.steps={STEPS}", "method.epochs=2"]


@pytest.fixture(scope="module")
def runs(updating: list[str]) -> dict[str, Path]:
    """A finished run of each strategy; the first one by the command line."""
    found = {}
    for name, more in STRATEGIES.items():
        config = [*updating, *more, f"name={name}"]
        if found:
            found[name] = train(compose(config))
            continue
        assert main(["train", *config]) == 0
        output = Path(next(one for one in config if one.startswith("output=")).partition("=")[2])
        (found[name],) = (output / "train").glob(f"{name}-*")
    return found


def embedded(folder: Path) -> list[torch.Tensor]:
    """Unit embeddings of the test products after each step."""
    run = open_run(folder)
    products = run.module.products_of("test")
    return [F.normalize(run.scorer.version(step).embed(products)) for step in range(STEPS)]


def test_the_frozen_encoder_never_changes_and_forgets_nothing(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = embedded(runs["frozen"])
    assert all(other.equal(first) for other in others)
    result = read_result(runs["frozen"])
    metrics = result["metrics"]
    assert metrics["test/forgetting"] == metrics["test/compatibility"] == 0
    assert result["cost"]["update_seconds"] == 0
    table = pq.read_table(runs["frozen"] / "per_query.parquet")
    new = table["new"].to_numpy()
    own = (table["step"].to_numpy() == table["arrival"].to_numpy()) & (new == new)
    assert metrics["test/new"] == pytest.approx(new[own].mean())
    # Two groups are the base, and two come in each of the updates.
    assert own.sum() == 32
    assert (runs["frozen"] / "steps.png").is_file()
    assert main(["evaluate", str(runs["frozen"])]) == 0
    assert f"test/new {metrics['test/new']:.6f}" in capsys.readouterr().out


def test_all_strategies_have_the_same_base(runs: dict[str, Path]) -> None:
    bases = [embedded(folder)[0] for folder in runs.values()]
    assert all(base.equal(bases[0]) for base in bases)


def test_retraining_ends_with_the_weights_of_a_normal_training(
    runs: dict[str, Path], options: list[str]
) -> None:
    normal = load_file(train(compose([*options, "primary=map_at_r"])) / "weights.safetensors")
    last = load_file(runs["retrain"] / "weights.safetensors")
    assert all(last[name].equal(value) for name, value in normal.items())
    # 16 training products of each of 2, 4 and 6 groups, in 3 epochs.
    assert last["reads"].tolist() == [3 * 32, 3 * 64, 3 * 96]


def test_distillation_keeps_embeddings_near_those_of_the_step_before(
    runs: dict[str, Path],
) -> None:
    moved = {}
    for name in ("replay", "distillation"):
        run = open_run(runs[name])
        old = run.scorer.arrival[run.module.split("test")[1]] == 0
        before, after = embedded(runs[name])[:2]
        moved[name] = float((after - before)[old].square().sum(1).mean())
    assert 0 < moved["distillation"] < 0.8 * moved["replay"]


def test_memory_and_new_products_are_all_that_an_update_reads(runs: dict[str, Path]) -> None:
    reads = load_file(runs["replay"] / "weights.safetensors")["reads"].tolist()
    # 32 new products of two groups and 12 old ones: two whole batches of 16, twice.
    assert reads[1:] == [2 * 32, 2 * 32]


def test_an_update_that_is_cut_off_goes_on_to_the_same_numbers(
    runs: dict[str, Path], updating: list[str], tmp_path: Path
) -> None:
    class PowerCutInUpdate(Callback):
        def on_train_batch_end(self, trainer: Any, method: Any, *_: Any, **__: Any) -> None:
            if method.step == 1 and trainer.current_epoch == 1:
                raise ArithmeticError

    config = [*updating, *STRATEGIES["distillation"], f"output={tmp_path}"]
    with pytest.raises(ArithmeticError):
        train(compose(config), (PowerCutInUpdate(),))
    torch.manual_seed(99)
    resumed, whole = train(compose(config)), runs["distillation"]
    tables = [(folder / "per_query.parquet").read_bytes() for folder in (resumed, whole)]
    assert tables[0] == tables[1]
    histories = [json.loads((folder / "history.json").read_text()) for folder in (resumed, whole)]
    assert histories[0] == histories[1]
    assert [row["step"] for row in histories[0]] == [0, 0, 0, 1, 1, 2, 2]


def method(loss: nn.Module | None = None, **options: Any) -> Incremental:
    similarity = Cosine()
    scorer = Versions(MLP((1, 4, 4), 8, hidden_sizes=[4]), similarity, steps=2, num_groups=3)
    task = Updating({}, similarity, MAPAtR())
    return Incremental(scorer, loss or SupConLoss(), None, similarity, task, {}, **options)


def test_drift_is_the_squared_distance_of_unit_embeddings() -> None:
    before = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    now = torch.tensor([[5.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    # The same direction, a right angle and the opposite: 0, 2 and 4.
    assert float(method().drift(now, before)) == pytest.approx(2.0)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "share": ({"base_share": 1.0}, "must be between 0 and 1"),
    "negative": ({"replay": -1}, "at least 0"),
    "nothing replayed": ({"distillation": 1.0}, "method.replay=0 has none"),
    "replayed twice": ({"retrain": True, "replay": 5}, "leave one of them out"),
    "no epochs": ({"epochs": 0, "replay": 5}, "epochs=0 trains nothing"),
    "proxies": (
        {"compatibility": 1.0, "replay": 5, "loss": ProxyAnchorLoss(3, 8)},
        "ProxyAnchorLoss cannot do",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_make_no_sense_are_refused(name: str) -> None:
    options, expected = OPTIONS[name]
    with pytest.raises(LikewiseError, match=expected):
        method(**options)


def test_a_measure_of_something_else_is_refused() -> None:
    measure: Any = F1()
    with pytest.raises(LikewiseError, match=r"task.measure must be a metric of metrics=retrieval"):
        Updating({}, Cosine(), measure)


def test_what_fits_is_named_where_there_is_one_encoder_only(options: list[str]) -> None:
    with pytest.raises(LikewiseError, match="or choose task=updating, which chooses"):
        train(compose([*options, "method=incremental"]))


MISTAKES = {
    "steps": (["matcher.steps=9"], "6 groups cannot arrive in matcher.steps=9"),
    "one group": (["method.base_share=0.1"], "at least 2 groups in the first step"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_updates(
    name: str, updating: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = MISTAKES[name]
    assert main(["train", *updating, f"output={tmp_path}", *more]) == 1
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("likewise")]
    assert len(message) == 1
    assert expected in message[0]
    assert not list(tmp_path.rglob("result.json"))
