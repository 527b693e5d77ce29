"""One spelling of characters that look alike."""

from __future__ import annotations

import unicodedata

from likewise.data.cleaning.steps import TextStep
from likewise.data.cleaning.whitespace import visible


def composed(text: str) -> str:
    """The text in NFKC, so that ``ﬁ`` is ``fi``, ``１`` is ``1`` and ``e`` with an accent is ``é``.

    Invisible characters go first: between a letter and its accent, they would hide one from the
    other until a later step took them out.
    """
    return unicodedata.normalize("NFKC", visible(text))


class Unicode(TextStep):
    """NFKC, see ``composed``."""

    def text(self, text: str) -> str:
        """See ``TextStep``."""
        return composed(text)
