"""Whether parts fit each other, by what they declare of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from omegaconf import DictConfig
from torch import nn
from torch.nn.parameter import UninitializedParameter

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.experiment.targets import (
    chosen_name,
    class_of,
    config_name,
    is_part,
    main_part,
    short_name,
)
from likewise.losses.base import PairLoss
from likewise.losses.in_batch_softmax import InBatchSoftmax
from likewise.losses.next_product import NextProductLoss
from likewise.losses.off_policy import OffPolicyLoss
from likewise.losses.reinforce import Reinforce
from likewise.methods.base import Method
from likewise.scorer import Scorer
from likewise.similarity.base import Similarity

# Options of losses that divide or multiply all similarities: at 0 or below these turn the loss off,
# or upside down.
POSITIVE = ("temperature", "scale", "alpha", "beta")


# Kinds of losses that are not between groups, and examples of each.
ADVICE: dict[type[nn.Module], str] = {
    PairLoss: "pair_bce or pair_cosine",
    InBatchSoftmax: "in_batch_softmax",
    NextProductLoss: "next_softmax, next_sampled_softmax or next_bce",
    OffPolicyLoss: "off_policy_ips, off_policy_snips or off_policy_dr",
    Reinforce: "reinforce",
}


def check_encoder_use(config: DictConfig) -> None:
    """Refuse a scorer without the encoder it needs, or with one that it has no use for."""
    there = is_part(config.get("encoder"))
    key = main_part(config)
    if key == "encoder":
        if not there:
            raise LikewiseError(
                "with encoder=none there is nothing that compares products; choose an encoder, or "
                "a matcher that needs none, such as matcher=signals"
            )
        return
    use = getattr(class_of(config[key]), "encoder_use", "none")
    if use == "required" and not there:
        raise LikewiseError(
            f"{key} {short_name(config[key])} needs an encoder; choose one, such as "
            "encoder=text_rnn"
        )
    if use == "none" and there:
        raise LikewiseError(
            f"{key} {short_name(config[key])} has no use for encoder "
            f"{short_name(config.encoder)}; add encoder=none"
        )


def check_kind(key: str, part: object, kind: type) -> None:
    """Refuse a part that is not of the base class of its group."""
    if not isinstance(part, kind):
        raise LikewiseError(
            f"{key}._target_ makes {type(part).__name__}, which is not a subclass of "
            f"{kind.__module__}.{kind.__name__}"
        )


def check_task(config: DictConfig, scorer: Scorer) -> None:
    """Refuse a scorer that the task cannot score."""
    task = class_of(config.task)
    wanted = getattr(task, "scorer_kind", Scorer)
    if not isinstance(scorer, wanted):
        raise LikewiseError(
            f"{chosen_name(config)} {scorer.gives}, and task={config_name(task)} needs what "
            f"{wanted.gives}; use another task, or {wanted.advice}"
        )


def check_training(config: DictConfig, scorer: Scorer) -> None:
    """Refuse an encoder or a matcher that the method cannot train."""
    method = class_of(config.method)
    # A method of one's own that says nothing else trains any encoder.
    fits = isinstance(scorer.encoder, getattr(method, "trains_encoder", object)) or (
        scorer.encoder is None
    )
    fits = fits and isinstance(scorer, getattr(method, "trains_scorer", object))
    wanted = scorer.trained_by
    if fits and (wanted is None or getattr(method, "name", None) in (None, wanted)):
        return
    made_for = getattr(method, "made_for", None)
    more = f", or choose {made_for}" if made_for and not fits else ""
    raise LikewiseError(
        f"{chosen_name(config)} cannot be trained by method={config_name(method)}; use "
        f"method={wanted or 'metric_learning'}{more}"
    )


def check_similarity(config: DictConfig, scorer: Scorer, similarity: Similarity) -> None:
    """Refuse embeddings that the similarity cannot compare."""
    encoder = scorer.encoder
    if similarity.domain != "nonnegative" or encoder is None:
        return
    if not getattr(encoder, "nonnegative", False):
        key = "encoder.base.nonnegative" if "base" in config.encoder else "encoder.nonnegative"
        raise LikewiseError(
            f"similarity={similarity.name} needs non-negative embeddings, which encoder "
            f"{short_name(config.encoder)} does not give; set {key}=true, or use "
            "similarity=cosine, dot or euclidean"
        )


def check_loss(config: DictConfig, similarity: Similarity) -> None:
    """Refuse losses whose options turn them upside down, or that need what is not there."""
    for loss in _with_inner(config.loss):
        _check_loss(loss, config.method, similarity)


def _with_inner(loss: DictConfig) -> Iterator[DictConfig]:
    """A loss and all losses in it."""
    if is_part(loss):
        yield loss
    for part in loss.values():
        if isinstance(part, DictConfig):
            yield from _with_inner(part)


def _check_loss(loss: DictConfig, method_config: DictConfig, similarity: Similarity) -> None:
    for key in POSITIVE:
        value = loss.get(key)
        if isinstance(value, int | float) and not value > 0:
            raise LikewiseError(f"loss.{key}={value} must be above 0")
    has_margins = "pos_margin" in loss and "neg_margin" in loss
    if has_margins and (loss.pos_margin > loss.neg_margin) != similarity.larger_is_closer:
        better = "contrastive" if similarity.larger_is_closer else "contrastive_euclidean"
        raise LikewiseError(
            f"loss margins pos_margin={loss.pos_margin} and neg_margin={loss.neg_margin} are "
            f"in the wrong order for similarity={similarity.name}; use loss={better}"
        )
    if "num_classes" in loss and similarity.domain == "nonnegative":
        raise LikewiseError(
            f"loss {short_name(loss)} learns proxies that need not be non-negative, as "
            f"similarity={similarity.name} requires; use loss=supcon, triplet or multi_similarity"
        )
    method = class_of(method_config)
    needs_labels = "num_classes" in loss or getattr(class_of(loss), "compares_batches", False)
    if needs_labels and not getattr(method, "reads_labels", True):
        raise LikewiseError(
            f"loss {short_name(loss)} needs labels, which method={config_name(method)} does not "
            "use; choose loss=ntxent, supcon, triplet or multi_similarity"
        )


def check_loss_kind(config: DictConfig, loss: nn.Module) -> None:
    """Refuse a loss of groups where pairs or sequences are trained, and the other way round."""
    method = class_of(config.method)
    wanted = getattr(method, "loss_kind", nn.Module)
    found = next((kind for kind in ADVICE if isinstance(loss, kind)), nn.Module)
    if found is not wanted:
        raise LikewiseError(
            f"loss {short_name(config.loss)} does not work with method={config_name(method)}; use "
            f"loss={ADVICE.get(wanted, 'supcon or triplet, or method=pairs')}"
        )


def check_augmentation(method: Method) -> None:
    """Refuse random changes of products of which a cache keeps what frozen layers give."""
    encoders = [part for part in method.modules() if isinstance(part, Encoder)]
    for encoder in encoders if method.trains else ():
        modality = encoder.cached_modality()
        augmentation = dict(method.augmentation.items()).get(modality or "")
        if augmentation is not None and getattr(augmentation, "changes_products", True):
            raise LikewiseError(
                f"augmentation.{modality} changes the products at every step, and "
                f"encoder.frozen_cache keeps what the frozen layers give of each product; set "
                f"augmentation.{modality}=null, or encoder.frozen_cache=null to compute them anew"
            )


def check_parameters(config: DictConfig, method: Method) -> None:
    """Refuse a layer of width 0, and parts of which nothing can be trained."""
    known = [p for p in method.scorer.parameters() if not isinstance(p, UninitializedParameter)]
    if any(not parameter.numel() for parameter in known):
        raise LikewiseError(
            f"{chosen_name(config)} has a layer of width 0; every width, such as "
            "those of encoder.hidden_sizes, must be at least 1"
        )
    parameters = [p for part in method.trained() for p in part.parameters() if method.trains]
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        raise LikewiseError(
            f"every parameter of {chosen_name(config)} is frozen, so there is nothing "
            "to train; use method=none to evaluate it without training, unfreeze some "
            "(encoder.frozen_layers=0 or encoder.learning_rate_multiplier=1), or set "
            "encoder.embedding_size to add a trained layer after it"
        )
