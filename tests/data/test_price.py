"""Prices as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.data.cleaning.price import parse_price


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,299.00", 1299.0),
        ("1.299,00 €", 1299.0),
        ("USD 15", 15.0),
        ("15 usd", 15.0),
        ("US $1,299.5", 1299.5),
        ("￥99", 99.0),
        ("99元", 99.0),
        ("R$ 1.299,00", 1299.0),
        ("1 299,- kr", 1299.0),
        ("1\u202f299,50\u00a0€", 1299.5),
        ("1'299.00 CHF", 1299.0),
        ("₹1,29,999.00", 129999.0),
        ("1.299.000", 1299000.0),
        (" 0 ", 0.0),
        (".99", 0.99),
        # One separator before three digits: thousands, if neither a program's decimals nor 0.
        ("1,299", 1299.0),
        ("1.299 €", 1299.0),
        ("1.299", 1.299),
        ("0,299 €", 0.299),
        ("12,5", 12.5),
        ("1.2345", 1.2345),
    ],
)
def test_prices(text: str, expected: float):
    assert parse_price(text) == expected


NO_PRICES = ["", "-5", "−$5", "($5)", "$10 - $20", "10–20", "10 to 20", "free", "15 GB", "1,29,9"]


NO_NUMBERS = ["15.00 each", "1,299,00", "12 34", "19⁹⁹", "5½", "$", "nan", "inf", "9" * 400, "1e3"]


@pytest.mark.parametrize("text", [*NO_PRICES, *NO_NUMBERS])
def test_what_is_no_price(text: str):
    assert parse_price(text) is None


@given(st.text() | st.text("0123456789.,' -$€", max_size=12))
def test_prices_are_finite_and_not_negative(text: str):
    price = parse_price(text)
    assert price is None or 0 <= price < float("inf")


@given(
    st.decimals(0, 10**7, places=2),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
)
def test_prices_are_read_as_they_were_written(amount: Any, marks: tuple[str, str]):
    written = f"{amount:,.2f}".replace(",", "t").replace(".", marks[1]).replace("t", marks[0])
    assert parse_price(f"EUR {written}") == float(amount)
