"""What the search for a method's hyper-parameters got."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What a method's search got and what it found.

    Attributes:
        method: its name.
        trials, pruned, failed: trials in all, those stopped early as hopeless, and those that
            diverged.
        seconds: they took.
        score: validation score of the best.
        overrides: of the best.
    """

    method: str
    trials: int
    pruned: int
    failed: int
    seconds: float
    score: float
    overrides: list[str]
