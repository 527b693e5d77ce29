"""A pretrained language model as an encoder of texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from likewise.data.modalities.pretrained import find_model
from likewise.data.products import Products, take
from likewise.encoders.reviews import masked_softmax
from likewise.encoders.text import TextEncoder
from likewise.errors import LikewiseError

POOLINGS = ("mean", "first", "attention")


class PretrainedText(TextEncoder):
    """A transformer of the library ``transformers``, pooled over its tokens.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (mean pooling). With
    ``text=pretrained``, whose tokeniser is the model's own.

    Args:
        model: a folder, ``package:<name>/<folder>``, or a name on the hub; see ``find_model``.
        vocabulary_size: of the tokeniser, to refuse one of another model.
        embedding_size: width of the embedding; ``None`` for that of the model, without a layer
            behind it.
        pooling: ``mean`` of the tokens, the ``first`` one, or ``attention`` by a learned query.
        frozen_layers: of the model's layers from below, with the token embeddings, are not
            trained; -1 freezes all.
        decay: each layer's learning rate as a share of that of the layer above (Howard and Ruder,
            "Universal Language Model Fine-tuning", ACL 2018); 1 for equal rates.
        low_rank: train only low-rank additions to the attention's matrices, of this rank (Hu et
            al., "LoRA", ICLR 2022); 0 trains the matrices themselves.
        dropout: in the model, in training.
        pretrained: ``False`` for the same architecture from scratch.
    """

    uninitialised: ClassVar[Mapping[str, Any]] = {"pretrained": False}

    def __init__(
        self,
        model: str,
        vocabulary_size: int,
        embedding_size: int | None = None,
        pooling: Literal["mean", "first", "attention"] = "mean",
        frozen_layers: int = 0,
        decay: float = 1.0,
        low_rank: int = 0,
        dropout: float = 0.1,
        pretrained: bool = True,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        if pooling not in POOLINGS:
            raise LikewiseError(
                f"encoder.pooling={pooling} is unknown; it can be {', '.join(POOLINGS)}"
            )
        transformer = _read(model, dropout, pretrained)
        width = int(transformer.config.hidden_size)
        super().__init__(embedding_size or width, nonnegative, modality)
        if vocabulary_size - 1 > transformer.config.vocab_size:
            raise LikewiseError(
                f"the texts have {vocabulary_size - 1} different tokens and {model} knows "
                f"{transformer.config.vocab_size}; use text=pretrained with its own tokeniser"
            )
        self.pooling, self.decay = pooling, decay
        self.transformer = _adapted(transformer, low_rank)
        self._freeze(frozen_layers)
        self.query = nn.Linear(width, 1) if pooling == "attention" else None
        self.head = nn.Linear(width, embedding_size) if embedding_size else nn.Identity()

    def features(self, products: Tensor) -> Tensor:
        """Token ids [b, length], from 1 as the reader gives them, to float [b, embedding_size]."""
        ids = products if products.shape[1] else products.new_zeros(len(products), 1)
        mask = ids != 0
        # What no text of the batch reaches need not be read.
        longest = max(1, int(mask.any(0).sum()))
        ids, mask = ids[:, :longest], mask[:, :longest]
        # A text without tokens attends to one of nothing, or every state would be NaN.
        read = mask.clone()
        read[:, 0] = True
        most = int(getattr(self.transformer.config, "max_position_embeddings", ids.shape[1]))
        found = self.transformer(
            input_ids=(ids.long() - 1).clamp_min(0)[:, :most], attention_mask=read[:, :most]
        )
        return self.head(self._pool(found.last_hidden_state, mask[:, :most]))

    @torch.no_grad()
    def embed(self, products: Products, batch_size: int = 128) -> Tensor:
        """See ``Encoder``; texts of like length are read together, as padding costs time."""
        order = (products[self.modality] != 0).sum(1).argsort(stable=True)
        return super().embed(take(products, order), batch_size)[order.argsort()]

    def _pool(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "first":
            return states[:, 0] * mask[:, :1]
        scores = torch.zeros_like(states[..., 0])
        if self.query is not None:
            scores = self.query(states).squeeze(2)
        return (masked_softmax(scores, mask)[..., None] * states).sum(1)

    def _freeze(self, number: int) -> None:
        layers = self._layers()
        if number < -1 or number > len(layers):
            raise LikewiseError(
                f"encoder.frozen_layers={number} must be between -1 and {len(layers)}, the layers "
                "of the model"
            )
        if number:
            kept = layers[:number] if number > 0 else layers
            for module in [self.transformer.get_input_embeddings(), *kept]:
                module.requires_grad_(False)
        if number == -1:
            self.transformer.requires_grad_(False)

    def _layers(self) -> list[nn.Module]:
        """The model's layers from below: its longest list of modules."""
        lists = [
            list(part) for part in self.transformer.modules() if isinstance(part, nn.ModuleList)
        ]
        return max(lists, key=len, default=[])

    def rates(self) -> dict[nn.Parameter, float]:
        """Shares of the learning rate by parameter, for those that have one."""
        if self.decay == 1:
            return {}
        layers = self._layers()
        found = {
            parameter: self.decay ** (len(layers) - place)
            for place, layer in enumerate(layers)
            for parameter in layer.parameters()
        }
        lowest = self.decay ** (len(layers) + 1)
        for parameter in self.transformer.parameters():
            found.setdefault(parameter, lowest)
        return found


def _read(name: str, dropout: float, pretrained: bool) -> Any:
    from transformers import AutoConfig, AutoModel, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = find_model(name)
    options: dict[str, Any] = {}
    if Path(place).is_dir():
        options["local_files_only"] = True
    try:
        config = AutoConfig.from_pretrained(place, **options)
        for key in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout"):
            if hasattr(config, key):
                setattr(config, key, dropout)
        if not pretrained:
            return AutoModel.from_config(config)
        # Only safetensors: other formats of weights can run code when they are loaded.
        return AutoModel.from_pretrained(place, config=config, use_safetensors=True, **options)
    except (OSError, ValueError) as error:
        raise LikewiseError(
            f"{name} is no model that can be read here, from a folder, a package or the hub "
            f"({' '.join(str(error).split())[:200]})"
        ) from error


def _adapted(transformer: Any, rank: int) -> Any:
    if rank < 0:
        raise LikewiseError(f"encoder.low_rank={rank} must be at least 0")
    if not rank:
        return transformer
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0)
    try:
        return get_peft_model(transformer, config)
    except ValueError as error:
        raise LikewiseError(
            f"encoder.low_rank does not know where the matrices of this model are ({error})"
        ) from error
