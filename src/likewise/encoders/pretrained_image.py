"""A pretrained image network as an encoder of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.memory import parse_budget
from likewise.encoders.base import Encoder
from likewise.encoders.frozen import CACHE_ADVICE, FrozenLayers
from likewise.encoders.image_network import GeM, chain, layers_of, open_network, use_gem
from likewise.errors import LikewiseError

POOLINGS = ("network", "gem")


class PretrainedImage(Encoder):
    """A network of ``timm`` or torchvision without its classification layer.

    Pictures are standardised with the mean and standard deviation that the weights expect. A grey
    picture becomes three equal channels.

    Args:
        input_shape: (channels, height, width) of the pictures.
        model: a name of timm, such as ``resnet18`` or ``resnet18.a1_in1k``, or
            ``torchvision/<name>``.
        weights: ``hub`` downloads the weights of the library; ``random`` initialises them at
            random; anything else is the path of a file (safetensors or a torch state dict) or
            ``package:<name>/<file>``, with or without the classification layer.
        embedding_size: output size of a linear layer after the network; ``None`` uses the features
            of the network without a linear layer.
        image_size: side in pixels to which pictures are scaled; ``weights`` is the side that the
            weights expect, and ``None`` keeps the size of the pictures.
        pooling: ``network`` keeps the pooling of the network, which is the average in most of
            them; ``gem`` replaces that average by ``GeM``.
        frozen_layers: number of layers, counted from the input, that are not trained; see
            ``layers_of``. Their batch normalisation keeps its statistics. 0 trains the whole
            network, -1 freezes it, except for the exponent of ``gem``.
        frozen_cache: memory, such as ``1GB``, for what the frozen layers give of each picture, so
            that training computes it once; more than that goes to temporary files. ``None``
            computes it at every step, which augmentation of pictures needs.
        layerwise_lr_decay: factor between the learning rates of a layer and of the next layer
            towards the output; 1 gives all layers the same rate.
        learning_rate_multiplier: factor of the learning rate for the pretrained network; 0 freezes
            the network as ``frozen_layers=-1`` does.
        hidden_sizes: widths of hidden layers between the network and the linear layer.
        dropout: dropout probability before the linear layer and each hidden one.
    """

    modality = "image"
    uninitialised: ClassVar[Mapping[str, Any]] = {"weights": "random"}
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        model: str,
        weights: str = "hub",
        embedding_size: int | None = None,
        image_size: int | Literal["weights"] | None = None,
        pooling: Literal["network", "gem"] = "network",
        frozen_layers: int = 0,
        frozen_cache: str | None = "1GB",
        layerwise_lr_decay: float = 1.0,
        learning_rate_multiplier: float = 1.0,
        hidden_sizes: Sequence[int] = (),
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        channels = input_shape[0]
        if channels not in (1, 3):
            raise LikewiseError(
                f"the pictures have {channels} channels and encoder=pretrained_image reads 1 or 3"
            )
        if not 0 <= learning_rate_multiplier <= 1:
            raise LikewiseError(
                f"encoder.learning_rate_multiplier={learning_rate_multiplier} must be between 0 "
                "and 1"
            )
        if pooling not in POOLINGS:
            raise LikewiseError(
                f"encoder.pooling={pooling} is unknown; it can be {', '.join(POOLINGS)}"
            )
        if image_size is not None and image_size != "weights" and not _is_size(image_size):
            raise LikewiseError(
                f"encoder.image_size={image_size} must be at least 1 pixel, weights for the size "
                "that the weights expect, or null for that of the pictures"
            )
        opened = open_network(model, weights)
        size = opened.size if image_size == "weights" else image_size
        network = opened.network.to(memory_format=torch.channels_last)
        if pooling == "gem":
            use_gem(network, model)
        width = _width(network, model, (size, size) if size else tuple(input_shape[1:]))
        super().__init__(embedding_size or width, nonnegative)
        self.image_size, self.network = size, network
        self.learning_rate_multiplier = learning_rate_multiplier
        self.layerwise_lr_decay = layerwise_lr_decay
        self._freeze(frozen_layers if learning_rate_multiplier else -1)
        self.register_buffer("mean", torch.tensor(opened.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(opened.std)[:, None, None])
        self.head = _head(width, hidden_sizes, embedding_size, dropout)
        budget = parse_budget(frozen_cache, "encoder.frozen_cache", CACHE_ADVICE)
        self.frozen: FrozenLayers | None = None
        if self._lower and budget is not None:
            name = f"{model} {size} {tuple(input_shape)} {opened.mean} {opened.std}"
            self.frozen = FrozenLayers(network, self._lower, name, budget)
            if not self._all_frozen:
                self.eval()
                self.frozen.record_shapes(lambda: self._network(torch.zeros(1, *input_shape)))
        self.train()

    @property
    def _all_frozen(self) -> bool:
        return not any(parameter.requires_grad for parameter in self.network.parameters())

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, c, h, w] in [0, 1] to float [b, embedding_size]."""
        if self.frozen is None or not self.caching:
            return self.head(self._network(products))
        if not self.frozen.checked:
            self._check(self.frozen, products[:1])
        return self.head(self._resumed(self.frozen, products))

    def _network(self, pictures: Tensor) -> Tensor:
        size = self.image_size
        if size is not None and tuple(pictures.shape[2:]) != (size, size):
            pictures = F.interpolate(pictures, (size, size), mode="bilinear", antialias=True)
        return self.network((pictures.expand(-1, 3, -1, -1) - self.mean) / self.std)

    def _resumed(self, frozen: FrozenLayers, pictures: Tensor) -> Tensor:
        """What the network gives, from what its frozen layers give of each picture."""
        states = torch.stack(frozen.states(pictures, self._frozen_states))
        if self._all_frozen:
            return states
        if states.ndim == 4:
            states = states.contiguous(memory_format=torch.channels_last)
        with frozen.skipped(states):
            # The values of the pictures are not read; the network may look at their shape.
            return self._network(pictures)

    def _frozen_states(self, pictures: Tensor) -> list[Tensor]:
        assert self.frozen is not None
        if self._all_frozen:
            return list(self._network(pictures))
        return list(self.frozen.lower(lambda: self._network(pictures)))

    @torch.no_grad()
    def _check(self, frozen: FrozenLayers, pictures: Tensor) -> None:
        training = self.training
        self.eval()
        frozen.check(self._network(pictures), self._resumed(frozen, pictures))
        self.train(training)

    def _freeze(self, number: int) -> None:
        layers = layers_of(self.network)
        if number < -1 or number > len(layers):
            raise LikewiseError(
                f"encoder.frozen_layers={number} must be between -1 and {len(layers)}, the "
                "number of layers of the network"
            )
        frozen = layers if number == -1 else layers[:number]
        pools = [part for part in self.network.modules() if isinstance(part, GeM)]
        learned = {parameter for pool in pools for parameter in pool.parameters()}
        # Such as the positions of a vision transformer, which are added below all blocks.
        outside = list(self.network.parameters(recurse=False)) if frozen else []
        inside = [p for layer in frozen for module in layer for p in module.parameters()]
        for parameter in {*outside, *inside} - learned:
            parameter.requires_grad_(False)
        # All that is called before anything that is trained.
        self._lower: list[nn.Module] = []
        for module in chain(self.network) if frozen else ():
            if any(parameter.requires_grad for parameter in module.parameters()):
                break
            self._lower.append(module)

    def train(self, mode: bool = True) -> PretrainedImage:
        """Set the training mode; frozen layers always stay in evaluation mode."""
        super().train(mode)
        for module in self._lower:
            module.eval()
        return self

    def cached_modality(self) -> str | None:
        """See ``Encoder``."""
        return None if self.frozen is None else self.modality

    def learning_rate_multipliers(self) -> dict[nn.Parameter, float]:
        """See ``Encoder``."""
        if self.learning_rate_multiplier == self.layerwise_lr_decay == 1:
            return {}
        layers = layers_of(self.network)
        powers = {
            parameter: len(layers) - place
            for place, layer in enumerate(layers)
            for module in layer
            for parameter in module.parameters()
        }
        return {
            parameter: self.learning_rate_multiplier
            * self.layerwise_lr_decay ** powers.get(parameter, len(layers) + 1)
            for parameter in self.network.parameters()
        }


def _head(
    width: int, hidden_sizes: Sequence[int], embedding_size: int | None, dropout: float
) -> nn.Module:
    if embedding_size is None:
        if hidden_sizes:
            raise LikewiseError(
                "encoder.hidden_sizes need a linear layer after them; set encoder.embedding_size"
            )
        return nn.Identity()
    layers: list[nn.Module] = []
    for size in hidden_sizes:
        layers += [nn.Dropout(dropout), nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(width, embedding_size))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _width(network: nn.Module, model: str, shape: tuple[int, ...]) -> int:
    was = network.training
    try:
        with torch.no_grad():
            found = network.eval()(torch.zeros(1, 3, *shape))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise LikewiseError(
            f"{model} cannot read pictures of {' x '.join(map(str, shape))} pixels "
            f"({' '.join(str(error).split())[:200]}); set encoder.image_size"
        ) from error
    network.train(was)
    return int(found.shape[1])
