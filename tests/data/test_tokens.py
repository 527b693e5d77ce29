"""Tokens of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.data.tokens import tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iPhone14 手机壳", "iphone14 手机 机壳"),
        ("华为（HUAWEI）P20 壳 6G+64G", "华为 huawei p20 壳 6g 64g"),
        ("スマホ6.4英寸", "スマ マホ 6.4 英寸"),
        ("Sony WH-1000XM4 Noise-Canceling", "sony wh-1000xm4 noise canceling"),
        ("16GB 3.5mm 1/2in 8GB/256GB f/1.8", "16gb 3.5mm 1/2in 8gb 256gb f 1.8"),
        ("Men's L’Oréal, (red) AT&T", "mens loréal red at t"),
        ("नेस्ले चॉकलेट", "नेस्ले चॉकलेट"),
        ("\ud800 -- _", ""),
    ],
)
def test_tokens(text: str, expected: str):
    assert tokens(text) == expected.split()


@given(st.text())
def test_tokens_never_fail_and_are_never_empty(text: str):
    assert all(tokens(text))
