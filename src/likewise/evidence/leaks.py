"""Counts of the leaks between the splits of a study's data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

PAIRS = "pairs"


@dataclass(frozen=True)
class LeakCount:
    """The number of products of a later split that are also in an earlier one.

    Attributes:
        earlier, later: the names of the splits.
        exact, near: number of products of ``later`` with such a duplicate in ``earlier``.
        products: number of all products of ``later``.
        shared_groups: number of groups with products in both splits.
    """

    earlier: str
    later: str
    exact: int
    near: int
    products: int
    shared_groups: int


@dataclass(frozen=True)
class LeakReport:
    """The leaks that were counted; ``checked`` is empty if nothing could be compared.

    Attributes:
        sentences: what a kind of relevance itself says of its splits, such as the users of events;
            products are then not compared.
    """

    fingerprint: str
    checked: list[str]
    counts: list[LeakCount]
    sentences: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Describe the leaks in words."""
        if self.sentences:
            return " ".join(self.sentences)
        if not self.checked:
            return "The catalogue has neither pictures nor texts, so leaks were not looked for."
        if self.checked == [PAIRS]:
            return " ".join(_of_pairs_in_words(found) for found in self.counts)
        parts = [
            f"{found.near + found.exact} of {found.products} {found.later} products have a "
            f"duplicate in {found.earlier} ({found.exact} exact, {found.near} near)"
            for found in self.counts
            if found.near or found.exact
        ]
        where = " and ".join(self.checked)
        if not parts:
            return f"No product is in two splits, exactly or nearly (compared by {where})."
        return f"{'; '.join(parts)} (compared by {where}). remove_leaks=true leaves them out."


def _of_pairs_in_words(found: LeakCount) -> str:
    if not found.exact:
        return f"None of {found.products} {found.later} pairs is also in {found.earlier}."
    return (
        f"{found.exact} of {found.products} {found.later} pairs are also in {found.earlier}; the "
        "scores named “without leaks” leave them out."
    )


def read_leaks(folder: Path) -> LeakReport | None:
    """Read the report that ``report_leaks`` wrote into the folder."""
    path = folder / "leaks.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    counts = [LeakCount(**row) for row in content.pop("counts")]
    return LeakReport(**content, counts=counts)
