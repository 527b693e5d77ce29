"""Splits that keep sets of duplicate products together."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.deduplication import Deduplication
from likewise.data.images import has_pixels, image_array


def without_duplicates(data: ProductData, deduplication: Deduplication) -> ProductData:
    """Return the data with every set of duplicates in a single split.

    A set stays in the latest of its splits, so that the published test split is not changed. With
    ``keep="first"``, only the first product of a set is kept. The catalogue keeps its rows. The
    fingerprint changes if a product was removed. Labelled pairs are not changed, because their
    matches are duplicates by design.
    """
    if data.main.shares_products:
        return data
    images = image_array(data.catalogue) if has_pixels(data.catalogue) else None
    found = deduplication.find(data.catalogue, images)
    splits, later = dict(data.splits), np.array([], np.int64)
    for name in reversed(SPLITS):
        rows = data.splits[name]
        sets = found.groups[rows]
        keep = ~np.isin(sets, later)
        if deduplication.keep == "first":
            first = np.zeros(len(rows), bool)
            first[np.unique(sets, return_index=True)[1]] = True
            keep &= first
        splits[name], later = rows[keep], np.union1d(later, sets)
    if all(len(splits[name]) == len(data.splits[name]) for name in SPLITS):
        return data
    digest = hashlib.sha256(data.fingerprint.encode())
    for name in SPLITS:
        digest.update(f"{name}:{splits[name].tolist()}".encode())
    return replace(
        data,
        splits=splits,
        relevance=tuple(known.without(splits) for known in data.relevance),
        fingerprint=digest.hexdigest()[:16],
        findings=[*data.findings, *(line.rstrip(".") for line in found.report(data.catalogue))],
    )
