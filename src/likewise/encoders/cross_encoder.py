"""An encoder that reads the texts of a pair as one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.products import LabelledPairs, Products, gather_front, take
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.similarity.base import Similarity


class CrossEncoder(Encoder):
    """The logit of a match from the embedding of both texts, one behind the other.

    Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021 (Ditto), whose
    serialisation is ``text.markers=true``. Every pair is read anew, so there are no embeddings of
    single products to search.

    Args:
        base: an encoder of texts.
        dropout: probability before the linear layer.
        symmetric: in evaluation, the mean of both orders; in training the order is random.
        batch_size: pairs at a time in evaluation.
    """

    trained_by = "pairs"
    modality = "text"
    embeds = False

    def __init__(
        self, base: Encoder, dropout: float = 0.1, symmetric: bool = False, batch_size: int = 64
    ) -> None:
        super().__init__(base.embedding_size, base.nonnegative)
        if base.modality != "text":
            raise LikewiseError(
                f"encoder=cross_encoder joins texts, and {type(base).__name__} reads "
                f"{base.modality}; choose an encoder of texts for encoder@encoder.base"
            )
        self.base, self.symmetric, self.batch_size = base, symmetric, batch_size
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(base.embedding_size, 1))

    def features(self, products: Tensor) -> Tensor:
        """Of one text alone, which such an encoder is not made for."""
        raise LikewiseError(
            "a cross-encoder reads pairs, so there are no embeddings of single products; use "
            "task=matching, or an encoder without pairs"
        )

    def match(self, left: Products, right: Products, similarity: Similarity) -> Tensor:
        """The logit of a match, float [b]; the similarity is not read."""
        one, other = left["text"], right["text"]
        if self.training and self.symmetric:
            turned = torch.rand(len(one), 1, device=one.device) < 0.5
            length = max(one.shape[1], other.shape[1])
            one, other = (nn.functional.pad(x, (0, length - x.shape[1])) for x in (one, other))
            one, other = torch.where(turned, other, one), torch.where(turned, one, other)
        return self.head(self.base(gather_front(torch.cat([one, other], dim=1)))).squeeze(1)

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs, similarity: Similarity) -> Tensor:
        """See ``Encoder``."""
        self.eval()
        products, scores = pairs.products, []
        # Pairs of about one length share a batch, so that little of it is padding.
        lengths = (products["text"] != 0).sum(1)
        order = (lengths[pairs.left] + lengths[pairs.right]).argsort()
        for rows in order.split(self.batch_size):
            one, other = take(products, pairs.left[rows]), take(products, pairs.right[rows])
            score = self.match(one, other, similarity)
            if self.symmetric:
                score = (score + self.match(other, one, similarity)) / 2
            scores.append(score.float())
        found = torch.empty(len(order), device=order.device)
        found[order] = torch.cat(scores)
        return found
