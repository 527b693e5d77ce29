"""Whether a measured composition can be used on given data, by what its parts declare."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig

from likewise.data.catalogue import ProductData
from likewise.encoders.base import Encoder
from likewise.experiment.features import modalities, reader_keys
from likewise.experiment.targets import class_of, get_target, is_part, main_part
from likewise.matchers.similarity import SimilarityMatcher
from likewise.recommenders.base import Recommender
from likewise.scorer import LearnsAtOnce, Scorer

# Share of the test units from which on their products count as new ones.
MOSTLY = 0.5


def scorer_class(config: DictConfig) -> type[Scorer]:
    """The class of what scores; a similarity of embeddings where only an encoder is chosen."""
    key = main_part(config)
    return SimilarityMatcher if key == "encoder" else class_of(config[key])


def is_untrained_encoder(config: DictConfig) -> bool:
    """Whether a config compares embeddings of an encoder that nothing is learned for."""
    return (
        main_part(config) == "encoder"
        and is_part(config.get("encoder"))
        and not getattr(class_of(config.method), "trains", True)
        and not issubclass(scorer_class(config), LearnsAtOnce)
    )


def obstacle(config: DictConfig, data: ProductData) -> str | None:
    """What a composition needs and the data do not have; ``None`` if it can be used."""
    scorer = scorer_class(config)
    wanted = getattr(class_of(config.task), "scorer_kind", Scorer)
    if not issubclass(scorer, wanted):
        return f"a task that is scored by what {scorer.gives}"
    for modality in modalities(config):
        if modality not in reader_keys(config):
            return f"a reader of {modality}"
        if not _columns(config[modality]) & {*data.catalogue.column_names}:
            return f"{modality} to read"
    for part in _classes(config.get(main_part(config))):
        if issubclass(part, Scorer) and (lacking := part.lacks(data)):
            return lacking
    new = data.main.unseen() > MOSTLY
    if issubclass(scorer, Recommender) and new and not scorer.knows_new_products:
        return "test products with events in training"
    method = class_of(config.method)
    if getattr(method, "trains", True) and not data.has(method.learns_from):
        return str(method.learns_from.kind)
    return None


def _columns(reader: DictConfig) -> set[str]:
    """The columns of a catalogue that a reader reads."""
    return {*(reader.get("columns") or class_of(reader).columns)}


def _classes(part: Any) -> Iterator[type]:
    """The classes of a part and of all parts in it, without encoders."""
    if not isinstance(part, DictConfig):
        return
    if is_part(part):
        target = get_target(str(part._target_))
        if inspect.isclass(target) and not issubclass(target, Encoder):
            yield target
    for key in part:
        yield from _classes(part.get(key))
