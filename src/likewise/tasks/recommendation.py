"""Recommending products to people by what they did before."""

from __future__ import annotations

from likewise.data.relevance import Events
from likewise.tasks.catalogue_ranking import CatalogueRanking


class Recommendation(CatalogueRanking):
    """Ranks the whole catalogue for each user by the user's events of the earlier splits.

    The products of the user's events in the tested split are to be found. Users without such events
    do not count. For the arguments see ``CatalogueRanking``.
    """

    relevance = Events
