"""Several recommenders as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity

HOW = ("ranks", "scores")


class RankFusion(FittedRecommender):
    """A weighted sum of the ranks or of the scores that its parts give.

    ``ranks`` adds weight / (constant + rank), where equal scores share the best of their ranks:
    reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009). ``scores`` adds the scores
    after those of each part have mean 0 and variance 1 over the catalogue for each person.

    Args:
        parts: recommenders by name.
        weights: of parts by name; 1 for those that are not named.
        how: ``ranks`` or ``scores``.
        constant: of ``ranks``; larger lets lower ranks count more.
        encoder, similarity: for parts that look at the content of products.
    """

    knows_new_products = True

    encoder_use = "optional"

    def __init__(
        self,
        parts: Mapping[str, FittedRecommender],
        weights: Mapping[str, float] | None = None,
        how: str = "scores",
        constant: float = 60.0,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        weights = dict(weights or {})
        if not parts:
            raise LikewiseError("recommender.parts must name at least one recommender")
        if strange := sorted(set(weights) - set(parts)):
            raise LikewiseError(
                f"recommender.weights names {strange[0]}; recommender.parts has {', '.join(parts)}"
            )
        if not all(weight > 0 for weight in weights.values()):
            raise LikewiseError(f"recommender.weights={weights} must be above 0")
        if how not in HOW or not constant > 0:
            raise LikewiseError(
                f"recommender.how={how} must be one of {', '.join(HOW)} and "
                f"recommender.constant={constant} above 0"
            )
        for name, part in parts.items():
            if part.trained_by != self.trained_by:
                raise LikewiseError(
                    f"recommender.parts.{name} is trained by {part.trained_by}; the parts of a "
                    "fusion learn without gradient steps"
                )
        for name, part in parts.items():
            if part.encoder_use == "required":
                if encoder is None:
                    raise LikewiseError(
                        f"recommender.parts.{name} needs an encoder; choose one, such as "
                        "encoder=attributes"
                    )
                part.similarity = similarity
        # A mapping for the names, and modules so that what the parts learned is saved.
        self.parts = dict(parts)
        self.learned = nn.ModuleDict(self.parts)
        self.weights = {name: float(weights.get(name, 1)) for name in parts}
        self.how, self.constant = how, constant

    def index(self, vectors: Tensor) -> None:
        """See ``Recommender``."""
        for part in self._recommenders.values():
            part.index(vectors)

    @property
    def _recommenders(self) -> dict[str, FittedRecommender]:
        return {
            name: part for name, part in self.parts.items() if isinstance(part, FittedRecommender)
        }

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        for part in self._recommenders.values():
            part.fit(histories, data, seed)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        fuse = self._ranked if self.how == "ranks" else _standardised
        fused = [
            self.weights[name] * fuse(part.scores(histories))
            for name, part in self._recommenders.items()
        ]
        return torch.stack(fused).sum(0)

    def _ranked(self, scores: Tensor) -> Tensor:
        ranks = rankdata(-scores.cpu().numpy(), method="min", axis=1)
        return (1 / (self.constant + torch.from_numpy(ranks))).float()


def _standardised(scores: Tensor) -> Tensor:
    """Float32 [u, n]; equal scores of a person become 0."""
    centred = scores - scores.mean(1, keepdim=True)
    deviation = centred.square().mean(1, keepdim=True).sqrt()
    return centred / torch.where(deviation > 0, deviation, 1)
