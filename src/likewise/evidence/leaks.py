"""What is known of the leaks between the splits of a study's data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PAIRS = "pairs"


@dataclass(frozen=True)
class LeakCount:
    """Products of a later split that an earlier one holds too.

    Attributes:
        earlier, later: splits.
        exact, near: products of ``later`` with such a duplicate in ``earlier``.
        products: of ``later`` in all.
        shared_groups: groups with products in both.
    """

    earlier: str
    later: str
    exact: int
    near: int
    products: int
    shared_groups: int


@dataclass(frozen=True)
class LeakReport:
    """What was compared, and what it found; ``checked`` is empty where nothing could be."""

    fingerprint: str
    checked: list[str]
    counts: list[LeakCount]

    def sentence(self) -> str:
        """In words."""
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
            return f"No product stands in two splits, exactly or nearly (compared by {where})."
        return f"{'; '.join(parts)} (compared by {where}). remove_leaks=true leaves them out."


def _of_pairs_in_words(found: LeakCount) -> str:
    if not found.exact:
        return f"None of {found.products} {found.later} pairs stands in {found.earlier} too."
    return (
        f"{found.exact} of {found.products} {found.later} pairs stand in {found.earlier} too; the "
        "scores without leaks leave them out."
    )


def read_leaks(folder: Path) -> LeakReport | None:
    """What ``report_leaks`` left in the folder."""
    path = folder / "leaks.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    counts = [LeakCount(**row) for row in content.pop("counts")]
    return LeakReport(**content, counts=counts)
