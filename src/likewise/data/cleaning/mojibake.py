"""Text that was read in the wrong encoding, repaired."""

from __future__ import annotations

from ftfy import TextFixerConfig, fix_text

from likewise.data.cleaning.steps import TextStep

# The encoding alone: other steps clean markup, quotes, widths of letters and invisible characters.
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
    """Turns ``cafÃ©`` into ``café`` and ``â„¢`` into ``™``, by ftfy; all other text stays as it is.

    Speer, "ftfy: fixes text for you", 2019, https://doi.org/10.5281/zenodo.2591652. It goes before
    the step ``unicode``, which changes the characters by which a wrong encoding is recognised.
    """

    def text(self, text: str) -> str:
        """See ``TextStep``; text that was misread more than once is repaired as often."""
        return fix_text(text, ENCODING_ONLY)
