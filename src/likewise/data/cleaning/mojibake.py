"""Repair of text that was decoded with the wrong encoding."""

from __future__ import annotations

from ftfy import TextFixerConfig, fix_text

from likewise.data.cleaning.steps import TextStep

# ftfy repairs the encoding only; other steps clean markup, quotes and invisible characters.
ENCODING_ONLY = TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    fix_surrogates=False,
    remove_control_chars=False,
    normalization=None,
    explain=False,
)


class Mojibake(TextStep):
    """Turns ``cafÃ©`` into ``café`` and ``â„¢`` into ``™``, by ftfy; other text is not changed.

    Speer, "ftfy: fixes text for you", 2019, https://doi.org/10.5281/zenodo.2591652. It must run
    before the step ``unicode``, which changes the characters that reveal a wrong encoding.
    """

    def text(self, text: str) -> str:
        """See ``TextStep``; text that was decoded wrongly several times is repaired completely."""
        return fix_text(text, ENCODING_ONLY)
