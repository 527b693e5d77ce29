"""The exact contributions of the words or regions to a dot product or cosine of linear encoders."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.products import Products
from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.gradients import PairGradients
from likewise.explanations.pair import ProductPair
from likewise.matchers.similarity import SimilarityMatcher


class Exact(Explanation):
    """Splits a cosine or dot product of linear embeddings into contributions that add up exactly.

    If the embeddings are sums, u = Σᵢ uᵢ and v = Σⱼ vⱼ, the score c·u·v with c = 1 / (‖u‖ ‖v‖), or
    1 for a dot product, is the sum of c·uᵢ·v over the units of the left product, and the sum of
    c·u·vⱼ over those of the right one. Each product gets half of the score, so that the
    contributions of both add up to it. What a constant of the encoder adds belongs to no unit.
    """

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        scorer = pair.scorer
        encoder = scorer.encoder
        linear = encoder is not None and encoder.is_linear
        if not isinstance(scorer, SimilarityMatcher) or not linear:
            raise LikewiseError(
                "explanation=exact needs a linear encoder, such as encoder=bag "
                "encoder.hidden_sizes=[] or encoder=tfidf, and matcher=none; use "
                "explanation=occlusion"
            )
        measure = scorer.similarity
        if measure.geometry != "inner_product":
            raise LikewiseError(
                f"explanation=exact splits dot products, and similarity={measure.name} is none; "
                "use similarity=cosine or dot, or explanation=occlusion"
            )

        def halves(left: Products, right: Products) -> Tensor:
            u, v = scorer.encoder(left), scorer.encoder(right)
            # Scales and the other product are constants of each half.
            prepared = [measure.prepare(side).detach() for side in (u, v)]
            scales = [
                one.norm(dim=1) / side.detach().norm(dim=1).clamp_min(1e-12)
                for one, side in zip(prepared, (u, v), strict=True)
            ]
            return 0.5 * (
                scales[0] * (u * prepared[1]).sum(1) + scales[1] * (v * prepared[0]).sum(1)
            )

        found = PairGradients(pair, "exact")
        with torch.enable_grad():
            values = found.contributions([1.0], halves)
        return Attribution(
            pair.units,
            values,
            pair.score,
            0.0,
            "The values of each product add up to half of the score, exactly.",
        )
