"""Normalisation of white space and removal of invisible characters."""

from __future__ import annotations

import re

from likewise.data.cleaning.steps import TextStep

# Control characters other than white space, soft hyphens, zero-width and direction marks, fillers,
# variation selectors, surrogates without their partner, and tags.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def visible(text: str) -> str:
    """Return the text without invisible characters; white space is kept."""
    return text if text.isascii() and text.isprintable() else INVISIBLE.sub("", text)


class Whitespace(TextStep):
    """Replaces runs of white space by one space and removes invisible characters."""

    def text(self, text: str) -> str:
        """See ``TextStep``."""
        return " ".join(visible(text).split())
