"""Lists of products by a policy: at each position a softmax over the products not yet shown.

This is the Plackett-Luce model (Plackett, "The Analysis of Permutations", Applied Statistics 24,
1975).
"""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.contexts import Contexts
from likewise.policies.base import Policy


def list_logits(policy: Policy, contexts: Contexts) -> Tensor:
    """Return the logits of all products for a list, float32 [m, n]; see ``without_viewed``."""
    return without_viewed(policy.logits(contexts), contexts)


def without_viewed(logits: Tensor, contexts: Contexts) -> Tensor:
    """Return logits [m, n] by which the product that is looked at, the link, is never shown."""
    return logits.float().masked_fill(contexts.links > 0, -torch.inf)


def draw_lists(logits: Tensor, positions: int, generator: torch.Generator) -> Tensor:
    """Draw a list for each row of logits [m, n], int64 [m, k].

    The order of logits with standard Gumbel noise is a draw without replacement (Kool, van Hoof and
    Welling, "Stochastic Beams and Where to Find Them", ICML 2019).
    """
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - noise.log()).topk(positions, dim=1).indices


def list_log_probabilities(logits: Tensor, lists: Tensor) -> Tensor:
    """Return the logarithm of the probability of each choice of lists, float32 [m, k].

    Args:
        logits: float32 [m, n].
        lists: int64 [m, k], the choices; the one at a position is among the products that no
            earlier position shows.
    """
    found = []
    for position in range(lists.shape[1]):
        chosen = lists[:, position : position + 1]
        found.append((logits.gather(1, chosen) - logits.logsumexp(1, keepdim=True)).squeeze(1))
        logits = logits.scatter(1, chosen, -torch.inf)
    return torch.stack(found, dim=1)
