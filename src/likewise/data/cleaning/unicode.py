"""Normalisation of characters that look the same."""

from __future__ import annotations

import unicodedata

from likewise.data.cleaning.steps import TextStep
from likewise.data.cleaning.whitespace import visible


def composed(text: str) -> str:
    """The text in NFKC, so that ``ﬁ`` is ``fi``, ``１`` is ``1`` and ``e`` with an accent is ``é``.

    Invisible characters are removed first; otherwise one between a letter and its accent would
    prevent their composition.
    """
    return unicodedata.normalize("NFKC", visible(text))


class Unicode(TextStep):
    """Normalises text to NFKC; see ``composed``."""

    def text(self, text: str) -> str:
        """See ``TextStep``."""
        return composed(text)
