"""Parsing of prices that people wrote."""

from __future__ import annotations

import math
import re
import unicodedata

CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW "
    "MXN MYR NOK NZD PHP PLN RMB RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
).lower()
NAMES = "dollars dollar euros euro pounds pound yen yuan kr zł lei rs rs. kč ft 元 円 원 руб руб."
CURRENCY = "|".join(
    [
        # A sign, and the letters of its country: US$, C$, HK$, R$.
        "[a-z]{0,3} ?[$£¤¥֏؋৳฿₠-⃀]",
        *(re.escape(name) for name in f"{CODES} {NAMES}".split()),
    ]
)
PRICE = re.compile(
    rf"(?P<before>{CURRENCY})? ?(?P<number>[0-9](?:[0-9 .,'’]*[0-9])?|[.,][0-9]+)"
    rf"(?:[.,][-–—]+)? ?(?P<after>{CURRENCY})?"
)
# Cents in small raised digits (19⁹⁹), which NFKC would append to the amount.
RAISED = re.compile("[¹²³⁰-⁹₀-₉]")
# Groups of three digits, or as in India of two before the last three; none starts with a zero.
GROUPED = re.compile(
    r"[1-9][0-9]{0,2}(?:([ .,'’])[0-9]{3})(?:\1[0-9]{3})*|"
    r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
)


def parse_price(text: str) -> float | None:
    """Return the amount of a price in any currency; ``None`` if the text is not a price.

    The text must hold one amount, with its currency or without, and nothing else: ``$1,299.00``,
    ``1.299,00 €``, ``USD 15``, ``￥99``, ``1 299,- kr``. A range, a negative amount, an amount in
    words and an amount beside other words are ``None``, as is one whose digits are not grouped as
    numbers are (``1,29,9``).

    Of two separators, the last is the decimal one. A single one is, unless three digits follow:
    then it groups thousands (``1,299``, ``1.299 €``) - except for a full stop without a currency,
    which is how programs write decimals (``1.299``), and after a zero (``0,299 €``).
    """
    if RAISED.search(text):
        return None
    found = PRICE.fullmatch(" ".join(unicodedata.normalize("NFKC", text).casefold().split()))
    if found is None:
        return None
    amount = _amount(found["number"], bool(found["before"] or found["after"]))
    return amount if amount is not None and math.isfinite(amount) else None


def _amount(number: str, has_currency: bool) -> float | None:
    if number.isdigit():
        return float(number)
    if GROUPED.fullmatch(number) and (has_currency or not re.fullmatch(r"[0-9]+\.[0-9]+", number)):
        return float(re.sub(r"[^0-9]", "", number))
    mark = re.findall("[^0-9]", number)[-1]
    whole, _, decimals = number.rpartition(mark)
    if mark not in ".," or mark in whole:
        return None
    if whole and not whole.isdigit() and not GROUPED.fullmatch(whole):
        return None
    return float(re.sub("[^0-9]", "", whole) + "." + decimals)
