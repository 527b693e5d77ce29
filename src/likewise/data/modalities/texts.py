"""What every reader of texts does first."""

from __future__ import annotations


def readable(text: str | None, most: int) -> str:
    """At most ``most`` characters; a missing text is empty, half of a surrogate pair is ``?``."""
    return (text or "")[:most].encode("utf-8", "replace").decode("utf-8")
