"""The leaks of a study's data, counted once and kept beside its runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from likewise.data.catalogue import ProductData
from likewise.data.images import image_array
from likewise.data.leaks import Leaks, find_leaks, shared_groups
from likewise.data.pair_leaks import UNLEAKED
from likewise.data.relevance import Pairs
from likewise.studies import drawing
from likewise.studies.run import write_json

MOST_DRAWN = 8
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


def report_leaks(data: ProductData, folder: Path) -> LeakReport:
    """Look for leaks, or read what an earlier look at the same data found.

    Writes ``leaks.json`` and, where pictures leak, ``leaks.png`` to ``folder``.
    """
    known = read_leaks(folder)
    if known is not None and known.fingerprint == data.fingerprint:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    if data.pairs is not None and UNLEAKED in data.pairs.splits:
        report = _of_pairs(data.pairs, data.fingerprint)
        write_json(folder / "leaks.json", asdict(report))
        return report
    leaks = find_leaks(data)
    shared = shared_groups(data)
    counts = [
        LeakCount(*pair, kinds["exact"], kinds["near"], len(data.splits[pair[1]]), shared[pair])
        for pair, kinds in leaks.counts().items()
    ]
    report = LeakReport(data.fingerprint, list(leaks.checked), counts)
    (folder / "leaks.png").unlink(missing_ok=True)
    _draw(data, leaks, folder / "leaks.png")
    write_json(folder / "leaks.json", asdict(report))
    return report


def _of_pairs(pairs: Pairs, fingerprint: str) -> LeakReport:
    """Splits of labelled pairs share products by design; what leaks is a pair."""
    tested, clean = len(pairs.splits["test"]), len(pairs.splits[UNLEAKED])
    count = LeakCount("train or validation", "test", tested - clean, 0, tested, 0)
    return LeakReport(fingerprint, [PAIRS], [count])


def read_leaks(folder: Path) -> LeakReport | None:
    """What ``report_leaks`` left in the folder."""
    path = folder / "leaks.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    counts = [LeakCount(**row) for row in content.pop("counts")]
    return LeakReport(**content, counts=counts)


def _draw(data: ProductData, leaks: Leaks, path: Path) -> None:
    pairs = [leak for leak in leaks.found if leak.modality == "image"]
    # One picture a product of the later split, the most alike pairs first.
    best = {leak.row: leak for leak in sorted(pairs, key=lambda leak: (leak.likeness, -leak.row))}
    chosen = sorted(best.values(), key=lambda leak: (-leak.likeness, leak.row))[:MOST_DRAWN]
    if chosen:
        rows = np.array([[leak.row, leak.counterpart] for leak in chosen])
        pictures = image_array(data.catalogue.select(rows.ravel()))
        titles = [(leak.later, f"{leak.earlier} {leak.likeness:.3f}") for leak in chosen]
        figure = drawing.picture_pairs(pictures.reshape(*rows.shape, *pictures.shape[1:]), titles)
        path.write_bytes(drawing.png_bytes(figure))
