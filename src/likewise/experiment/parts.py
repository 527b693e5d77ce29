"""The parts of a run from its config, checked against each other."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig
from torch import nn

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.experiment.compatibility import (
    check_augmentation,
    check_encoder_use,
    check_kind,
    check_loss,
    check_loss_kind,
    check_parameters,
    check_similarity,
    check_task,
    check_training,
)
from likewise.experiment.targets import class_of, config_name, is_part, main_part, make, short_name
from likewise.explanations.base import Explanation
from likewise.index.base import Index
from likewise.index.exact import ExactIndex
from likewise.matchers.base import Matcher
from likewise.matchers.similarity import SimilarityMatcher
from likewise.methods.base import Method
from likewise.policies.base import Policy
from likewise.recommenders.base import Recommender
from likewise.scorer import Scorer
from likewise.similarity.base import Similarity
from likewise.tasks.base import Task
from likewise.thresholds.base import Threshold

# What the groups of the config that make a scorer make.
KINDS: dict[str, type[Scorer]] = {
    "matcher": Matcher,
    "recommender": Recommender,
    "policy": Policy,
}


def make_similarity(config: DictConfig) -> Similarity:
    """The similarity that training, validation and test share."""
    return make(config.similarity)


def make_index(config: DictConfig) -> Index:
    """The empty index by which products are found; runs of earlier versions have an exact one."""
    if not is_part(config.get("index")):
        return ExactIndex()
    index: Index = make(config.index)
    check_kind("index", index, Index)
    return index


def make_scorer(config: DictConfig) -> Scorer:
    """What scores, with the encoder and the similarity of the run, which fit each other."""
    check_encoder_use(config)
    similarity = make_similarity(config)
    encoder: Any = make(config.encoder) if is_part(config.get("encoder")) else None
    scorer: Scorer
    if encoder is not None:
        check_kind("encoder", encoder, Encoder)
    key = main_part(config)
    if key in KINDS:
        uses = getattr(class_of(config[key]), "encoder_use", "none") != "none"
        scorer = make(
            config[key], **({"encoder": encoder, "similarity": similarity} if uses else {})
        )
        check_kind(key, scorer, KINDS[key])
    else:
        scorer = SimilarityMatcher(encoder, similarity)
    check_similarity(config, scorer, similarity)
    return scorer


def make_task(config: DictConfig) -> Task:
    """The task with fresh metrics."""
    metrics = {name: make(metric) for name, metric in config.metrics.items()}
    if config.primary not in metrics:
        raise LikewiseError(
            f"primary={config.primary} is not a metric of this run; it has {', '.join(metrics)}"
        )
    if not metrics[config.primary].higher_is_better:
        raise LikewiseError(
            f"primary={config.primary} is better when smaller; choose one of "
            f"{', '.join(name for name, metric in metrics.items() if metric.higher_is_better)}"
        )
    task = class_of(config.task)
    kind = getattr(task, "metric_kind", object)
    strange = [name for name, metric in metrics.items() if not isinstance(metric, kind)]
    if strange:
        raise LikewiseError(
            f"task={config_name(task)} is not scored by {strange[0]}; use "
            f"metrics={config_name(task)} or another task"
        )
    more: dict[str, Any] = {}
    # Runs of earlier versions do not have these groups.
    if is_part(config.get("threshold")):
        if not getattr(task, "uses_threshold", False):
            raise LikewiseError(
                f"task={config_name(task)} has no use for a threshold; leave threshold=none, or "
                "use task=matching"
            )
        more["threshold"] = make(config.threshold)
        check_kind("threshold", more["threshold"], Threshold)
    if is_part(config.get("explanation")):
        if getattr(task, "uses_explanation", False):
            more["explanation"] = make_explanation(config)
        elif not getattr(task, "gives_examples", False):
            raise LikewiseError(
                f"task={config_name(task)} has no use for an explanation; leave explanation=none, "
                "or use task=retrieval, matching or faithfulness"
            )
    return make(config.task, metrics=metrics, similarity=make_similarity(config), **more)


def make_explanation(config: DictConfig) -> Explanation:
    """The explanation that a config has chosen."""
    explanation = make(config.explanation)
    check_kind("explanation", explanation, Explanation)
    return explanation


def make_method(config: DictConfig) -> Method:
    """Matcher, loss and method, checked against each other before anything is trained."""
    similarity = make_similarity(config)
    scorer = make_scorer(config)
    check_training(config, scorer)
    check_task(config, scorer)
    loss: nn.Module = nn.Identity()
    miner, more = None, {}
    if getattr(class_of(config.method), "trains", True):
        check_loss(config, similarity)
        loss = _with_distance(config.loss, similarity)
        check_loss_kind(config, loss)
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
        scorer=scorer,
        loss=loss,
        miner=miner,
        similarity=similarity,
        task=make_task(config),
        augmentation={name: make(part) for name, part in config.augmentation.items() if part},
    )
    check_parameters(config, method)
    check_augmentation(method)
    return method


def _with_distance(config: DictConfig, similarity: Similarity) -> nn.Module:
    """Make a loss or a miner, and the losses in it, with the distance of the similarity."""
    inner = {
        str(key): _with_distance(part, similarity)
        if is_part(part)
        else {name: _with_distance(one, similarity) for name, one in part.items()}
        for key, part in config.items()
        if isinstance(part, DictConfig) and (is_part(part) or all(map(is_part, part.values())))
    }
    if config.get("distance") != "from_similarity":
        return make(config, **inner)
    try:
        return make(config, **inner, distance=similarity.distance())
    except LikewiseError as error:
        # Losses that are defined for one measure only assert its type.
        if isinstance(getattr(error.__cause__, "__cause__", None), AssertionError):
            raise LikewiseError(
                f"loss {short_name(config)} does not work with similarity={similarity.name}; "
                "it fits similarity=cosine, and losses such as supcon, triplet or "
                f"multi_similarity fit similarity={similarity.name}"
            ) from error
        raise
