"""The budget of a hyper-parameter search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """The budget and the result of a method's hyper-parameter search.

    Attributes:
        method: the name of the method.
        trials, pruned, failed: numbers of all trials, of trials that were pruned early, and of
            trials that diverged.
        seconds: total duration of the trials.
        score: validation score of the best trial.
        overrides: overrides of the best trial.
    """

    method: str
    trials: int
    pruned: int
    failed: int
    seconds: float
    score: float
    overrides: list[str]
