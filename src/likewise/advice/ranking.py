"""Which of the methods measured on one data set comes first within a budget of time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from likewise.advice.evidence import Measured
from likewise.errors import LikewiseError

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
# A method takes the place of the best one if no study finds it significantly worse than its best,
# and if it takes at most this share of the time and has at least this share of the score: that a
# test finds nothing does not show that two methods are equal.
CHEAPER, NEAR = 0.5, 0.98


@dataclass(frozen=True)
class TimedMethod:
    """A measured method, and the seconds that it would train on other data."""

    measured: Measured
    seconds: float

    @property
    def time(self) -> str:
        """The seconds in the unit that suits them, for sentences."""
        if self.seconds < 60:
            return f"{self.seconds:.0f} s"
        far = self.seconds >= 7200
        return f"{self.seconds / 3600:.1f} h" if far else f"{self.seconds / 60:.1f} min"


def parse_time(text: str) -> float:
    """Return the seconds of a budget such as ``10min``, ``2h`` or ``90s``.

    Raises:
        LikewiseError: it is not such a time, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise LikewiseError(
            f"--budget {text} must be a time above 0 with its unit, such as 90s, 10min or 2h"
        )
    return float(found[1]) * SECONDS[found[2]]


def by_score(rows: Iterable[Measured], scale: float, budget: float | None) -> list[TimedMethod]:
    """Order methods by their score, those within the budget only.

    Where none is within the budget, all of them follow in the order of their time.

    Args:
        scale: the factor of the training time on the new data.
        budget: seconds; ``None`` for any time.
    """
    timed = [TimedMethod(row, row.seconds * scale) for row in rows]
    within = [one for one in timed if budget is None or one.seconds <= budget]
    if not within:
        return sorted(timed, key=lambda one: one.seconds)
    return sorted(within, key=lambda one: -one.measured.score)


def leading(
    ordered: Iterator[TimedMethod], worse: Collection[tuple[str, ...]] = ()
) -> list[TimedMethod]:
    """Return the method to start from and the second choice, as far as there are any.

    The first is the best one, or the quickest of those that replace it (see ``CHEAPER``). The
    second is the best of the others.

    Args:
        ordered: as ``by_score`` orders them; no more of them are drawn than are needed.
        worse: the overrides of methods that a study, on whatever data, finds to be worse than its
            best.
    """
    best = next(ordered, None)
    if best is None:
        return []
    others: list[TimedMethod] = []
    for one in ordered:
        others.append(one)
        if one.measured.score < NEAR * best.measured.score:
            break
    cheaper = [
        one for one in others if _replaces(one, best) and one.measured.overrides not in worse
    ]
    first = min(cheaper, key=lambda one: one.seconds, default=best)
    return [first, *[one for one in [best, *others] if one is not first][:1]]


def _replaces(one: TimedMethod, best: TimedMethod) -> bool:
    """Whether a method is as good as the best one by the paired test of their study, and cheap."""
    known = best.measured.is_separated_from(one.measured) is False
    near = one.measured.score >= NEAR * best.measured.score
    return known and near and one.seconds <= CHEAPER * best.seconds
