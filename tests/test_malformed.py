"""What people type wrong, over all verbs: one sentence, status 1, and nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import write_data

from likewise.cli import main

# Overrides of ``likewise train`` and a part of the sentence that they get.
TRAIN = {
    "a seed of more than 32 bits": (["seed=18446744073709551616"], "at most 4294967295"),
    "a name that leads out": (["name=../../x"], "cannot name a folder"),
    "a study that leads out": (["study='a/../../b'"], "cannot name a folder"),
    "a name of a dot": (["name=.hidden"], "cannot name a folder"),
    "a long name": ([f"name={'n' * 300}"], "at most 100"),
    "a word for a size": (["data.train_size=abc"], "train_size=abc must be a whole number or null"),
    "a fraction of a product": (["data.train_size=1.5"], "must be a whole number or null"),
    "dropout that is no number": (["encoder.dropout=nan"], "dropout=nan must be a number"),
    "dropout above 1": (["encoder.dropout=3"], "dropout"),
    "a hidden layer of width 0": (["encoder=mlp", "encoder.hidden_sizes=[0]"], "layer of width 0"),
    "a negative width": (["encoder=mlp", "encoder.hidden_sizes=[-4]"], "negative dimension"),
    "channels of width 0": (["encoder.channels=[0,4,4]"], "layer of width 0"),
    "temperature 0": (["loss.temperature=0"], "loss.temperature=0 must be above 0"),
    "temperature below 0": (["loss.temperature=-1"], "loss.temperature=-1 must be above 0"),
    "scale 0": (["loss=arcface", "loss.scale=0"], "loss.scale=0 must be above 0"),
    "patience below 0": (["trainer.patience=-1"], "trainer.patience=-1"),
    "patience of a word": (["trainer.patience=long"], "trainer.patience=long"),
    "an embedding no memory holds": (["embedding_size=20000000"], "this machine has"),
    "a misspelt option": (["encoder.chanels=[8]"], "did you mean encoder.channels?"),
    "a misspelt group": (["encodr=cnn"], "did you mean encoder?"),
    "a misspelt seed": (["sede=3"], "did you mean seed?"),
    "an option of a leaf": (["seed.value=3"], "no seed"),
    "an override without value": (["encoder"], "encoder cannot be read as an override"),
    "a broken list": (["encoder.channels=[8,"], "channels"),
    "samplers of groups for pairs": (
        ["task=matching", "data=synthetic", "method=pairs", "encoder=bag", "sampler=source_aware"],
        "use sampler=uniform, m_per_class or hard_pair",
    ),
    "everything frozen": (
        [
            "encoder=pretrained_image",
            "encoder.weights=random",
            "encoder.learning_rate_multiplier=0",
            "encoder.embedding_size=null",
        ],
        "nothing to train",
    ),
    "a sampler that leaves no group": (["sampler=m_per_class", "sampler.m=1"], "at least 2"),
    "hands that do not fit": (["sampler=m_per_class", "sampler.m=7"], "multiple of sampler.m=7"),
    "pairs without pairs": (["sampler=hard_pair"], "sampler=hard_pair needs labelled pairs"),
    "texts without texts": (["encoder=bag"], "no title"),
    "a method of pairs without pairs": (["method=pairs"], "needs labelled pairs"),
    "a task of pairs without pairs": (["task=matching"], "needs labelled pairs"),
    "metrics of another task": (["metrics=matching", "primary=f1"], "metrics=retrieval"),
    "a metric that is better when smaller": (
        ["task=matching", "data=synthetic", "method=pairs", "encoder=bag", "primary=brier"],
        "better when smaller",
    ),
    "signals of products": (["matcher=signals"], "use task=matching"),
    "an unknown split to score": (["evaluate_on=train"], "evaluate_on=train"),
    "an empty epoch": (["trainer.max_epochs=-1"], "max_epochs=-1"),
    "a learning rate that is no number": (["method.learning_rate=nan"], "learning_rate=nan"),
    "warmup above 1": (["method.warmup=2"], "warmup=2"),
    "an unknown pooling": (["encoder=text_rnn", "data=synthetic", "encoder.cell=x"], "gru or lstm"),
    "an unknown activation": (["encoder.activation=Foo"], "is not a class of torch.nn"),
    "an unknown logger": (["logger=mlflow"], "logger/mlflow"),
    "an unknown device": (["trainer.accelerator=tpux"], "trainer"),
    "a negative weight": (["method.weight_decay=-1"], "weight_decay=-1"),
    "a target that is none": (["encoder._target_=nowhere.N"], "nowhere.N cannot be imported"),
    "a target of no encoder": (["encoder._target_=builtins.print"], "builtins.print"),
    "a null loss": (["loss=null"], "loss=null: "),
    "a null similarity": (["similarity=null"], "similarity=null: "),
    "no metrics": (["~metrics"], "metrics"),
}
# Of the verbs that open a run; RUN stands for a finished one of encoder=mlp.
RUN_VERBS = {
    "another encoder": (["evaluate", "RUN", "encoder=mlp"], "cannot take another encoder"),
    "another method": (["evaluate", "RUN", "method=pairs"], "cannot take another method"),
    "an unknown similarity": (["evaluate", "RUN", "similarity=cosinus"], "similarity/cosinus"),
    "an unknown task": (["evaluate", "RUN", "task=guessing"], "task/guessing"),
    "a task without pairs": (["evaluate", "RUN", "task=matching"], "needs labelled pairs"),
    "an unknown protocol": (["evaluate", "RUN", "--protocol=all"], "leave_one_out"),
    "an unknown key": (["evaluate", "RUN", "nothing=3"], "nothing"),
    "a similarity that does not fit": (["evaluate", "RUN", "similarity=jaccard"], "non-negative"),
    "an unknown split": (["evaluate", "RUN", "--split=tset"], "no split tset"),
    "no run": (["evaluate", "nowhere"], "no finished run"),
    "another width": (["evaluate", "RUN", "encoder.embedding_size=3"], "does not fit the encoder"),
    "a lost table": (["evaluate", "RUN", "data.path=/nowhere"], "/nowhere"),
    "all of evaluate": (["evaluate", "RUN", "--split=all"], "no split all"),
    "embed nowhere": (["embed", "RUN", "--split=tset"], "no split tset"),
    "embed to a folder": (["embed", "RUN", "--to", "FOLDER"], "FOLDER"),
    "both limits": (["matrix", "RUN", "--top-k=3", "--threshold=0.5"], "either"),
    "no neighbour": (["matrix", "RUN", "--top-k=0"], "top_k=0"),
    "a threshold of nothing": (["matrix", "RUN", "--threshold=nan"], "not a number"),
    "embed signals": (["embed", "PAIRS"], "has no embeddings"),
    "matrix of signals": (["matrix", "PAIRS"], "has no embeddings"),
    "retrieval by signals": (["evaluate", "PAIRS", "task=retrieval"], "has no embeddings"),
    "compare nothing": (["compare", "FOLDER"], "no finished run"),
    "compare by nothing": (["compare", "RUNS", "--primary=nothing"], "no metric nothing"),
    "no study": (["study", "nothing_of_this_name"], "no study"),
    "an unknown word of data": (["data", "descrive"], "describe, report, check"),
    "data of nothing": (["data", "check", "data=nothing"], "data/nothing"),
    "a config folder that is none": (["train", "--config-dir", "nowhere"], "is not a folder"),
}
# Texts of a study.yaml.
STUDIES = {
    "no question": ("methods: {a: [encoder=mlp]}", "question"),
    "no method": ("question: Which?", "methods"),
    "methods in a list": ("question: Which?\nmethods: [encoder=mlp]", "methods"),
    "an unknown key": ("question: Which?\nmehods: {}", "mehods"),
    "a baseline of no method": ("question: Q\nmethods: {a: [seed=1]}\nbaseline: b", "baseline b"),
    "the seed of a method": ("question: Q\nmethods: {a: [encoder=nothing]}", "encoder/nothing"),
    "one seed twice": ("question: Q\nseeds: [1, 1]\nmethods: {a: []}", "different"),
    "no seed": ("question: Q\nseeds: []\nmethods: {a: []}", "seeds is empty"),
    "a method twice": ("question: Q\nmethods: {a: [encoder=mlp], b: [encoder=mlp]}", "same run"),
    "tuned without trials": ("question: Q\nmethods: {a: []}\ntune: {space: {}}", "trials"),
    "tuned by nothing": (
        "question: Q\nmethods: {a: []}\ntune: {trials: 1, space: {seed: {lo: 1}}}",
        "choices, or low and high",
    ),
    "an ablation of nothing": ("question: Q\nablate: {base: []}", "ablate"),
    "no YAML": ("question: [", "YAML"),
    "a list": ("- 1\n- 2", "likewise: "),
    "an empty file": ("", "question"),
}


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence that a command ends with."""
    try:
        status = main(arguments)
    except SystemExit as error:
        status = int(error.code or 0)
    message = capsys.readouterr().err
    assert status != 0
    assert "Traceback" not in message
    lines = [line for line in message.splitlines() if not line.startswith(("usage:", "   "))]
    assert len(lines) == 1, message
    return lines[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of finished runs, by the words that stand for them above."""
    folder = tmp_path_factory.mktemp("finished")
    data = write_data(folder / "data")
    common = ["trainer.max_epochs=1", "logger=none", f"output={folder}"]
    small = [f"data.path={data}", "data.validation_size=40", "encoder=mlp", "embedding_size=8"]
    assert main(["train", *small, *common]) == 0
    pairs = ["task=matching", "data=synthetic", "matcher=signals", "matcher.n_estimators=5"]
    assert main(["train", *pairs, *common, "study=pairs"]) == 0
    (run,), (of_pairs,) = (list((folder / name).glob("*-seed0-*")) for name in ("train", "pairs"))
    empty = folder / "empty"
    empty.mkdir()
    places = {"RUN": run, "PAIRS": of_pairs, "FOLDER": empty, "RUNS": run.parent}
    assert not list(empty.iterdir())
    return {word: str(place) for word, place in places.items()}


@pytest.mark.parametrize("name", TRAIN)
def test_train(
    name: str, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides, expected = TRAIN[name]
    # Hydra takes the last of two overrides of one key, and other data have no such options.
    keys = {one.split("=")[0] for one in overrides}
    rest = [one for one in small if one.split("=")[0] not in keys]
    if "data=synthetic" in overrides:
        rest = [one for one in rest if not one.startswith("data.")]
    assert expected in said(["train", *rest, *overrides], capsys)
    assert not list(tmp_path.rglob("result.json"))
    assert not (tmp_path.parent / "x").exists()


@pytest.mark.parametrize("name", RUN_VERBS)
def test_verbs_of_runs(
    name: str, finished: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = RUN_VERBS[name]
    before = sorted(path for path in Path(finished["RUNS"]).rglob("*") if path.is_file())
    message = said([finished.get(word, word) for word in arguments], capsys)
    assert finished.get(expected, expected) in message
    assert sorted(path for path in Path(finished["RUNS"]).rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("name", STUDIES)
def test_studies(
    name: str, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = STUDIES[name]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.yaml").write_text(text)
    overrides = [one for one in small if not one.startswith("output")]
    command = ["study", str(tmp_path / "mine"), "--output", str(tmp_path / "runs"), *overrides]
    assert expected in said(command, capsys)
    assert not list(tmp_path.rglob("result.json"))


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("result.json", "{", "is not valid JSON"),
        ("config.yaml", "encoder: [", "YAML"),
        ("config.yaml", "encoder: {_target_: os.system}", "wants to build os.system"),
        ("weights.safetensors", "nothing", "does not fit"),
    ],
)
def test_damaged_runs(
    file: str,
    content: str,
    expected: str,
    finished: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished["RUN"], copy)
    (copy / file).write_text(content)
    assert expected in said(["evaluate", str(copy)], capsys)


def test_enough_is_tried() -> None:
    assert len(TRAIN) + len(RUN_VERBS) + len(STUDIES) > 90
