"""The leaks of a study's data, which are counted once and saved with its runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from likewise.data.catalogue import ProductData
from likewise.data.images import image_array
from likewise.data.leaks import Leaks, find_leaks
from likewise.data.pair_leaks import UNLEAKED
from likewise.data.relevance import Groups, Pairs
from likewise.evidence.leaks import PAIRS, LeakCount, LeakReport, read_leaks
from likewise.figures.base import png_bytes
from likewise.figures.products import picture_pairs
from likewise.runs.folder import write_json

MOST_DRAWN = 8


def report_leaks(data: ProductData, folder: Path) -> LeakReport:
    """Count leaks, or read the saved counts of the same data.

    Writes ``leaks.json`` and, where pictures leak, ``leaks.png`` to ``folder``.
    """
    known = read_leaks(folder)
    if known is not None and known.fingerprint == data.fingerprint:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    if UNLEAKED in data.main.splits:
        report = _of_pairs(data.get(Pairs), data.fingerprint)
        write_json(folder / "leaks.json", asdict(report))
        return report
    if said := data.main.leak_counts():
        sentences = [f"{name[0].upper()}{name[1:]}: {counts}." for name, counts in said]
        report = LeakReport(data.fingerprint, [], [], sentences)
        write_json(folder / "leaks.json", asdict(report))
        return report
    leaks = find_leaks(data)
    rows = np.arange(len(data.catalogue))
    shared = data.get(Groups).leaks(rows) if data.has(Groups) else {}
    counts = [
        LeakCount(
            *pair, kinds["exact"], kinds["near"], len(data.splits[pair[1]]), shared.get(pair, 0)
        )
        for pair, kinds in leaks.counts().items()
    ]
    report = LeakReport(data.fingerprint, list(leaks.checked), counts)
    (folder / "leaks.png").unlink(missing_ok=True)
    _draw(data, leaks, folder / "leaks.png")
    write_json(folder / "leaks.json", asdict(report))
    return report


def _of_pairs(pairs: Pairs, fingerprint: str) -> LeakReport:
    """Count leaked pairs, because splits of labelled pairs share products by design."""
    tested, clean = len(pairs.splits["test"]), len(pairs.splits[UNLEAKED])
    count = LeakCount("train or validation", "test", tested - clean, 0, tested, 0)
    return LeakReport(fingerprint, [PAIRS], [count])


def _draw(data: ProductData, leaks: Leaks, path: Path) -> None:
    pairs = [leak for leak in leaks.found if leak.modality == "image"]
    # One picture per product of the later split, the most similar pairs first.
    best = {leak.row: leak for leak in sorted(pairs, key=lambda leak: (leak.likeness, -leak.row))}
    chosen = sorted(best.values(), key=lambda leak: (-leak.likeness, leak.row))[:MOST_DRAWN]
    if chosen:
        rows = np.array([[leak.row, leak.counterpart] for leak in chosen])
        pictures = image_array(data.catalogue.select(rows.ravel()))
        titles = [(leak.later, f"{leak.earlier} {leak.likeness:.3f}") for leak in chosen]
        figure = picture_pairs(pictures.reshape(*rows.shape, *pictures.shape[1:]), titles)
        path.write_bytes(png_bytes(figure))
