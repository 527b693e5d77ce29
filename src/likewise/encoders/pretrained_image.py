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
    """A network of the library ``timm`` or of torchvision without its classes.

    Pictures get the colour statistics of the weights; grey ones become three equal channels.

    Args:
        input_shape: (channels, height, width) of the pictures.
        model: a name of timm, such as ``resnet18`` or ``resnet18.a1_in1k``, or
            ``torchvision/<name>``.
        weights: ``hub`` downloads the library's own; ``random`` takes none; else a file,
            safetensors or a state dict of torch. Its layer of classes may be there or not.
        embedding_size: width of a linear layer behind it; ``None`` for the network's own width.
        size: side in pixels that pictures are scaled to; ``None`` leaves them.
        rate: share of the learning rate that the network learns at; 0 freezes it, with the
            statistics of its normalisation.
        dropout: probability before the linear layer.
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
        size: int | None = None,
        rate: float = 1.0,
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        channels = input_shape[0]
        if channels not in (1, 3):
            raise LikewiseError(
                f"the pictures have {channels} channels and encoder=pretrained_image reads 1 or 3"
            )
        if not 0 <= rate <= 1:
            raise LikewiseError(f"encoder.rate={rate} must be between 0 and 1")
        if size is not None and size < 1:
            raise LikewiseError(f"encoder.size={size} must be at least 1 pixel")
        network, mean, std = _read(model, weights)
        shape = (size, size) if size is not None else tuple(input_shape[1:])
        width = _width(network, model, shape)
        super().__init__(embedding_size or width, nonnegative)
        self.size, self.rate = size, rate
        self.network = network.to(memory_format=torch.channels_last)
        if rate == 0:
            self.network.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.head = (
            nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding_size))
            if embedding_size
            else nn.Identity()
        )

    def features(self, products: Tensor) -> Tensor:
        """Float [b, c, h, w] in [0, 1] to float [b, embedding_size]."""
        pictures = products
        if self.size is not None and tuple(products.shape[2:]) != (self.size, self.size):
            pictures = F.interpolate(
                products, (self.size, self.size), mode="bilinear", antialias=True
            )
        scaled = (pictures.expand(-1, 3, -1, -1) - self.mean) / self.std
        return self.head(self.network(scaled))

    def train(self, mode: bool = True) -> PretrainedImage:
        """A frozen network stays as it is in evaluation."""
        super().train(mode)
        if self.rate == 0:
            self.network.eval()
        return self

    def rates(self) -> dict[nn.Parameter, float]:
        """See ``Encoder``."""
        return dict.fromkeys(self.network.parameters(), self.rate) if self.rate != 1 else {}


def _read(model: str, weights: str) -> tuple[nn.Module, Sequence[float], Sequence[float]]:
    """A network to features, and the mean and deviation of the pictures it expects."""
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
        # Either library raises what it likes, of a name or of a download.
        raise LikewiseError(
            f"the network {model} cannot be had ({' '.join(str(error).split())[:200]}); see "
            "timm.list_models(), or give the file of its weights as encoder.weights"
        ) from error
    if weights not in ("hub", "random"):
        _load(network, Path(weights).expanduser(), model)
    return network, mean, std


def _drop_classes(network: nn.Module, model: str) -> None:
    """Torchvision's networks end in a linear layer of classes."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear or not linear[-1].startswith(("fc", "classifier", "head")):
        raise LikewiseError(f"{model} ends in no linear layer of classes; use one of timm")
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
            f"({' '.join(str(error).split())[:200]}); set encoder.size"
        ) from error
    network.train(was)
    return int(found.shape[1])


def _load(network: nn.Module, path: Path, model: str) -> None:
    state = _state(path)
    wanted = network.state_dict()
    # A file with the layer of classes has more than is wanted.
    missing = [
        name
        for name, value in wanted.items()
        if not isinstance(state.get(name), Tensor) or state[name].shape != value.shape
    ]
    # Older files do not count the batches of a normalisation.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise LikewiseError(
            f"{path} holds no weights of {model}: {len(missing)} of {len(wanted)} tensors are "
            f"missing or of another shape, such as {missing[0]}"
        )
    network.load_state_dict({n: state[n] for n in wanted if n in state}, strict=False)


def _state(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise LikewiseError(f"encoder.weights={path} is no file; it can also be hub or random")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        # Only tensors: an unrestricted load would run code that the file holds.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Both loaders raise exceptions of their own of a file that is none of theirs.
        raise LikewiseError(
            f"{path} cannot be read as weights ({' '.join(str(error).split())[:200]})"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping):
        raise LikewiseError(f"{path} holds no weights by name")
    return state
