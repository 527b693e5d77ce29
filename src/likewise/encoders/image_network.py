"""Image networks of ``timm`` and torchvision without their classes, and their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from likewise.data.modalities.pretrained import PACKAGE, find_packaged
from likewise.errors import LikewiseError

TORCHVISION = "torchvision/"
# ImageNet's, which most of torchvision's weights expect, and their side in pixels.
MEAN, STD, SIZE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224


@dataclass(frozen=True)
class ImageNetwork:
    """A network and the pictures that its weights expect.

    Attributes:
        network: maps float [b, 3, h, w] to float [b, width].
        mean, std: of each channel, with which pictures are standardised.
        size: side of the pictures in pixels.
    """

    network: nn.Module
    mean: Sequence[float]
    std: Sequence[float]
    size: int


class GeM(nn.Module):
    """Generalised-mean pooling of maps, float [b, c, h, w], with a learned exponent.

    Radenović, Tolias and Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI
    2019, equation 3. Exponent 1 is the average, and a large exponent comes near to the maximum.

    Args:
        keeps_axes: give [b, c, 1, 1] instead of [b, c].
        exponent: its value before training.
    """

    def __init__(self, keeps_axes: bool, exponent: float = 3.0) -> None:
        super().__init__()
        self.keeps_axes = keeps_axes
        self.exponent = nn.Parameter(torch.tensor(exponent))

    def forward(self, maps: Tensor) -> Tensor:
        """See the class."""
        powers = maps.clamp_min(1e-6).pow(self.exponent)
        return powers.mean((2, 3), keepdim=self.keeps_axes).pow(1 / self.exponent)


def open_network(model: str, weights: str) -> ImageNetwork:
    """Make a network without its classification layer.

    Args:
        model: a name of timm, or ``torchvision/<name>``.
        weights: ``hub``, ``random``, or a file; see ``load_weights``.

    Raises:
        LikewiseError: the network is unknown, or its weights cannot be loaded.
    """
    own = weights == "hub"
    try:
        found = _torchvision(model, own) if model.startswith(TORCHVISION) else _timm(model, own)
    except LikewiseError:
        raise
    except Exception as error:
        # Both libraries raise many kinds of exceptions for unknown names and failed downloads.
        raise LikewiseError(
            f"the network {model} cannot be loaded ({' '.join(str(error).split())[:200]}); see "
            "timm.list_models(), or give the file of its weights as encoder.weights"
        ) from error
    if weights not in ("hub", "random"):
        load_weights(found.network, weights, model)
    return found


def _timm(model: str, own: bool) -> ImageNetwork:
    import timm

    network = timm.create_model(model, pretrained=own, num_classes=0)
    known: Any = network.pretrained_cfg
    return ImageNetwork(network, known["mean"], known["std"], known["input_size"][-1])


def _torchvision(model: str, own: bool) -> ImageNetwork:
    from torchvision.models import get_model, get_model_weights

    name = model.removeprefix(TORCHVISION)
    network = get_model(name, weights="DEFAULT" if own else None)
    linear = [part for part, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear or not linear[-1].startswith(("fc", "classifier", "head")):
        raise LikewiseError(
            f"{model} does not end in a linear classification layer; use a network of timm"
        )
    network.set_submodule(linear[-1], nn.Identity())
    if not own:
        return ImageNetwork(network, MEAN, STD, SIZE)
    known = get_model_weights(name)["DEFAULT"].transforms()
    return ImageNetwork(network, known.mean, known.std, known.crop_size[0])


def use_gem(network: nn.Module, model: str) -> None:
    """Replace the average pooling at the end of a network by ``GeM``."""
    from timm.layers import SelectAdaptivePool2d

    pools = [
        (name, part)
        for name, part in network.named_modules()
        if isinstance(part, nn.AdaptiveAvgPool2d | SelectAdaptivePool2d)
    ]
    if not pools:
        raise LikewiseError(
            f"encoder.pooling=gem replaces an average of maps, and {model} has none; use "
            "encoder.pooling=network"
        )
    name, part = pools[-1]
    flat = isinstance(getattr(part, "flatten", None), nn.Flatten)
    network.set_submodule(name, GeM(keeps_axes=not flat))


def chain(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules of a network in their order; of a ``Sequential`` its modules."""
    for module in network.children():
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
            yield from chain(module)
        else:
            yield module


def layers_of(network: nn.Module) -> list[list[nn.Module]]:
    """The layers of a network from input to output, each as its modules.

    A layer begins with each module of ``chain`` that has a matrix of weights, such as a
    convolution or a block; normalisation and activations belong to the layer before them.
    """
    layers: list[list[nn.Module]] = []
    for module in chain(network):
        if not layers or any(parameter.ndim > 1 for parameter in module.parameters()):
            layers.append([])
        layers[-1].append(module)
    return layers


def load_weights(network: nn.Module, name: str, model: str) -> None:
    """Load weights from a file (safetensors or a torch state dict), without running its code.

    A classification layer in the file is ignored. Where the file gives the tensors other names, as
    another implementation of the same network does, they are loaded in their order if all shapes
    are equal.

    Args:
        name: a path, or ``package:<name>/<file>`` for a file that an installed package carries.
    """
    packaged = name.startswith(PACKAGE)
    path = find_packaged(name) if packaged else Path(name).expanduser()
    state = {key: value for key, value in _state(path).items() if isinstance(value, Tensor)}
    wanted = network.state_dict()
    # Older files lack the batch counters of batch normalisation.
    names = [key for key in wanted if not key.endswith("num_batches_tracked")]
    missing = [key for key in names if key not in state or state[key].shape != wanted[key].shape]
    if len(missing) == len(names):
        values = [one for key, one in state.items() if not key.endswith("num_batches_tracked")]
        if [one.shape for one in values[: len(names)]] == [wanted[key].shape for key in names]:
            state, missing = dict(zip(names, values, strict=False)), []
    if missing:
        raise LikewiseError(
            f"{path} does not hold the weights of {model}: {len(missing)} of {len(wanted)} tensors "
            f"are missing or of another shape, such as {missing[0]}"
        )
    network.load_state_dict({key: state[key] for key in wanted if key in state}, strict=False)


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
