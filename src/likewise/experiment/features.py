"""The readers of the modalities of a run, and the sizes that only the data know."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from likewise.data.catalogue import ProductData
from likewise.data.modalities.base import Reader
from likewise.data.relevance import Groups, Relevance
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.experiment.targets import chosen_name, class_of, get_target, is_part, main_part

BATCH_SIZE = 256
Readers = dict[str, Reader]


def reader_keys(config: DictConfig) -> list[str]:
    """Modalities that the config has a reader for."""
    return [str(key) for key in config if _is_reader(config.get(key))]


def fill_in(
    config: DictConfig, data: ProductData, fitted: Callable[[DictConfig, ProductData], Reader]
) -> Readers:
    """Put the sizes that only the data know where encoders and losses read them.

    Readers of modalities that nothing reads become null: what they are set to has no part in the
    run.

    Args:
        config: is changed.
        fitted: makes a reader and lets it learn from the data.

    Returns:
        The readers of the modalities of the run.
    """
    kind = learns_from(config)
    if config.batch_size is None:
        config.batch_size = _batch_size(training_units(kind, data))
    config.num_groups = data.get(kind).num_groups if data.has(kind) else 0
    config.num_products = len(data.catalogue)
    wanted = modalities(config)
    known = reader_keys(config)
    if missing := [modality for modality in wanted if modality not in known]:
        raise LikewiseError(
            f"{chosen_name(config)} reads {missing[0]}, for which the config has no reader; it has "
            f"{', '.join(known)}"
        )
    for key in set(known) - set(wanted):
        config[key] = None
        if key in config.augmentation:
            config.augmentation[key] = None
    readers = {modality: fitted(config[modality], data) for modality in wanted}
    for modality, reader in readers.items():
        OmegaConf.update(config, f"sizes.{modality}", reader.sizes(), force_add=True)
    return readers


def learns_from(config: DictConfig) -> type[Relevance]:
    """The kind of relevance that the config's method learns from."""
    return getattr(get_target(config.method._target_), "learns_from", Groups)


def training_units(kind: type[Relevance], data: ProductData) -> int:
    """How many units of a kind of relevance there are to train on; none where it is unknown."""
    return data.get(kind).count_units("train") if data.has(kind) else 0


def _batch_size(there: int) -> int:
    """256, or about a quarter of what there is to train on, so that an epoch has a few steps."""
    if there >= 4 * BATCH_SIZE:
        return BATCH_SIZE
    # A multiple of 8 also holds whole hands of sampler=m_per_class.
    return max(2, min(there, max(16, there // 4 // 8 * 8)))


def _is_reader(part: Any) -> bool:
    if not isinstance(part, DictConfig) or "_target_" not in part:
        return False
    target = get_target(part._target_)
    return inspect.isclass(target) and issubclass(target, Reader)


def modalities(config: DictConfig) -> list[str]:
    """What the encoder and the scorer of a config read; each once."""
    read = encoder_modalities(config.encoder) if is_part(config.get("encoder")) else []
    if (key := main_part(config)) != "encoder":
        read = [*read, *getattr(class_of(config[key]), "modalities", ())]
    return list(dict.fromkeys(read))


def encoder_modalities(config: DictConfig) -> list[str]:
    """What an encoder, or the encoders it is made of, read; each once."""
    inner = [name for key in config for name in _inner_modalities(config.get(key))]
    if not inner and "_target_" in config:
        part = class_of(config)
        own = config.get("modality") or getattr(part, "modality", "image")
        inner = list(getattr(part, "reads", ())) or [own]
    return list(dict.fromkeys(inner))


def _inner_modalities(part: Any) -> list[str]:
    if not isinstance(part, DictConfig):
        return []
    if "_target_" in part:
        target = get_target(part._target_)
        is_encoder = inspect.isclass(target) and issubclass(target, Encoder)
        return encoder_modalities(part) if is_encoder else []
    return [name for key in part for name in _inner_modalities(part.get(key))]
