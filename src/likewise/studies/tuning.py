"""Hyper-parameters for every method of a study, with the same number of trials each.

A trial trains with a seed of its own and is scored on validation products only. Trials live in an
Optuna storage on disk: a search that was cut off goes on where it was, and as the sampler of each
trial is seeded by the trial's number it makes the same suggestions as one that was not.
"""

from __future__ import annotations

import glob
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState
from pytorch_lightning.callbacks import Callback

from likewise.errors import Diverged, LikewiseError
from likewise.evidence.budget import Budget
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.identity import config_identity
from likewise.runs.folder import claimed, read_result
from likewise.runs.stages import chosen_by
from likewise.runs.train import train

if TYPE_CHECKING:
    from collections.abc import Sequence

# The number of random trials before the sampler and the pruner use earlier results.
STARTUP = 4


class Report(Callback):
    """Reports the validation score of each epoch to Optuna, and stops pruned trials."""

    def __init__(self, trial: Trial, key: str) -> None:
        self.trial, self.key = trial, key

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the score and stop the trial if Optuna prunes it."""
        score = trainer.callback_metrics.get(self.key)
        if score is not None:
            self.trial.report(float(score), trainer.current_epoch)
            if self.trial.should_prune():
                raise optuna.TrialPruned


@dataclass(frozen=True)
class HyperparameterSearch:
    """The hyper-parameter search of a method.

    Attributes:
        method: the name of the method.
        fixed: overrides of all its runs.
        primary: the validation metric to maximise.
        tune: the study's ``tune``: ``trials``, ``seed``, ``space`` and ``spaces``.
        folder: the folder of the study.
        config_dir: a folder with the user's config groups.
    """

    method: str
    fixed: Sequence[str]
    primary: str
    tune: DictConfig
    folder: Path
    config_dir: str | None = None

    def config(self, overrides: Sequence[str] = ()) -> DictConfig:
        """Return the config of a trial."""
        own = [f"seed={self.tune.seed}", "evaluate_on=validation", "logger=none"]
        config = compose([*self.fixed, *overrides, *own], self.config_dir)
        config.primary = self.primary
        return config

    def prefix(self) -> Path:
        """Return the folder of the search; other settings or spaces have other folders."""
        identity = config_identity(self.config())
        space = {key: repr(part) for key, part in distributions(self.tune, self.method).items()}
        text = json.dumps([identity, space], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return self.folder / "tuning" / f"{self.method}-{digest}"


def search(asked: HyperparameterSearch, loader: Loader) -> Budget:
    """Run the missing trials of a method; return what the search found.

    Raises:
        RunBusy: if another process runs this search.
        LikewiseError: if no trial was completed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    method, tune = asked.method, asked.tune
    # Trials on other data are not used either.
    prefix, fingerprint = asked.prefix(), loader.data(asked.config()).fingerprint
    place = prefix.with_name(f"{prefix.name}-{fingerprint[:6]}")
    space = distributions(tune, method)
    with claimed(place):
        study = _storage(place)
        failure: LikewiseError | None = None
        while True:
            trials = study.get_trials(deepcopy=False)
            cut_off = [trial for trial in trials if trial.state == TrialState.RUNNING]
            if cut_off:
                trial = Trial(study, cut_off[0]._trial_id)
            elif len(trials) < tune.trials:
                study.sampler = optuna.samplers.TPESampler(
                    seed=tune.seed + len(trials), n_startup_trials=STARTUP
                )
                trial = study.ask(space)
            else:
                break
            failure = _run(study, trial, asked, place, loader) or failure
        # From now on, the search on these data is the current one.
        (place / "trials.log").touch()
        return budget(asked) or _raise(method, failure)


def budget(asked: HyperparameterSearch) -> Budget | None:
    """Return the budget of the latest search; ``None`` if no trial was completed."""
    prefix = asked.prefix()
    logs = list(prefix.parent.glob(f"{glob.escape(prefix.name)}-*/trials.log"))
    if not logs:
        return None
    study = _storage(max(logs, key=lambda path: path.stat().st_mtime_ns).parent)
    trials = study.get_trials(deepcopy=False)
    states = [trial.state for trial in trials]
    if TrialState.COMPLETE not in states:
        return None
    return Budget(
        asked.method,
        len(trials),
        states.count(TrialState.PRUNED),
        states.count(TrialState.FAIL),
        sum(trial.user_attrs.get("seconds", 0.0) for trial in trials),
        study.best_value,
        _overrides(study.best_params),
    )


def distributions(tune: DictConfig, method: str) -> dict[str, BaseDistribution]:
    """Return the search space of a method: the common space and its own.

    A key's values are ``{choices: […]}`` or ``{low: …, high: …, log: true}``; two whole numbers
    make a range of whole numbers.
    """
    content: Any = OmegaConf.to_container(tune, resolve=True)
    space = {**content["space"], **content["spaces"].get(method, {})}
    return {key: _distribution(key, values) for key, values in space.items()}


def _distribution(key: str, values: Any) -> BaseDistribution:
    try:
        if "choices" in values:
            return CategoricalDistribution(values["choices"])
        whole = isinstance(values["low"], int) and isinstance(values["high"], int)
        kind = IntDistribution if whole else FloatDistribution
        return kind(values["low"], values["high"], log=values.get("log", False))
    except (KeyError, TypeError, ValueError) as error:
        raise LikewiseError(
            f"tune: {key} must have choices, or low and high (and log: true), not {values}"
        ) from error


def _storage(place: Path) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(place / "trials.log")))
    return optuna.create_study(
        study_name="trials",
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
    )


def _overrides(params: dict[str, Any]) -> list[str]:
    return [f"{key}={value}" for key, value in sorted(params.items())]


def _run(
    study: optuna.Study, trial: Trial, asked: HyperparameterSearch, place: Path, loader: Loader
) -> LikewiseError | None:
    """Run one trial and record it; return the error if it diverged."""
    config = asked.config(_overrides(trial.params))
    config.name, config.study, config.output = f"trial{trial.number}", place.name, str(place.parent)
    key = f"validation/{chosen_by(config)}"
    started = time.perf_counter()
    state, score, failure = TrialState.FAIL, None, None
    try:
        score = read_result(train(config, (Report(trial, key),), loader))["metrics"][key]
        state = TrialState.COMPLETE
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except Diverged as error:
        failure = error
    trial.set_user_attr("seconds", time.perf_counter() - started)
    study.tell(trial, score, state)
    return failure


def _raise(method: str, failure: LikewiseError | None) -> Budget:
    why = f": {failure}" if failure else ""
    raise LikewiseError(f"no trial of {method} was completed{why}")
