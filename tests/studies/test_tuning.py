"""Every method's search gets the same, sees validation only, and survives being cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import small_run

from likewise.errors import LikewiseError
from likewise.evidence.results import read_finished
from likewise.experiment.experiment import Loader
from likewise.studies import tuning
from likewise.studies.study import Study, budgets, open_study, run_configs, run_study

TEXT = """
question: Which loss?
seeds: [0, 1]
overrides: [encoder=mlp, "encoder.hidden_sizes=[16]"]
methods:
  supcon: [loss=supcon]
  triplet: [loss=triplet]
tune:
  trials: 5
  space:
    method.learning_rate: {low: 1.0e-5, high: 1.0e-1, log: true}
  spaces:
    supcon:
      loss.temperature: {choices: [0.1, 0.5]}
"""


def place_of(asked: tuning.HyperparameterSearch) -> Path:
    """The folder of a search."""
    (place,) = asked.prefix().parent.glob(f"{asked.prefix().name}-*")
    return place


def study_in(folder: Path, pictures: Path) -> Study:
    """The study of ``TEXT`` with its runs in a folder."""
    (folder / "mine").mkdir()
    (folder / "mine" / "study.yaml").write_text(TEXT)
    return open_study(str(folder / "mine"), str(folder / "runs"), small_run(pictures))


@pytest.fixture
def study(pictures: Path, tmp_path: Path) -> Study:
    return study_in(tmp_path, pictures)


@pytest.fixture(scope="module")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose searches and runs are finished."""
    study = study_in(tmp_path_factory.mktemp("finished"), pictures)
    assert len(run_study(study)) == 4
    return study


def trials(study: Study, method: str) -> list[tuple[Any, ...]]:
    """Number, state, parameters and reported scores of every trial."""
    found = tuning._storage(place_of(study.search(method))).get_trials()
    return [(one.number, one.state, one.params, one.intermediate_values) for one in found]


def test_methods_get_equal_budgets_and_fresh_seeds(finished: Study) -> None:
    found = {one.method: one for one in budgets(finished)}
    assert [found[name].trials for name in ("supcon", "triplet")] == [5, 5]
    assert {one.split("=")[0] for one in found["supcon"].overrides} == {
        "loss.temperature",
        "method.learning_rate",
    }
    for config in run_configs(finished):
        assert config.seed in (0, 1)
        chosen = dict(one.split("=") for one in found[config.name].overrides)
        assert config.method.learning_rate == float(chosen["method.learning_rate"])
    searched = list(finished.folder.glob("tuning/*/*/result.json"))
    assert searched
    for path in searched:
        result = json.loads(path.read_text())
        assert result["seed"] == 1000
        assert not any(key.startswith("test/") for key in result["metrics"])
    assert len(read_finished(finished.folder)) == 4


def test_the_best_trial_is_the_one_with_the_best_validation_score(finished: Study) -> None:
    for one in budgets(finished):
        storage = tuning._storage(place_of(finished.search(one.method)))
        complete = [t for t in storage.get_trials() if t.state == optuna.trial.TrialState.COMPLETE]
        best = max(complete, key=lambda trial: trial.value or 0.0)
        assert one.score == best.value
        assert one.overrides == [f"{key}={value}" for key, value in sorted(best.params.items())]


def test_a_search_cut_off_makes_the_same_suggestions(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Study(study.name, study.config, tmp_path / "other", study.overrides)

    def whole(one: Study) -> None:
        tuning.search(one.search("supcon"), Loader())

    whole(study)
    train, calls = tuning.train, []

    def cut(*args: Any) -> Any:
        calls.append(1)
        # Once before a trial's training, once after it.
        if len(calls) == 3:
            raise KeyboardInterrupt
        folder = train(*args)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return folder

    with monkeypatch.context() as patched:
        patched.setattr(tuning, "train", cut)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                whole(other)
        whole(other)
    assert trials(study, "supcon") == trials(other, "supcon")


def test_a_trial_that_diverges_is_counted_and_not_chosen(study: Study) -> None:
    study.config.tune.spaces = {}
    study.config.tune.space = {"method.learning_rate": {"choices": [1e-3, 1e30]}}
    study.config.tune.trials = 4
    found = tuning.search(study.search("supcon"), Loader())
    assert found.trials == 4
    assert found.failed > 0
    assert found.overrides == ["method.learning_rate=0.001"]
    study.config.tune.space = {"method.learning_rate": {"choices": [1e30]}}
    with pytest.raises(LikewiseError, match=r"no trial of triplet was completed.*learning_rate"):
        tuning.search(study.search("triplet"), Loader())


@pytest.mark.parametrize("values", [3, {"low": 1}, {"low": 2.0, "high": 1.0}, {"choices": []}])
def test_a_wrong_space_is_one_sentence(study: Study, values: Any) -> None:
    study.config.tune.space = {"batch_size": values}
    with pytest.raises(LikewiseError, match="tune: batch_size must have choices"):
        tuning.distributions(study.config.tune, "triplet")


def test_a_range_of_whole_numbers_gives_whole_numbers(study: Study) -> None:
    study.config.tune.space = {"batch_size": {"low": 20, "high": 40}}
    space = tuning.distributions(study.config.tune, "triplet")
    assert isinstance(space["batch_size"], optuna.distributions.IntDistribution)


def test_trials_of_other_settings_are_not_taken_up(study: Study) -> None:
    place = study.search("triplet").prefix()
    longer = replace(study, overrides=[*study.overrides, "trainer.max_epochs=3"])
    assert longer.search("triplet").prefix() != place
    more = replace(study, config=study.config.copy())
    more.config.tune.trials = 9
    assert more.search("triplet").prefix() == place
    more.config.tune.space = {"method.learning_rate": {"choices": [1e-3]}}
    assert more.search("triplet").prefix() != place


def test_the_search_maximises_the_study_s_own_metric(study: Study) -> None:
    study.config.primary = "recall_at_1"
    study.config.tune.trials = 1
    tuning.search(study.search("triplet"), Loader())
    (result,) = study.folder.glob("tuning/triplet-*/*/result.json")
    assert "validation/recall_at_1" in json.loads(result.read_text())["metrics"]
    assert "primary: recall_at_1" in (result.parent / "config.yaml").read_text()
