"""A policy whose parameters are a strategy of similarity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from likewise.data.contexts import Contexts
from likewise.errors import LikewiseError
from likewise.policies.base import Policy
from likewise.policies.signals import Signal

if TYPE_CHECKING:
    from likewise.data.module import ProductModule


class SimilarityPolicy(Policy):
    """Softmax over a weighted sum of signals; weights, temperature and candidates are learned.

    The score of a product is Σ_s w_s z_s / (‖w‖ T) with the signals z, the weights w and the
    temperature T. Each signal is also a source of candidates: with ``candidates``, a context is
    first given a source, by learned probabilities, and then a product among the best of that source
    by the softmax. The whole catalogue is one source more, so that no product has probability 0.

    Args:
        signals: by name.
        weights: initial weights by name; 1 for those that are not named.
        temperature: the initial one; smaller is greedier.
        candidates: number of candidates that each signal gives; ``None`` uses the whole catalogue.
    """

    def __init__(
        self,
        signals: Mapping[str, Signal],
        weights: Mapping[str, float] | None = None,
        temperature: float = 1.0,
        candidates: int | None = None,
    ) -> None:
        super().__init__()
        given = dict(weights or {})
        if not signals or not set(given) <= set(signals):
            raise LikewiseError(
                "policy.weights must name signals, of which there are "
                f"{', '.join(signals) or 'none'}"
            )
        if not temperature > 0 or (candidates is not None and candidates < 1):
            raise LikewiseError(
                f"policy.temperature={temperature} must be above 0, and candidates={candidates} at "
                "least 1 or null"
            )
        self.signals = nn.ModuleDict(signals)
        initial = torch.tensor([float(given.get(name, 1.0)) for name in signals])
        if not initial.any():
            raise LikewiseError("policy.weights must not all be 0; use policy=uniform")
        self.weights = nn.Parameter(initial)
        self.log_temperature = nn.Parameter(torch.tensor(float(temperature)).log())
        self.candidates = candidates
        self.sources = nn.Parameter(torch.zeros(len(signals) + 1)) if candidates else None

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``."""
        for signal in self.signals.values():
            if isinstance(signal, Signal):
                signal.prepare(module)
        self.to(self.weights.device)

    def context_weights(self, contexts: Contexts) -> Tensor:
        """Return the weights of the signals, [s] for all contexts or [m, s]."""
        return self.weights

    def logits(self, contexts: Contexts) -> Tensor:
        """See ``Policy``."""
        return self.combine(self.signal_values(contexts.links), contexts)

    def signal_values(self, links: Tensor) -> Tensor:
        """Return all signals, float32 [s, m, n], for links float32 [m, n]."""
        return torch.stack([signal(links) for signal in self.signals.values()])

    def combine(self, found: Tensor, contexts: Contexts) -> Tensor:
        """Return the logits [m, n] from the signals, float32 [s, m, n]."""
        weights = self.context_weights(contexts).expand(len(contexts), -1)
        weights = weights / weights.norm(dim=1, keepdim=True).clamp_min(1e-12)
        scores = torch.einsum("ms,smn->mn", weights, found) / self.log_temperature.exp()
        if self.sources is None or self.candidates is None:
            return scores
        best = found.topk(min(self.candidates, scores.shape[1]), dim=2).indices
        chosen = torch.zeros_like(found, dtype=torch.bool).scatter_(2, best, True)
        chosen = torch.cat([chosen, torch.ones_like(chosen[:1])])
        within = scores.masked_fill(~chosen, -torch.inf).log_softmax(2)
        return (self.sources.log_softmax(0)[:, None, None] + within).logsumexp(0)

    def describe(self) -> str:
        """See ``Policy``: weights of length 1, the temperature and the shares of the sources."""
        weights = (self.weights / self.weights.norm()).tolist()
        said = [f"{name} {one:.2f}" for name, one in zip(self.signals, weights, strict=True)]
        text = f"weights {', '.join(said)}; temperature {self.log_temperature.exp().item():.3f}"
        if self.sources is None:
            return text
        names = [*self.signals, "whole catalogue"]
        shares = zip(names, self.sources.softmax(0).tolist(), strict=True)
        return f"{text}; sources {', '.join(f'{name} {one:.2f}' for name, one in shares)}"
