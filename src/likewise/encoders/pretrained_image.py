"""A pretrained image network as an encoder of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError

TORCHVISION = "torchvision/"
# ImageNet's, which torchvision's weights expect.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PretrainedImage(Encoder):
    """A network of ``timm`` or torchvision without its classification layer.

    Pictures are normalised with the mean and standard deviation that the weights expect. A grey
    picture becomes three equal channels.

    Args:
        input_shape: (channels, height, width) of the pictures.
        model: a name of timm, such as ``resnet18`` or ``resnet18.a1_in1k``, or
            ``torchvision/<name>``.
        weights: ``hub`` downloads the weights of the library; ``random`` initialises them at
            random; anything else is the path of a file (safetensors or a torch state dict), with
            or without the classification layer.
        embedding_size: output size of a linear layer after the network; ``None`` uses the features
            of the network without a linear layer.
        image_size: side in pixels to which pictures are scaled; ``None`` keeps their size.
        learning_rate_multiplier: factor of the learning rate for the pretrained network; 0 freezes
            the network, including the statistics of its batch normalisation.
        dropout: dropout probability before the linear layer.
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
        image_size: int | None = None,
        learning_rate_multiplier: float = 1.0,
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
        if image_size is not None and image_size < 1:
            raise LikewiseError(f"encoder.image_size={image_size} must be at least 1 pixel")
        network, mean, std = _read(model, weights)
        shape = (image_size,) * 2 if image_size is not None else tuple(input_shape[1:])
        width = _width(network, model, shape)
        super().__init__(embedding_size or width, nonnegative)
        self.image_size = image_size
        self.learning_rate_multiplier = learning_rate_multiplier
        self.network = network.to(memory_format=torch.channels_last)
        if learning_rate_multiplier == 0:
            self.network.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.head = (
            nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding_size))
            if embedding_size
            else nn.Identity()
        )

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, c, h, w] in [0, 1] to float [b, embedding_size]."""
        pictures = products
        size = self.image_size
        if size is not None and tuple(products.shape[2:]) != (size, size):
            pictures = F.interpolate(products, (size, size), mode="bilinear", antialias=True)
        scaled = (pictures.expand(-1, 3, -1, -1) - self.mean) / self.std
        return self.head(self.network(scaled))

    def train(self, mode: bool = True) -> PretrainedImage:
        """Set the training mode; a frozen network always stays in evaluation mode."""
        super().train(mode)
        if self.learning_rate_multiplier == 0:
            self.network.eval()
        return self

    def learning_rate_multipliers(self) -> dict[nn.Parameter, float]:
        """See ``Encoder``."""
        if self.learning_rate_multiplier == 1:
            return {}
        return dict.fromkeys(self.network.parameters(), self.learning_rate_multiplier)


def _read(model: str, weights: str) -> tuple[nn.Module, Sequence[float], Sequence[float]]:
    """The network without classes, and the mean and standard deviation it expects of pictures."""
    own = weights == "hub"
    try:
        if model.startswith(TORCHVISION):
            from torchvision.models import get_model

            network = get_model(model.removeprefix(TORCHVISION), weights="DEFAULT" if own else None)
            mean, std = MEAN, STD
            _drop_classes(network, model)
        else:
            import timm

            network = timm.create_model(model, pretrained=own, num_classes=0)
            known: Any = network.pretrained_cfg
            mean, std = known["mean"], known["std"]
    except LikewiseError:
        raise
    except Exception as error:
        # Both libraries raise many kinds of exceptions for unknown names and failed downloads.
        raise LikewiseError(
            f"the network {model} cannot be loaded ({' '.join(str(error).split())[:200]}); see "
            "timm.list_models(), or give the file of its weights as encoder.weights"
        ) from error
    if weights not in ("hub", "random"):
        _load(network, Path(weights).expanduser(), model)
    return network, mean, std


def _drop_classes(network: nn.Module, model: str) -> None:
    """Replace the linear classification layer at the end of a torchvision network."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear or not linear[-1].startswith(("fc", "classifier", "head")):
        raise LikewiseError(
            f"{model} does not end in a linear classification layer; use a network of timm"
        )
    parent, _, name = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), name, nn.Identity())


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


def _load(network: nn.Module, path: Path, model: str) -> None:
    state = _state(path)
    wanted = network.state_dict()
    # A file with the classification layer has more tensors than are wanted.
    missing = [
        name
        for name, value in wanted.items()
        if not isinstance(state.get(name), Tensor) or state[name].shape != value.shape
    ]
    # Older files lack the batch counters of batch normalisation.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise LikewiseError(
            f"{path} does not hold the weights of {model}: {len(missing)} of {len(wanted)} tensors "
            f"are missing or of another shape, such as {missing[0]}"
        )
    network.load_state_dict({n: state[n] for n in wanted if n in state}, strict=False)


def _state(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise LikewiseError(f"encoder.weights={path} is not a file; it can also be hub or random")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        # Loads tensors only: an unrestricted load would run code that the file contains.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Both loaders raise their own exceptions for a file that they cannot read.
        raise LikewiseError(
            f"{path} cannot be read as weights ({' '.join(str(error).split())[:200]})"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping):
        raise LikewiseError(f"{path} holds no mapping of names to weights")
    return state
