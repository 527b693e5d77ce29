"""Removal of HTML tags, comments and entities, even if they were escaped twice."""

from __future__ import annotations

import html
import re

from likewise.data.cleaning.steps import TextStep
from likewise.data.cleaning.unicode import composed

# Without its semicolon an entity is often part of a word ("bags&region" holds "&reg"), so that
# only the commonest are read, and only at the end of a word.
ENTITY = re.compile(
    r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:amp|lt|gt|quot|nbsp)(?![A-Za-z0-9;=]))"
)
ESCAPED_AGAIN = re.compile(r"&(?:amp;)+")

# What may follow the name of a tag. After one letter only nothing, or attributes with values: in
# "a <b and b> c" letters are compared, while nobody compares as in "<div and div>".
STRICT = r"(?:\s[^<>]*=[^<>]*|\s*/?)"
LOOSE = r"(?:\s[^<>]*|/)?"
# These tags may be inside a word ("Wi<b>Fi</b>"); all others separate words.
INLINE = "abbr|acronym|bdi|bdo|big|del|em|font|ins|mark|small|span|strike|strong|tt|wbr"
BLOCK = (
    "address|area|article|aside|audio|base|blockquote|body|br|button|canvas|caption|center|cite|"
    "code|col|colgroup|data|datalist|dd|details|dfn|dialog|dir|div|dl|dt|embed|fieldset|figcaption|"
    "figure|footer|form|frame|frameset|h[1-6]|head|header|hgroup|hr|html|iframe|img|input|kbd|"
    "label|legend|li|link|main|map|menu|meta|meter|nav|noscript|object|ol|optgroup|option|output|"
    "param|picture|pre|progress|samp|script|section|select|source|style|sub|summary|sup|svg|table|"
    r"tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track|ul|var|video|[a-z]+:[a-z]+"
)
TAG = re.compile(
    rf"</?(?:(?P<inline>[abisu]{STRICT}|(?:{INLINE}){LOOSE})|[pq]{STRICT}|(?:{BLOCK}){LOOSE})>",
    re.IGNORECASE,
)
UNSEEN = re.compile(
    r"<!--.*?-->|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>|<(script|style)\b[^<>]*>.*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)


class Markup(TextStep):
    """Replaces HTML by the text that a browser would show, on one line.

    Only the elements of HTML are tags, so that "a < b" and "5 <6" are kept. Entities are resolved
    until none is left, whether or not the tags they hide were meant to be read.
    """

    def text(self, text: str) -> str:
        """See ``TextStep``."""
        while "<" in text or "&" in text:
            text, before = _once(text), text
            if text == before:
                break
        return text


def _once(text: str) -> str:
    text = ESCAPED_AGAIN.sub("&", text)
    text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = TAG.sub(_space, UNSEEN.sub(" ", text))
    # Characters from entities, and characters that a tag separated, are not composed yet.
    return composed(text)


def _space(tag: re.Match[str]) -> str:
    return "" if tag["inline"] else " "
