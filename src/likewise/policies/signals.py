"""Signals of a similarity policy: how well each product suits a context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor, nn

from likewise.data.relevance import LoggedFeedback
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from likewise.data.module import ProductModule


class Signal(nn.Module):
    """A number for each context and product, from the products that a context is linked with.

    What it knows of the catalogue is read again whenever a run is opened, and is not saved with it.
    """

    values: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("values", torch.empty(0), persistent=False)

    def prepare(self, module: ProductModule) -> None:
        """Read the catalogue, or the training rounds of the log."""

    def forward(self, links: Tensor) -> Tensor:
        """Map links float32 [m, n], see ``Contexts``, to the signal, float32 [m, n].

        Here each product counts by its similarity to the linked ones, float32 [n, n] in ``values``.
        """
        return links @ self.values


class HistorySignal(Signal):
    """The links themselves, such as past clicks of the person."""

    def forward(self, links: Tensor) -> Tensor:
        """See ``Signal``."""
        return links


class AttributeSignal(Signal):
    """Cosine of the attributes that products share, weighted by inverse document frequency."""

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``."""
        from likewise.data.properties import properties

        table = properties(module.data.catalogue)
        counts = np.asarray(table.sum(0)).ravel()
        self.values = _cosine(table @ diags(np.log(table.shape[0] / np.maximum(counts, 1))))


class TitleSignal(Signal):
    """Cosine of the TF-IDF vectors of titles."""

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``.

        Raises:
            LikewiseError: the products have no titles.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        catalogue = module.data.catalogue
        if "title" not in catalogue.column_names:
            raise LikewiseError("TitleSignal needs titles, which these products do not have")
        titles = [title or "" for title in catalogue["title"][:]]
        self.values = _cosine(TfidfVectorizer(min_df=1).fit_transform(titles))


class ClickRateSignal(Signal):
    """The mean reward of each product in the training rounds, the same for every context.

    Args:
        prior_rounds: number of rounds with the mean reward of the whole log that are added to those
            of each product.
    """

    def __init__(self, prior_rounds: float = 100.0) -> None:
        super().__init__()
        self.prior_rounds = prior_rounds

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``; the largest mean is scaled to 1."""
        feedback = module.data.get(LoggedFeedback, "ClickRateSignal")
        rows, size = feedback.splits["train"], len(module.data.catalogue)
        action, reward = feedback.action[rows], feedback.reward[rows]
        shown = np.bincount(action, minlength=size) + self.prior_rounds
        prior = self.prior_rounds * (reward.mean() if len(rows) else 0.0)
        rate = (np.bincount(action, reward, minlength=size) + prior) / np.maximum(shown, 1e-12)
        self.values = torch.from_numpy(rate / (np.abs(rate).max() or 1.0)).float()

    def forward(self, links: Tensor) -> Tensor:
        """See ``Signal``."""
        return self.values.expand(len(links), -1)


def _cosine(vectors: csr_matrix) -> Tensor:
    lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(1)).ravel())
    unit = diags(1 / np.where(lengths > 0, lengths, 1)) @ vectors
    return torch.from_numpy((unit @ unit.T).toarray()).float()
