"""A matcher that reads the two texts of a pair as one text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.products import LabelledPairs, Products, gather_front, take
from likewise.encoders.base import Encoder
from likewise.encoders.text import TextEncoder
from likewise.errors import LikewiseError
from likewise.matchers.base import TrainableMatcher
from likewise.similarity.base import Similarity


class CrossEncoder(TrainableMatcher):
    """Predicts the logit of a match from the embedding of the two concatenated texts.

    Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021 (Ditto), whose
    serialisation is ``text.markers=true``. The encoder reads each pair separately, so there are no
    embeddings of single products that could be searched.

    Args:
        encoder: an encoder of texts; it is trained together with a linear layer after it.
        similarity: not used.
        dropout: dropout probability before the linear layer.
        symmetric: use both orders of a pair: a random order in training, the mean score of both
            orders in evaluation.
        batch_size: number of pairs per batch in evaluation.
    """

    encoder_use = "required"
    trained_by = "pairs"
    encoder: TextEncoder

    def __init__(
        self,
        encoder: Encoder,
        similarity: Similarity | None = None,
        dropout: float = 0.1,
        symmetric: bool = False,
        batch_size: int = 64,
    ) -> None:
        if not isinstance(encoder, TextEncoder):
            raise LikewiseError(
                f"matcher=cross_encoder joins texts, and {type(encoder).__name__} reads "
                f"{encoder.modality}; choose an encoder of texts, such as encoder=text_rnn"
            )
        super().__init__(encoder, similarity)
        self.symmetric, self.batch_size = symmetric, batch_size
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(encoder.embedding_size, 1))

    def match(self, left: Products, right: Products) -> Tensor:
        """Return the logit of a match for each pair, float [b]."""
        one, other = left[self.encoder.modality], right[self.encoder.modality]
        if self.training and self.symmetric:
            turned = torch.rand(len(one), 1, device=one.device) < 0.5
            length = max(one.shape[1], other.shape[1])
            one, other = (nn.functional.pad(x, (0, length - x.shape[1])) for x in (one, other))
            one, other = torch.where(turned, other, one), torch.where(turned, one, other)
        return self.head(self.encoder(gather_front(torch.cat([one, other], dim=1)))).squeeze(1)

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``."""
        self.eval()
        products, scores = pairs.products, []
        # Pairs of similar length share a batch, so that it needs little padding.
        lengths = (products[self.encoder.modality] != 0).sum(1)
        order = (lengths[pairs.left] + lengths[pairs.right]).argsort()
        for rows in order.split(self.batch_size):
            one, other = take(products, pairs.left[rows]), take(products, pairs.right[rows])
            score = self.match(one, other)
            if self.symmetric:
                score = (score + self.match(other, one)) / 2
            scores.append(score.float())
        found = torch.empty(len(order), device=order.device)
        found[order] = torch.cat(scores)
        return found
