"""Whether parts fit each other, by what they declare of themselves."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig
from torch import nn
from torch.nn.parameter import UninitializedParameter

from likewise.data.relevance import Groups, Pairs
from likewise.errors import LikewiseError
from likewise.experiment.targets import class_of, config_name, short_name
from likewise.losses.base import PairLoss
from likewise.methods.base import Method
from likewise.similarity.base import Similarity

# Options of losses that divide or multiply all similarities: at 0 or below these turn the loss off,
# or upside down.
POSITIVE = ("temperature", "scale", "alpha", "beta")


def check_encoder(config: DictConfig, encoder: Any, similarity: Similarity) -> None:
    """Refuse an encoder that the method cannot train or the similarity cannot compare."""
    method = class_of(config.method)
    # A method of one's own that says nothing else trains any encoder.
    trains = getattr(method, "trains_encoder", object)
    wanted = getattr(encoder, "trained_by", None)
    fits = isinstance(encoder, trains)
    if not fits or (wanted is not None and getattr(method, "name", None) not in (None, wanted)):
        advice = f"method={wanted or 'metric_learning'}"
        if not fits:
            advice += f", or choose encoder={config_name(trains)}"
        raise LikewiseError(
            f"encoder {short_name(config.encoder)} cannot be trained by "
            f"method={config_name(method)}; use {advice}"
        )
    if similarity.domain == "nonnegative" and not getattr(encoder, "nonnegative", False):
        key = "encoder.base.nonnegative" if "base" in config.encoder else "encoder.nonnegative"
        raise LikewiseError(
            f"similarity={similarity.name} needs non-negative embeddings, which encoder "
            f"{short_name(config.encoder)} does not give; set {key}=true, or use "
            "similarity=cosine, dot or euclidean"
        )


def check_loss(config: DictConfig, similarity: Similarity) -> None:
    """Refuse a loss whose options turn it upside down, or that needs what is not there."""
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
            f"loss {short_name(loss)} learns proxies that need not be non-negative, as "
            f"similarity={similarity.name} asks; use loss=supcon, triplet or multi_similarity"
        )
    method = class_of(config.method)
    if "num_classes" in loss and not getattr(method, "reads_labels", True):
        raise LikewiseError(
            f"loss {short_name(loss)} needs labels, which method={config_name(method)} does not "
            "touch; use loss=ntxent, supcon, triplet or multi_similarity"
        )


def check_loss_of_pairs(config: DictConfig, loss: nn.Module) -> None:
    """Refuse a loss of groups where pairs are trained, and the other way round."""
    method = class_of(config.method)
    of_pairs = getattr(method, "learns_from", Groups) is Pairs
    if of_pairs != isinstance(loss, PairLoss):
        fits = "pair_bce or pair_cosine" if of_pairs else "supcon or triplet, or method=pairs"
        raise LikewiseError(
            f"loss {short_name(config.loss)} does not work with method={config_name(method)}; use "
            f"loss={fits}"
        )


def check_parameters(config: DictConfig, method: Method) -> None:
    """Refuse an encoder with a layer of width 0, and one of which nothing can be trained."""
    known = [p for p in method.encoder.parameters() if not isinstance(p, UninitializedParameter)]
    if any(not parameter.numel() for parameter in known):
        raise LikewiseError(
            f"encoder {short_name(config.encoder)} has a layer of width 0; every width, such as "
            "those of encoder.hidden_sizes, must be at least 1"
        )
    parameters = [p for part in method.trained() for p in part.parameters()]
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        raise LikewiseError(
            f"every parameter of encoder {short_name(config.encoder)} is frozen, so there is "
            "nothing to train; use method=none to score it as it comes, unfreeze some "
            "(encoder.frozen_layers=0 or encoder.rate=1), or set "
            "encoder.embedding_size to put a trained layer behind it"
        )
