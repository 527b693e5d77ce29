"""Two stages of matching: who meets whom, what stays frozen, learned, resumed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback
from safetensors.torch import load_file

from likewise.cli import main
from likewise.data.relevance import Groups, Pairs
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.parts import make_method
from likewise.runs.folder import read_result
from likewise.runs.train import train

OFFERS = 60
WORDS = ["lamp", "mug", "clock", "rug", "bag"]


def shops_table(folder: Path, column: bool = True, matches: int = OFFERS) -> list[str]:
    """Offer i of shop A is that of shop B with other words; each is also compared with the next."""
    lines, pairs = ["product_id,title,shop"], ["left_id,right_id,label,split"]
    for row in range(OFFERS):
        word, part = WORDS[row % 5], ["train", "train", "validation", "test"][row % 4]
        for shop in "AB":
            title = f"{word} model{row}" if shop == "A" else f"model{row} the {word} of B"
            lines.append(f"{shop}{row},{title},{shop if column else ''}")
        pairs.append(f"A{row},B{(row + 5) % OFFERS},0,{part}")
        if row < matches or part != "train":
            pairs.append(f"A{row},B{row},1,{part}")
    # One more offer of shop A on the right, so that only the column tells the shops apart.
    pairs += [f"B{row},A{(row + 1) % OFFERS},0,train" for row in range(10)]
    folder.mkdir()
    (folder / "products.csv").write_text("\n".join(lines))
    (folder / "pairs.csv").write_text("\n".join(pairs))
    return [
        "task=matching",
        "data=table",
        f"data.path={folder / 'products.csv'}",
        f"data.pairs={folder / 'pairs.csv'}",
        "matcher=pair_head",
        "method=contrastive_pairs",
        "encoder=bag",
        "text=ngrams",
        "batch_size=16",
        "embedding_size=16",
        "method.learning_rate=5e-3",
        "trainer.max_epochs=4",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={folder / 'runs'}",
    ]


class Watch(Callback):
    """Keeps the weights with which the second stage begins."""

    def __init__(self) -> None:
        self.weights: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: Any, method: Any) -> None:
        """Copy them."""
        if method.stage == 2:
            state = method.scorer.state_dict()
            self.weights = {name: value.clone() for name, value in state.items()}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return shops_table(tmp_path_factory.mktemp("shops") / "table")


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def run(options: list[str], watch: Watch) -> Path:
    return train(compose(options), (watch,))


def test_batches_of_offers_are_of_one_shop_and_its_training_matches(options: list[str]) -> None:
    experiment = Loader().experiment(compose(options))
    offers = next(make_method(experiment.config).stages(experiment.module())).module
    groups, pairs = offers.data.get(Groups), offers.data.get(Pairs)
    shops = offers.data.catalogue["shop"][:]
    partners: dict[int, set[int]] = {}
    for place in pairs.splits["train"].tolist():
        if pairs.labels[place]:
            one, other = int(pairs.left[place]), int(pairs.right[place])
            partners.setdefault(one, set()).add(other)
            partners.setdefault(other, set()).add(one)
    rows = groups.rows("train")
    trained = pairs.splits["train"]
    assert set(rows.tolist()) == {*pairs.left[trained], *pairs.right[trained]}
    labels = torch.from_numpy(groups.labels_of("train"))
    met, both = 0, 0
    for epoch in range(3):
        order = offers.sampler.epoch(labels, torch.Generator().manual_seed(epoch))
        for batch in order.split(offers.batch_size):
            inside = rows[batch.numpy()].tolist()
            assert any(
                all(shops[row] == own or partners.get(row) for row in inside) for own in "AB"
            )
            met += sum(bool(partners.get(row, set()) & set(inside)) for row in inside)
            both += len({shops[row] for row in inside}) == 2
    # Matches mostly meet, and so both shops are in most batches.
    assert met > 30
    assert both


def test_the_second_stage_trains_the_head_and_leaves_the_encoder(run: Path, watch: Watch) -> None:
    final = load_file(run / "weights.safetensors")
    changed = {name for name, value in watch.weights.items() if not final[name].equal(value)}
    heads = {name for name in final if name.startswith("head.")}
    assert changed == heads
    assert len(final) > len(heads)
    stages = [row["stage"] for row in json.loads((run / "history.json").read_text())]
    assert stages == [1.0] * 4 + [2.0] * 4


def test_both_stages_learn(run: Path, options: list[str]) -> None:
    untrained = train(compose([*options, "method.learning_rate=0", "trainer.max_epochs=1"]))
    scores, chance = (read_result(one)["metrics"]["test/pr_auc"] for one in (run, untrained))
    assert scores > chance + 0.1
    history = json.loads((run / "history.json").read_text())
    for stage in (1.0, 2.0):
        losses = [row["train/loss"] for row in history if row["stage"] == stage]
        assert losses[-1] < 0.95 * losses[0]
    result = read_result(run)
    assert "update_seconds" not in result["cost"]
    assert not any("contrastive_pairs" in note for note in result["notes"])


@pytest.mark.parametrize("stage", [1, 2])
def test_a_stage_that_is_cut_off_goes_on_to_the_same_numbers(
    stage: int, run: Path, options: list[str], tmp_path: Path
) -> None:
    class PowerCut(Callback):
        def on_train_batch_end(self, trainer: Any, method: Any, *_: Any, **__: Any) -> None:
            if method.stage == stage and trainer.current_epoch == 2 - stage:
                raise ArithmeticError

    config = [*options, f"output={tmp_path}"]
    with pytest.raises(ArithmeticError):
        train(compose(config), (PowerCut(),))
    torch.manual_seed(99)
    resumed = train(compose(config))
    for name in ("per_query.parquet", "history.json", "weights.safetensors"):
        assert (resumed / name).read_bytes() == (run / name).read_bytes()


def test_without_shops_a_run_says_that_all_offers_are_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = shops_table(tmp_path / "table", column=False)
    more = ["loss@method.group_loss=ntxent", "trainer.max_epochs=1"]
    assert main(["train", *options, *more]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert "all offers as those of one shop" in " ".join(read_result(folder)["notes"])
    assert main(["evaluate", str(folder)]) == 0


MISTAKES = {
    "no head": (["matcher=none"], "SimilarityMatcher has none; use matcher=pair_head"),
    "no encoder to train": (["encoder=tfidf", "text=tfidf"], "has nothing to train"),
    "no loss": (["method.group_loss=null"], "needs a loss on groups, such as"),
    "no such loss": (["loss@method.group_loss=none"], "Could not find 'loss/none'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = MISTAKES[name]
    assert main(["train", *options, f"output={tmp_path}", *more]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("likewise")]
    assert len(said) == 1
    assert expected in said[0]


def test_two_matches_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = shops_table(tmp_path / "table", matches=1)
    assert main(["train", *options]) == 1
    error = capsys.readouterr().err
    assert "needs at least 2 matches among the training pairs, and these data have 1" in error
    assert "Traceback" not in error
