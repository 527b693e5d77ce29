"""The data of a config: read, cleaned and without leaks where that is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from omegaconf import DictConfig

from likewise.data.catalogue import ProductData, fingerprint, make_catalogue
from likewise.data.cleaning.steps import Step
from likewise.data.pair_leaks import with_unleaked_test
from likewise.data.relevance import Judgements
from likewise.experiment.targets import make


def load_data(config: DictConfig) -> ProductData:
    """Read and clean ``config.data``; without duplicates across splits and without leaks where that
    is asked for."""
    data = _clean(with_unleaked_test(make(config.data).load()), config)
    if config.get("deduplication"):
        from likewise.data.distinct import without_duplicates

        data = without_duplicates(data, make(config.deduplication))
    if config.remove_leaks:
        from likewise.data.leaks import find_leaks, remove_leaks

        data = remove_leaks(data, find_leaks(data))
    return replace(data, fingerprint=fingerprint(data))


def _clean(data: ProductData, config: DictConfig) -> ProductData:
    from likewise.data.cleaning.catalogue import clean_catalogue

    steps = {name: make(step) for name, step in (config.get("cleaning") or {}).items()}
    data = _clean_queries(data, steps)
    catalogue, changes = clean_catalogue(data.catalogue, steps)
    if not changes:
        return data
    digest = hashlib.sha256(f"{data.fingerprint} {steps!r}".encode()).hexdigest()[:16]
    findings = [*data.findings, *(change.sentence() for change in changes)]
    return replace(data, catalogue=catalogue, fingerprint=digest, findings=findings)


def _clean_queries(data: ProductData, steps: Mapping[str, Step]) -> ProductData:
    """The texts of queries pass the steps of a title, as those given to ``Model.search`` do."""
    from likewise.data.cleaning.catalogue import clean_catalogue

    if not data.has(Judgements):
        return data
    judgements = data.get(Judgements)
    texts = judgements.queries
    titles = make_catalogue({"product_id": list(map(str, range(len(texts)))), "title": texts})
    cleaned = [text or "" for text in clean_catalogue(titles, steps)[0]["title"][:]]
    return replace(data, relevance=data.replacing(replace(judgements, queries=cleaned)))
