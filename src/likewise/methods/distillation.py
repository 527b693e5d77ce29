"""Training a student encoder to keep the distances between products of a teacher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.module import ProductModule
from likewise.data.products import Products
from likewise.errors import LikewiseError
from likewise.methods.base import Method, Stage
from likewise.model import load


class Distillation(Method):
    """Trains an encoder so that its distances within a batch follow those of a finished run.

    It is the distance-wise loss of Park et al., "Relational Knowledge Distillation", CVPR 2019,
    equations 5 to 8. Embeddings are prepared by the similarity of their run, so that ``cosine``
    compares unit vectors. Teacher and student may differ in the size of embeddings and in the
    modalities that they read. The teacher is frozen; it embeds each training product once, without
    augmentation, before the training, and ``train_seconds`` does not include this. The new run does
    not need it afterwards.

    Args:
        teacher: the folder of the finished run whose encoder is the teacher, trained on the same
            data.
        group_weight: weight of the metric-learning loss on groups, which is added; 0 uses no
            groups.

    Attributes:
        taught: the teacher's prepared embeddings of the training products, float32 [n, e].
        places: int64, the row in ``taught`` of each training product, by its row in the catalogue.
    """

    name = "distillation"
    taught: Tensor
    places: Tensor

    def __init__(
        self, *parts: Any, teacher: str, group_weight: float = 0.0, **options: Any
    ) -> None:
        super().__init__(*parts, **options)
        if group_weight < 0:
            raise LikewiseError(f"method.group_weight={group_weight} must be at least 0")
        self.teacher, self.group_weight = teacher, group_weight

    def stages(self, module: ProductModule) -> Iterator[Stage]:
        """See ``Method``; the teacher embeds the training products before the only stage."""
        data, model = module.data, load(self.teacher)
        rows = data.get(self.learns_from, "method=distillation").units("train").products[0]
        embeddings = torch.cat([part for _, part in model.stream(data.catalogue, rows)])
        places = torch.zeros(len(data.catalogue), dtype=torch.int64)
        places[torch.from_numpy(rows)] = torch.arange(len(rows))
        # Buffers, as they have to be on the training device; they are not saved.
        self.register_buffer("taught", model.measure.prepare(embeddings), persistent=False)
        self.register_buffer("places", places, persistent=False)
        yield Stage(module.with_rows())

    def trained(self) -> list[nn.Module]:
        """See ``Method``; a loss that is not used has nothing to learn."""
        return super().trained() if self.group_weight else [self.scorer]

    def training_loss(self, products: Products, groups: Tensor, rows: Tensor) -> Tensor:
        """Return the loss on one augmented view of each product, whose rows are int64 [b]."""
        embeddings = self.encoder(self.augment(products))
        with torch.autocast(embeddings.device.type, enabled=False):
            prepared = self.similarity.prepare(embeddings)
            loss = distance_loss(prepared, self.taught[self.places[rows]])
        if self.group_weight:
            loss = loss + self.group_weight * self.metric_loss(embeddings, groups)
        return loss


def distance_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return how far the distances of a student are from those of its teacher, a scalar.

    These are the Euclidean distances between all pairs of products, divided by their mean, and the
    loss is the mean Huber loss between them.

    Args:
        student: float32 [b, d], prepared embeddings.
        teacher: float32 [b, e], those of the same products.
    """
    # All pairs of different products; ``pdist`` has a gradient at distance 0, too.
    own, theirs = F.pdist(student), F.pdist(teacher)
    return F.huber_loss(own / own.mean(), theirs / theirs.mean())
