"""A pretrained language model as an encoder of texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from likewise.data.modalities.pretrained import find_model
from likewise.data.products import Products, take
from likewise.encoders.base import TokenTable
from likewise.encoders.reviews import masked_softmax
from likewise.encoders.text import TextEncoder
from likewise.errors import LikewiseError

POOLINGS = ("mean", "cls", "attention")


class PretrainedText(TextEncoder):
    """A transformer of the library ``transformers`` with pooling over its tokens.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (mean pooling). Use it with
    ``text=pretrained``, which reads texts with the tokeniser of the model.

    Args:
        model: a folder, ``package:<name>/<folder>``, or a name on the hub; see ``find_model``.
        vocabulary_size: number of token ids of the tokeniser, to refuse that of another model.
        embedding_size: output size of a linear layer after the pooling; ``None`` uses the pooled
            states without a linear layer.
        pooling: ``mean`` of the token states, the state of the first token (``cls``), or
            ``attention`` pooling with a learned query.
        frozen_layers: number of layers, counted from the input, that are not trained; the token
            embeddings are frozen with them. 0 trains the whole model, -1 freezes it.
        layerwise_lr_decay: factor between the learning rates of a layer and of the next layer
            towards the output (Howard and Ruder, "Universal Language Model Fine-tuning", ACL
            2018); 1 gives all layers the same rate.
        lora_rank: rank of the LoRA adapters of the attention matrices; only the adapters are
            trained (Hu et al., "LoRA", ICLR 2022). 0 trains the model without adapters.
        dropout: dropout probability inside the model.
        pretrained: ``False`` trains the same architecture from randomly initialised weights.
    """

    uninitialised: ClassVar[Mapping[str, Any]] = {"pretrained": False}

    def __init__(
        self,
        model: str,
        vocabulary_size: int,
        embedding_size: int | None = None,
        pooling: Literal["mean", "cls", "attention"] = "mean",
        frozen_layers: int = 0,
        layerwise_lr_decay: float = 1.0,
        lora_rank: int = 0,
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
                f"the texts have {vocabulary_size - 1} different tokens and {model} has "
                f"{transformer.config.vocab_size}; use text=pretrained with its own tokeniser"
            )
        self.pooling, self.layerwise_lr_decay = pooling, layerwise_lr_decay
        self.transformer = _adapted(transformer, lora_rank)
        self._freeze(frozen_layers)
        self.query = nn.Linear(width, 1) if pooling == "attention" else None
        self.head = nn.Linear(width, embedding_size) if embedding_size else nn.Identity()

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, length], from 1 as readers give them, to float [b, embedding_size]."""
        ids = products if products.shape[1] else products.new_zeros(len(products), 1)
        mask = ids != 0
        # Columns that are padding in all texts of the batch need not be read.
        longest = max(1, int(mask.any(0).sum()))
        ids, mask = ids[:, :longest], mask[:, :longest]
        # A text without tokens attends to one padding token; otherwise its states would be NaN.
        read = mask.clone()
        read[:, 0] = True
        most = int(getattr(self.transformer.config, "max_position_embeddings", ids.shape[1]))
        found = self.transformer(
            input_ids=(ids.long() - 1).clamp_min(0)[:, :most], attention_mask=read[:, :most]
        )
        return self.head(self._pool(found.last_hidden_state, mask[:, :most]))

    @torch.no_grad()
    def embed(self, products: Products, batch_size: int = 128) -> Tensor:
        """See ``Encoder``; texts of similar length share a batch, because padding costs time."""
        order = (products[self.modality] != 0).sum(1).argsort(stable=True)
        return super().embed(take(products, order), batch_size)[order.argsort()]

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``; ids of readers are those of the model and 1."""
        table = self.transformer.get_input_embeddings().weight
        (name,) = [name for name, one in self.named_parameters() if one is table]
        return [TokenTable(self.modality, name, first=0)]

    def _pool(self, states: Tensor, mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            return states[:, 0] * mask[:, :1]
        scores = torch.zeros_like(states[..., 0])
        if self.query is not None:
            scores = self.query(states).squeeze(2)
        return (masked_softmax(scores, mask)[..., None] * states).sum(1)

    def _freeze(self, number: int) -> None:
        layers = self._layers()
        if number < -1 or number > len(layers):
            raise LikewiseError(
                f"encoder.frozen_layers={number} must be between -1 and {len(layers)}, the "
                "number of layers of the model"
            )
        if number:
            kept = layers[:number] if number > 0 else layers
            for module in [self.transformer.get_input_embeddings(), *kept]:
                module.requires_grad_(False)
        if number == -1:
            self.transformer.requires_grad_(False)

    def _layers(self) -> list[nn.Module]:
        """The layers of the model from input to output: its longest list of modules."""
        lists = [
            list(part) for part in self.transformer.modules() if isinstance(part, nn.ModuleList)
        ]
        return max(lists, key=len, default=[])

    def learning_rate_multipliers(self) -> dict[nn.Parameter, float]:
        """See ``Encoder``."""
        decay = self.layerwise_lr_decay
        if decay == 1:
            return {}
        layers = self._layers()
        found = {
            parameter: decay ** (len(layers) - place)
            for place, layer in enumerate(layers)
            for parameter in layer.parameters()
        }
        lowest = decay ** (len(layers) + 1)
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
        # Loads safetensors only: other formats can run code when they are loaded.
        return AutoModel.from_pretrained(place, config=config, use_safetensors=True, **options)
    except (OSError, ValueError) as error:
        raise LikewiseError(
            f"the model {name} cannot be read from a folder, a package or the hub "
            f"({' '.join(str(error).split())[:200]})"
        ) from error


def _adapted(transformer: Any, rank: int) -> Any:
    if rank < 0:
        raise LikewiseError(f"encoder.lora_rank={rank} must be at least 0")
    if not rank:
        return transformer
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0)
    try:
        return get_peft_model(transformer, config)
    except ValueError as error:
        raise LikewiseError(
            f"encoder.lora_rank does not know the attention matrices of this model ({error})"
        ) from error
