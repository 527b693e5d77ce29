"""A pretrained language model as an encoder of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from likewise.data.memory import parse_budget
from likewise.data.products import Products, take
from likewise.encoders.base import TokenTable
from likewise.encoders.frozen import CACHE_ADVICE, FrozenLayers
from likewise.encoders.reviews import masked_softmax
from likewise.encoders.text import TextEncoder
from likewise.encoders.transformer import attention, read_transformer
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
        frozen_layers: number of layers, counted from the input, that are not trained and have no
            dropout; all that is not in a layer, such as the token embeddings, is frozen with them.
            0 trains the whole model, -1 freezes it.
        frozen_cache: memory, such as ``1GB``, for what the frozen layers give of each text, so that
            training computes it once; more than that goes to temporary files. ``None`` computes it
            at every step.
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
        frozen_cache: str | None = "1GB",
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
        transformer = read_transformer(model, dropout, pretrained)
        width = getattr(transformer.config, "hidden_size", None)
        if width is None or not isinstance(transformer.get_input_embeddings(), nn.Embedding):
            raise LikewiseError(
                f"{model} is {type(transformer).__name__}, which does not read texts alone; "
                "encoder=pretrained_text reads models such as sentence-transformers/"
                "all-MiniLM-L6-v2, and encoder=clip reads models of pictures and texts"
            )
        super().__init__(embedding_size or width, nonnegative, modality)
        if vocabulary_size - 1 > transformer.config.vocab_size:
            raise LikewiseError(
                f"the texts have {vocabulary_size - 1} different tokens and {model} has "
                f"{transformer.config.vocab_size}; use text=pretrained with its own tokeniser"
            )
        self.pooling, self.layerwise_lr_decay = pooling, layerwise_lr_decay
        self.transformer = _adapted(transformer, lora_rank)
        self.frozen_layers = frozen_layers
        self._upper = self._freeze(frozen_layers)
        self.query = nn.Linear(width, 1) if pooling == "attention" else None
        self.head = nn.Linear(width, embedding_size) if embedding_size else nn.Identity()
        budget = parse_budget(frozen_cache, "encoder.frozen_cache", CACHE_ADVICE)
        self.frozen: FrozenLayers | None = None
        if frozen_layers and budget is not None:
            layers = self._layers()
            lower = layers[: len(layers) - len(self._upper)]
            name = f"{model} {self._upper == [] and pooling}"
            self.frozen = FrozenLayers(self.transformer, lower, name, budget)
        # The library gives its models in evaluation mode, in which dropout would do nothing.
        self.train()

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, length], from 1 as readers give them, to float [b, embedding_size]."""
        ids = products if products.shape[1] else products.new_zeros(len(products), 1)
        ids = self._readable(ids)
        if self.frozen is None or not self.caching:
            return self.head(self._pool(self._states(ids), ids != 0))
        if not self.frozen.checked:
            self._check(self.frozen, ids[:1])
        return self.head(self._resumed(self.frozen, ids))

    def _readable(self, ids: Tensor) -> Tensor:
        """Leave out what the model cannot read and columns that are padding in all texts."""
        ids = ids[:, : getattr(self.transformer.config, "max_position_embeddings", None)]
        if torch.compiler.is_exporting():
            # A graph cannot depend on how long the texts of a batch are.
            return ids
        return ids[:, : max(1, int((ids != 0).any(0).sum()))]

    def _states(self, ids: Tensor) -> Tensor:
        """The states of all tokens, float [b, length, width]."""
        return self.transformer(
            input_ids=(ids.long() - 1).clamp_min(0), attention_mask=attention(ids)
        ).last_hidden_state

    def _resumed(self, frozen: FrozenLayers, ids: Tensor) -> Tensor:
        """The pooled states, float [b, width], from what the frozen layers give of each text."""
        kept = frozen.states(ids, self._lower)
        if not self._upper and self.query is None:
            return torch.stack(kept)
        states = nn.utils.rnn.pad_sequence(kept, batch_first=True)
        if self._upper:
            with frozen.skipped(states):
                states = self._states(ids)
        return self._pool(states, ids != 0)

    def _lower(self, ids: Tensor) -> list[Tensor]:
        """What the frozen layers give of each text: float [tokens, width], or [width] if pooled."""
        ids = self._readable(ids)
        if not self._upper and self.query is None:
            return list(self._pool(self._states(ids), ids != 0))
        assert self.frozen is not None
        states = self.frozen.lower(lambda: self._states(ids)) if self._upper else self._states(ids)
        lengths = (ids != 0).sum(1).clamp_min(1).tolist()
        return [state[:length] for state, length in zip(states, lengths, strict=True)]

    @torch.no_grad()
    def _check(self, frozen: FrozenLayers, ids: Tensor) -> None:
        ids, training = self._readable(ids), self.training
        self.eval()
        frozen.check(self._pool(self._states(ids), ids != 0), self._resumed(frozen, ids))
        self.train(training)

    def train(self, mode: bool = True) -> PretrainedText:
        """Set the training mode; frozen layers always stay in evaluation mode."""
        super().train(mode)
        if self.frozen_layers:
            self.transformer.eval()
            for layer in self._upper:
                layer.train(mode)
        return self

    def cached_modality(self) -> str | None:
        """See ``Encoder``."""
        return None if self.frozen is None else self.modality

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

    def _freeze(self, number: int) -> list[nn.Module]:
        """Freeze the lowest layers and all that is in no layer; return the other layers."""
        layers = self._layers()
        if number < -1 or number > len(layers):
            raise LikewiseError(
                f"encoder.frozen_layers={number} must be between -1 and {len(layers)}, the "
                "number of layers of the model"
            )
        upper = layers[number:] if number >= 0 else []
        if number:
            trained = {parameter for layer in upper for parameter in layer.parameters()}
            for parameter in self.transformer.parameters():
                if parameter not in trained:
                    parameter.requires_grad_(False)
        return upper

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
