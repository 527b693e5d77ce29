"""The exact contributions of the parts of a fused embedding to a cosine or dot product."""

from __future__ import annotations

import torch

from likewise.data.products import take, to_float
from likewise.encoders.fusion import Fusion
from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair
from likewise.explanations.units import Unit
from likewise.matchers.similarity import SimilarityMatcher


class Modalities(Explanation):
    """Splits the score of a fusion into one contribution for each pair of parts of two products.

    A fused embedding is a sum over its parts, u = Σₘ uₘ, so that the score c·u·v is the sum of
    c·uₘ·vₙ over all m and n. Nothing is approximated; the weights of gates and attention are those
    that the two products get.
    """

    units_are_content = False

    @torch.no_grad()
    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        scorer = pair.scorer
        encoder = scorer.encoder
        if not isinstance(scorer, SimilarityMatcher) or not isinstance(encoder, Fusion):
            raise LikewiseError(
                "explanation=modalities needs encoder=fusion and matcher=none; use "
                "explanation=occlusion"
            )
        if encoder.nonnegative or scorer.similarity.geometry != "inner_product":
            raise LikewiseError(
                "explanation=modalities needs similarity=cosine or dot of embeddings that are a "
                "sum (encoder.nonnegative=false); use explanation=occlusion"
            )
        pairs = pair.as_pairs()
        names, parts = encoder.contributions(to_float(take(pairs.products, slice(0, 2))))
        whole = parts.sum(1)
        scale = scorer.similarity.prepare(whole).norm(dim=1) / whole.norm(dim=1).clamp_min(1e-12)
        matrix = torch.einsum("md,nd->mn", *(parts * scale[:, None, None])).double().cpu().numpy()
        units = tuple(
            Unit("both", "modality", place, f"{left} × {right}")
            for place, (left, right) in enumerate((a, b) for a in names for b in names)
        )
        meaning = "The values of all pairs of parts add up to the score, exactly."
        return Attribution(units, matrix.ravel(), pair.score, 0.0, meaning)
