"""A history as a row of weights, the latest events first."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from likewise.data.histories import Histories


def history_weights(histories: Histories, size: int, recent: int, decay: float) -> csr_matrix:
    """float32 [u, size]: each person's latest products; the weights of a person sum to 1.

    Args:
        size: of the catalogue.
        recent: latest events that count; 0 for all.
        decay: weight of an event relative to the one after it.
    """
    ages = histories.ages
    weights = decay**ages * (ages < recent if recent else 1.0)
    table = histories.matrix(size, weights)
    totals = np.asarray(table.sum(1)).ravel()
    return (diags((1 / np.where(totals > 0, totals, 1)).astype(np.float32)) @ table).tocsr()
