"""From a composed config to the parts of a run, and whether the parts fit each other."""

from __future__ import annotations

import hashlib
import inspect
import math
from dataclasses import replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError
from torch import nn
from torch.nn.parameter import UninitializedParameter

from likewise.data.catalogue import ProductData, fingerprint
from likewise.data.modalities.base import Reader
from likewise.data.pair_leaks import with_unleaked_test
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.losses.base import PairLoss
from likewise.methods.base import Method
from likewise.similarity.base import Similarity
from likewise.tasks.base import Task

# What a saved run's config may build; a shared run folder must not be able to call anything else.
ALLOWED = (
    "likewise.",
    "pytorch_metric_learning.losses.",
    "pytorch_metric_learning.miners.",
    "torch.nn.",
    "torchvision.models.",
    "torchvision.transforms.v2.",
    "torchmetrics.",
)

# Packages whose functions build models.
FUNCTIONS = ("torchvision.models.",)

# Methods that train one kind of encoder only.
ONLY = {"contrastive": "contrastive", "adversarial": "gan_augmented", "signals": "signals"}

BATCH_SIZE = 256

_loaded: dict[str, ProductData] = {}


def make(config: Any, **extra: Any) -> Any:
    """Instantiate one part; a bad argument becomes one sentence that names the part."""
    try:
        _check_numbers(config)
        return hydra.utils.instantiate(config, **extra)
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, LikewiseError):
            raise cause from None
        if isinstance(cause, MemoryError) or "allocate memory" in str(cause):
            raise LikewiseError(
                f"{config._target_} does not fit into this machine's memory; make it smaller, for "
                "example by a lower embedding_size"
            ) from error
        text = " ".join(str(cause).split())
        raise LikewiseError(f"{config._target_} cannot be made: {text}") from error


def get_target(name: str) -> Any:
    """The class or function that a ``_target_`` names.

    Raises:
        LikewiseError: there is none.
    """
    try:
        return hydra.utils.get_object(name)
    except Exception as error:
        # What importing a module of the user's raises can be anything.
        reason = " ".join(str(error.__cause__ or error).split())
        raise LikewiseError(f"{name} cannot be imported ({reason[:200]})") from error


def _check_numbers(config: Any) -> None:
    """Refuse what is no number where a part's signature asks for one, and NaN everywhere."""
    target = inspect.unwrap(get_target(config._target_))
    try:
        kinds = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError):
        # Annotations that only a type checker can read say nothing here.
        return
    for key, value in config.items():
        if isinstance(value, float) and math.isnan(value):
            raise LikewiseError(f"{_short(config)}: {key}={value} must be a number")
        wanted = kinds.get(key)
        members = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
        if not set(members) <= {int, float, type(None)}:
            continue
        # ``float`` takes whole numbers, too; a truth value is none of either.
        kind = (*members, int)
        if not isinstance(value, kind) or isinstance(value, bool):
            number = "a number" if float in members else "a whole number"
            more = " or null" if type(None) in members else ""
            raise LikewiseError(f"{_short(config)}: {key}={value} must be {number}{more}")


def load_data(config: DictConfig) -> ProductData:
    """The data of ``config.data``, read and cleaned once a process; without duplicates across
    splits and without leaks where that is asked for."""
    parts = ["data", "cleaning", "deduplication", "remove_leaks"]
    key = OmegaConf.to_yaml(OmegaConf.masked_copy(config, parts), resolve=True)
    if key not in _loaded:
        data = _clean(with_unleaked_test(make(config.data).load()), config)
        if config.get("deduplication"):
            from likewise.data.distinct import without_duplicates

            data = without_duplicates(data, make(config.deduplication))
        if config.remove_leaks:
            from likewise.data.leaks import find_leaks, remove_leaks

            data = remove_leaks(data, find_leaks(data))
        _loaded[key] = replace(data, fingerprint=fingerprint(data))
    return _loaded[key]


def _clean(data: ProductData, config: DictConfig) -> ProductData:
    from likewise.data.cleaning.catalogue import clean_catalogue

    steps = {name: make(step) for name, step in (config.get("cleaning") or {}).items()}
    catalogue, changes = clean_catalogue(data.catalogue, steps)
    if not changes:
        return data
    digest = hashlib.sha256(f"{data.fingerprint} {steps!r}".encode()).hexdigest()[:16]
    findings = [*data.findings, *(change.sentence() for change in changes)]
    return replace(data, catalogue=catalogue, fingerprint=digest, findings=findings)


def fill_in(config: DictConfig, data: ProductData, folder: Path | None = None) -> Readers:
    """Put the sizes that only the data knows where encoders and losses read them.

    Readers of modalities that the encoder does not read become null: what they are set to has no
    part in the run.

    Args:
        folder: of a finished run, whose readers are taken up; else they learn from the data.

    Returns:
        The readers of the encoder's modalities.
    """
    try:
        OmegaConf.to_container(config.encoder, resolve=True)
    except InterpolationKeyError as error:
        raise LikewiseError(
            f"encoder {_short(config.encoder)} needs another part of the config than is chosen "
            f"({error.msg}); encoder=pretrained_text goes with text=pretrained"
        ) from error
    if config.batch_size is None:
        config.batch_size = _batch_size(config, data)
    config.num_groups = int(data.groups.max(initial=-1)) + 1
    wanted = modalities(config.encoder)
    known = [key for key in config if _is_reader(config.get(key))]
    if missing := [modality for modality in wanted if modality not in known]:
        raise LikewiseError(
            f"encoder {_short(config.encoder)} reads {missing[0]}, for which the config has no "
            f"reader; it has {', '.join(map(str, known))}"
        )
    for key in set(known) - set(wanted):
        config[key] = None
        if key in config.augmentation:
            config.augmentation[key] = None
    readers = {modality: _reader(config[modality], data, folder) for modality in wanted}
    for reader in readers.values():
        for key, size in reader.sizes().items():
            config[key] = size
    return readers


def _batch_size(config: DictConfig, data: ProductData) -> int:
    """256, or about a quarter of what there is to train on, so that an epoch has a few steps."""
    if reads_pairs(config) and data.pairs is not None:
        there = len(data.pairs.splits["train"])
    else:
        there = int((data.groups[data.splits["train"]] >= 0).sum())
    if there >= 4 * BATCH_SIZE:
        return BATCH_SIZE
    # A multiple of 8 also holds whole hands of sampler=m_per_class.
    return max(2, min(there, max(16, there // 4 // 8 * 8)))


Readers = dict[str, Reader]
_readers: dict[str, Reader] = {}


def _is_reader(part: Any) -> bool:
    if not isinstance(part, DictConfig) or "_target_" not in part:
        return False
    target = get_target(part._target_)
    return inspect.isclass(target) and issubclass(target, Reader)


def _reader(config: DictConfig, data: ProductData, folder: Path | None) -> Reader:
    key = f"{data.fingerprint} {folder} {OmegaConf.to_yaml(config, resolve=True)}"
    if key not in _readers:
        reader = make(config)
        if folder is None:
            reader.fit(data.catalogue, data.splits["train"])
        else:
            reader.load(folder)
        _readers[key] = reader
    return _readers[key]


def modalities(config: Any) -> list[str]:
    """What the encoder of a config, or the encoders it is made of, read; each once."""
    inner = [name for key in config for name in _inner_modalities(config.get(key))]
    if not inner and "_target_" in config:
        inner = [getattr(get_target(config._target_), "modality", "image")]
    # An encoder may read the catalogue itself.
    return [modality for modality in dict.fromkeys(inner) if modality]


def _inner_modalities(part: Any) -> list[str]:
    if not isinstance(part, DictConfig):
        return []
    if "_target_" in part:
        target = get_target(part._target_)
        return modalities(part) if inspect.isclass(target) and issubclass(target, Encoder) else []
    return [name for key in part for name in _inner_modalities(part.get(key))]


def make_similarity(config: DictConfig) -> Similarity:
    """The similarity that training, validation and test share."""
    return make(config.similarity)


def make_task(config: DictConfig) -> Task:
    """The task with fresh metrics."""
    metrics = {name: make(metric) for name, metric in config.metrics.items()}
    if config.primary not in metrics:
        raise LikewiseError(
            f"primary={config.primary} is no metric of this run; it has {', '.join(metrics)}"
        )
    if not metrics[config.primary].higher_is_better:
        raise LikewiseError(
            f"primary={config.primary} is better when smaller; choose one of "
            f"{', '.join(name for name, metric in metrics.items() if metric.higher_is_better)}"
        )
    task = get_target(config.task._target_)
    kind = getattr(task, "metric_kind", object)
    strange = [name for name, metric in metrics.items() if not isinstance(metric, kind)]
    if strange:
        own = str(task.__module__).rpartition(".")[2]
        raise LikewiseError(
            f"task={own} is not scored by {strange[0]}; use metrics={own} or another task"
        )
    return make(config.task, metrics=metrics, similarity=make_similarity(config))


def make_method(config: DictConfig) -> Method:
    """Encoder, loss and method, checked against each other before anything is trained."""
    similarity = make_similarity(config)
    encoder = make(config.encoder)
    _check_encoder(config, encoder, similarity)
    _check_loss(config, similarity)
    loss = _with_distance(config.loss, similarity)
    _check_pairs(config, loss)
    miner = _with_distance(config.miner, similarity) if config.miner else None
    # Losses that a method has beside the main one, such as group_loss.
    more = {
        key: _with_distance(part, similarity)
        for key, part in config.method.items()
        if isinstance(part, DictConfig) and "_target_" in part
    }
    method = make(
        config.method,
        **more,
        encoder=encoder,
        loss=loss,
        miner=miner,
        similarity=similarity,
        task=make_task(config),
        augmentation={name: make(part) for name, part in config.augmentation.items() if part},
    )
    _check_parameters(config, method)
    return method


def _check_parameters(config: DictConfig, method: Method) -> None:
    """Refuse an encoder with a layer of width 0, and one of which nothing can be trained."""
    known = [p for p in method.encoder.parameters() if not isinstance(p, UninitializedParameter)]
    if any(not parameter.numel() for parameter in known):
        raise LikewiseError(
            f"encoder {_short(config.encoder)} has a layer of width 0; every width, such as those "
            "of encoder.hidden_sizes, must be at least 1"
        )
    parameters = [p for part in method.trained() for p in part.parameters()]
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        raise LikewiseError(
            f"every parameter of encoder {_short(config.encoder)} is frozen, so there is nothing "
            "to train; unfreeze some (encoder.frozen_layers=0 or encoder.rate=1), or set "
            "encoder.embedding_size to put a trained layer behind it"
        )


def reads_pairs(config: DictConfig) -> bool:
    """Whether the config's method trains on labelled pairs."""
    return bool(getattr(get_target(config.method._target_), "reads_pairs", False))


def _check_pairs(config: DictConfig, loss: nn.Module) -> None:
    method = str(config.method._target_).split(".")[-2]
    if reads_pairs(config) != isinstance(loss, PairLoss):
        fits = (
            "pair_bce or pair_cosine"
            if reads_pairs(config)
            else "supcon or triplet, or method=pairs"
        )
        raise LikewiseError(
            f"loss {_short(config.loss)} does not work with method={method}; use loss={fits}"
        )


def _with_distance(config: DictConfig, similarity: Similarity) -> nn.Module:
    if config.get("distance") != "from_similarity":
        return make(config)
    try:
        return make(config, distance=similarity.distance())
    except LikewiseError as error:
        # Losses that are defined for one measure only assert its type.
        if isinstance(getattr(error.__cause__, "__cause__", None), AssertionError):
            raise LikewiseError(
                f"loss {_short(config)} does not work with similarity={similarity.name}; "
                "it fits similarity=cosine, and losses such as supcon, triplet or "
                f"multi_similarity fit similarity={similarity.name}"
            ) from error
        raise


def _check_encoder(config: DictConfig, encoder: Any, similarity: Similarity) -> None:
    method = str(config.method._target_).split(".")[-2]
    trained_by = getattr(encoder, "trained_by", "metric_learning")
    wrapped = trained_by != "metric_learning"
    ours = str(config.method._target_).startswith("likewise.")
    if ours and (method != trained_by) and (wrapped or method in ONLY):
        fits = ONLY.get(method)
        advice = f"method={trained_by}" + (f", or choose encoder={fits}" if fits else "")
        raise LikewiseError(
            f"encoder {_short(config.encoder)} cannot be trained by method={method}; use {advice}"
        )
    if similarity.domain == "nonnegative" and not getattr(encoder, "nonnegative", False):
        key = "encoder.base.nonnegative" if "base" in config.encoder else "encoder.nonnegative"
        raise LikewiseError(
            f"similarity={similarity.name} needs non-negative embeddings, which encoder "
            f"{_short(config.encoder)} does not give; set {key}=true, or use similarity=cosine, "
            "dot or euclidean"
        )


# Options of losses that divide or multiply all similarities: at 0 or below these turn the loss off,
# or upside down.
POSITIVE = ("temperature", "scale", "alpha", "beta")


def _check_loss(config: DictConfig, similarity: Similarity) -> None:
    loss = config.loss
    for key in POSITIVE:
        value = loss.get(key)
        if isinstance(value, int | float) and not value > 0:
            raise LikewiseError(f"loss.{key}={value} must be above 0")
    has_margins = "pos_margin" in loss and "neg_margin" in loss
    if has_margins and (loss.pos_margin > loss.neg_margin) != similarity.larger_is_closer:
        better = "contrastive" if similarity.larger_is_closer else "contrastive_euclidean"
        raise LikewiseError(
            f"loss margins pos_margin={loss.pos_margin} and neg_margin={loss.neg_margin} are "
            f"the wrong way round for similarity={similarity.name}; use loss={better}"
        )
    if "num_classes" in loss and similarity.domain == "nonnegative":
        raise LikewiseError(
            f"loss {_short(loss)} learns proxies that need not be non-negative, as "
            f"similarity={similarity.name} asks; use loss=supcon, triplet or multi_similarity"
        )
    if "num_classes" in loss and str(config.method._target_).startswith(
        "likewise.methods.contrastive."
    ):
        raise LikewiseError(
            f"loss {_short(loss)} needs labels, which method=contrastive does not touch; use "
            "loss=ntxent, supcon, triplet or multi_similarity"
        )


def _short(config: DictConfig) -> str:
    return str(config._target_).rsplit(".", 1)[-1]


def check_targets(config: Any, allow: tuple[str, ...] = ()) -> None:
    """Refuse a saved config that would build anything outside the allowed packages."""
    if isinstance(config, dict):
        if "_target_" in config:
            _check_target(str(config["_target_"]), allow)
        for value in config.values():
            check_targets(value, allow)
    elif isinstance(config, list):
        for value in config:
            check_targets(value, allow)
    elif isinstance(config, str) and "${" in config:
        # Runs are saved with everything resolved; what is left could resolve to a target.
        raise LikewiseError(f"the saved config holds {config!r}, which runs do not leave there")


def _check_target(target: str, allow: tuple[str, ...]) -> None:
    allowed = ALLOWED + tuple(f"{name.rstrip('.')}." for name in allow)
    if target.startswith(allowed):
        found = get_target(target)
        # An attribute of an allowed module may come from elsewhere, and a function do anything.
        function = target.startswith(FUNCTIONS) and inspect.isfunction(found)
        own = f"{getattr(found, '__module__', '')}.".startswith(allowed)
        if own and (inspect.isclass(found) or function):
            return
    raise LikewiseError(
        f"the saved config wants to build {target}, which is not among the allowed "
        "packages; if you trust the run, add --allow with its package's name"
    )
