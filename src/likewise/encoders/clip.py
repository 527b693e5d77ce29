"""Two towers, one for pictures and one for texts, that share a space of embeddings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.modalities.pretrained import find_model
from likewise.data.products import Products, count
from likewise.encoders.base import Encoder
from likewise.encoders.fusion import present
from likewise.encoders.transformer import attention, read_transformer
from likewise.errors import LikewiseError

# The mean and standard deviation of the pictures of CLIP, where the model does not state others.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
PREPROCESSING = "preprocessor_config.json"


class Clip(Encoder):
    """CLIP, or a model of ``transformers`` with the same two towers, as an encoder of products.

    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML
    2021. The embedding is the mean of the unit vectors of the picture and of the text; one that a
    product lacks is left out, so a product with a text alone can be compared with a picture. Use it
    with ``text=pretrained``, which reads texts with the tokeniser of the model.

    Args:
        input_shape: (channels, height, width) of the pictures.
        model: a folder, ``package:<name>/<folder>``, or a name on the hub; see ``find_model``.
        vocabulary_size: number of token ids of the tokeniser, to refuse that of another model.
        learning_rate_multiplier: factor of the learning rate for both towers; 0 freezes them.
        embedding_size: output size of a linear layer after both towers; ``None`` uses their space.
        pretrained: ``False`` trains the same architecture from randomly initialised weights.
    """

    modality = "image and text"
    reads: ClassVar[tuple[str, ...]] = ("image", "text")
    uninitialised: ClassVar[Mapping[str, Any]] = {"pretrained": False}
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        model: str,
        vocabulary_size: int,
        learning_rate_multiplier: float = 1.0,
        embedding_size: int | None = None,
        pretrained: bool = True,
        nonnegative: bool = False,
    ) -> None:
        if input_shape[0] not in (1, 3):
            raise LikewiseError(
                f"the pictures have {input_shape[0]} channels and encoder=clip reads 1 or 3"
            )
        if not 0 <= learning_rate_multiplier <= 1:
            raise LikewiseError(
                f"encoder.learning_rate_multiplier={learning_rate_multiplier} must be between 0 "
                "and 1"
            )
        towers = read_transformer(model, None, pretrained)
        if not hasattr(towers, "get_image_features") or not hasattr(towers, "get_text_features"):
            raise LikewiseError(
                f"{model} is {type(towers).__name__}, which does not embed both pictures and "
                "texts; encoder=clip reads models such as openai/clip-vit-base-patch32"
            )
        width = int(towers.config.projection_dim)
        super().__init__(embedding_size or width, nonnegative)
        known = towers.config.text_config.vocab_size
        if vocabulary_size - 1 > known:
            raise LikewiseError(
                f"the texts have {vocabulary_size - 1} different tokens and {model} has {known}; "
                "use text=pretrained with its own tokeniser"
            )
        self.image_size = int(towers.config.vision_config.image_size)
        self.max_length = int(towers.config.text_config.max_position_embeddings)
        self.towers = towers.requires_grad_(learning_rate_multiplier > 0)
        self.learning_rate_multiplier = learning_rate_multiplier
        mean, std = _standardisation(model)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.head = nn.Linear(width, embedding_size) if embedding_size else nn.Identity()
        self.train()

    def forward(self, products: Products | Tensor) -> Tensor:
        """Map products to float [b, embedding_size].

        Pictures are floats in [0, 1], [b, c, h, w]; texts are token ids, int32 [b, length]. If one
        of both is not in ``products``, all products lack it.
        """
        if isinstance(products, Tensor):
            raise TypeError("a two-tower encoder reads products by modality, not one tensor")
        towers = {"image": self.embed_images, "text": self.embed_texts}
        read = {name: products[name] for name in towers if name in products}
        if not read:
            raise LikewiseError("the products have no image and no text, which encoder=clip reads")
        total = torch.zeros(count(products), 1, device=self.mean.device)
        number = torch.zeros_like(total)
        for name, values in read.items():
            there = present(values)[:, None]
            total = total + F.normalize(towers[name](values)) * there
            number = number + there
        embedding = self.head(total / number.clamp_min(1))
        return F.softplus(embedding) if self.nonnegative else embedding

    def embed_images(self, pictures: Tensor) -> Tensor:
        """Map pictures, float [b, c, h, w] in [0, 1], to float [b, width]."""
        size = (self.image_size, self.image_size)
        if tuple(pictures.shape[2:]) != size:
            pictures = F.interpolate(
                pictures, size, mode="bicubic", antialias=True, align_corners=False
            ).clamp(0, 1)
        scaled = (pictures.expand(-1, 3, -1, -1) - self.mean) / self.std
        return _pooled(self.towers.get_image_features(pixel_values=scaled))

    def embed_texts(self, ids: Tensor) -> Tensor:
        """Map token ids from 1, int32 [b, length], padded with 0, to float [b, width]."""
        ids = ids[:, : self.max_length] if ids.shape[1] else ids.new_zeros(len(ids), 1)
        return _pooled(
            self.towers.get_text_features(
                input_ids=(ids.long() - 1).clamp_min(0), attention_mask=attention(ids)
            )
        )

    def train(self, mode: bool = True) -> Clip:
        """Set the training mode; frozen towers always stay in evaluation mode."""
        super().train(mode)
        self.towers.train(mode and self.learning_rate_multiplier > 0)
        return self

    def learning_rate_multipliers(self) -> dict[nn.Parameter, float]:
        """See ``Encoder``."""
        return dict.fromkeys(self.towers.parameters(), self.learning_rate_multiplier)


def _pooled(found: Any) -> Tensor:
    # Versions of the library before 5 return the tensor itself.
    return found if isinstance(found, Tensor) else found.pooler_output


def _standardisation(model: str) -> tuple[Sequence[float], Sequence[float]]:
    """The mean and standard deviation of pictures that the model states, or those of CLIP."""
    place = Path(find_model(model)) / PREPROCESSING
    if not place.is_file():
        return MEAN, STD
    try:
        stated = json.loads(place.read_text(encoding="utf-8"))
        return tuple(map(float, stated["image_mean"])), tuple(map(float, stated["image_std"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LikewiseError(f"{place} does not state image_mean and image_std ({error})") from error
