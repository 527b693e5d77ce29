"""Steps of the cleaning one at a time, and the whole chain."""

from __future__ import annotations

import pytest
from conftest import cleaning_steps
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.cleaning.boilerplate import Boilerplate
from likewise.data.cleaning.brand import Brand
from likewise.data.cleaning.markup import Markup
from likewise.data.cleaning.mojibake import Mojibake
from likewise.data.cleaning.unicode import Unicode
from likewise.data.cleaning.units import UnitSpelling
from likewise.data.cleaning.whitespace import Whitespace
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose

DEFAULT = cleaning_steps("default")


def cleaned(column: str, text: str | None) -> str | None:
    """A text of a column after the default chain."""
    batch = {column: [text]}
    for step in DEFAULT.values():
        batch = step.clean(batch)
    return batch[column][0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ１２３", "ABC123"),
        ("ﬁt e\u0301tui", "fit étui"),
        ("e\u200b\u0301", "é"),
        ("5″", "5′′"),
        ("plain", "plain"),
    ],
)
def test_unicode(text: str, expected: str):
    assert Unicode().text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R&amp;D &quot;x&quot; &#39;y&#x27;", "R&D \"x\" 'y'"),
        ("&amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt;", "bold"),
        ("&amp;amp;amp;lt;br&amp;gt;x", " x"),
        ("Wi<b>Fi</b> <a href='http://x/?a=1&b=2'>router</a>", "WiFi router"),
        ("one<br/>two<li class=x>three", "one two three"),
        ("a<script>if (a < b) x()</script>b<!-- <p> -->c", "a b c"),
        ("a < b", "a < b"),
        ("5 <6", "5 <6"),
        ("x<y and y>z, a<b and b>c", "x<y and y>z, a<b and b>c"),
        ("AT&T bags&region Black &amp White", "AT&T bags&region Black & White"),
        ("＜b＞wide＜/b＞", "＜b＞wide＜/b＞"),  # Unicode comes first
        ("&#xD800;&#1114112;", "\ufffd\ufffd"),
        ("&unknown; <3", "&unknown; <3"),
    ],
)
def test_markup(text: str, expected: str):
    assert Markup().text(text) == expected


def test_whitespace():
    assert Whitespace().text(" a\t\u3000b\u200bc\x00 \r\n d\ufeff\u00ad ") == "a bc d"
    assert Whitespace().text("\ud800x\x1c\x85y") == "x y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafÃ©", "café"),
        ("CafÃƒÂ©", "Café"),
        ("OfficeÂ® Proâ„¢ 19â€³", "Office® Pro™ 19″"),
        ("Â£5", "£5"),
        ("naïve Größe", "naïve Größe"),
        # What other steps clean stays for them.
        ("R&amp;D “ﬁt” １２\r\n\x07 e\u0301", "R&amp;D “ﬁt” １２\r\n\x07 e\u0301"),
    ],
)
def test_mojibake(text: str, expected: str):
    assert Mojibake().text(text) == expected


@given(st.text() | st.text("Ã©Ââ€™³éx"))
def test_mojibake_is_idempotent(text: str):
    once = Mojibake().text(text)
    assert Mojibake().text(once) == once


def test_repaired_is_the_default_after_a_repair():
    config = compose(["data=synthetic", "cleaning=repaired"]).cleaning
    assert list(config) == ["mojibake", *DEFAULT]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["16 GB", "16GB", "16gb", "16-GB", "16 gigabytes", "16 gigabyte"], "16GB"),
        (['55"', "55''", "55 ″", "55”", "55 inch", "55-inch", "55 inches", "55 in."], "55in"),
        (["2 l", "2 L", "2 litre", "2 liters", "2-Litre"], "2L"),
        (["1,500 ml", "1500ml", "1500 millilitres"], "1500ml"),
        (["12 fl. oz.", "12 fl oz", "12 fluid ounces"], "12floz"),
        (["4 oz.", "4 oz", "4-Ounce"], "4oz"),
        (["2.5 kg", "2.5kgs", "2.5 kilograms"], "2.5kg"),
        (["5000 mAh", "5000MAH", "5,000mAh", "5000毫安时"], "5000mAh"),
        (["60 W", "60w", "60-Watt", "60 watts"], "60W"),
        (["120 Hz", "120hz", "120 hertz"], "120Hz"),
        (["8x10 inches", "8x10 in.", "8x10in"], "8x10in"),
        (["3-1/2 in.", '3-1/2"'], "3-1/2in"),
        (["1,000", "1000"], "1000"),
        (["12,345,678.90", "12345678.90"], "12345678.90"),
    ],
)
def test_units_have_one_spelling(texts: list[str], expected: str):
    step = UnitSpelling()
    assert {step.text(step.text(Unicode().text(text))) for text in texts} == {expected}
    assert {step.text(f"x {Unicode().text(text)} y") for text in texts} == {f"x {expected} y"}


@pytest.mark.parametrize(
    "text",
    [
        "ABC-1,000X",
        "WH-1000XM4 W",
        "2 in 1",
        "2-in-1",
        "4G/64G 5 G",
        "6GRAM+128GROM",
        "3 w/ case",
        "6 Gb/s",
        '"SanDisk SDXC Class 10" 80MB/s',
        'pack of 5 "AA" cells',
        '"USB 3.0"@es',
        "1,00 1,0000 1,234,5",
        "size 42 M",
    ],
)
def test_units_leave_what_is_no_quantity(text: str):
    assert UnitSpelling().text(text) == text


def test_units_in_sentences():
    text = 'A 5" x 7" frame, 9.25 x 7.25 inch (1,000 pcs.), 屏幕6.4英寸屏, 8 GB/256 GB. "x" 5.5"TV'
    expected = 'A 5in x 7in frame, 9.25 x 7.25in (1000 pcs.), 屏幕6.4in屏, 8GB/256GB. "x" 5.5in TV'
    assert UnitSpelling().text(text) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["HP Inc.", "hp", "HP, INC", "Hewlett-Packard", "Hewlett Packard Co., Ltd."], "hp"),
        (["L'Oréal S.A.", "LOREAL", "l’oreal"], "loreal"),
        (["BLACK+DECKER", "Black & Decker", "black and decker"], "black and decker"),
        (["Tiffany & Co.", "tiffany"], "tiffany"),
        (["U.S. Polo Assn.", "US Polo Assn"], "us polo assn"),
        (["华为技术有限公司", "华为技术"], "华为技术"),
        (["ガラス", "ｶﾞﾗｽ"], "ガラス"),
        (["Inc."], "inc"),
        (["---", ""], None),
    ],
)
def test_brand(texts: list[str], expected: str | None):
    step = Brand(aliases={"Hewlett-Packard": "HP"})
    assert {step.text(text) for text in texts} == {expected}


def test_an_alias_of_an_alias_is_refused():
    with pytest.raises(LikewiseError, match="let it stand for c"):
        Brand(aliases={"a": "b", "b": "c"})


def test_boilerplate():
    descriptions = [
        "N/A",
        "No description available.",
        " - ",
        "",
        "Lorem ipsum dolor sit amet",
        "Red  SHIRT!",
        "Out of print",
        "A red shirt",
        None,
        "无",
    ]
    batch = {"title": ["red shirt"] * 10, "description": descriptions, "brand": ["n/a"] * 10}
    after = Boilerplate(phrases=["out of print"]).clean(batch)
    assert after["description"] == [None] * 7 + ["A red shirt", None, None]
    assert after["brand"] == [None] * 10
    assert after["title"] == ["red shirt"] * 10
    assert batch["description"] == descriptions
    assert Boilerplate().clean({"description": ["red shirt", None]}) == {
        "description": ["red shirt", None]
    }


PIECES = (
    "< > & amp; lt; gt; &# 39; &nbsp; &quot x b br </b> div= = \" '' ” “ ″ ′ 1 5 1,000 12 , . - / "
    "in in. inch GB W l oz fl. e ＜ ＞ ＆ script </script> <!-- --> 英寸 × # ¨ ﬁ Inc. Co & + and "
    "有限公司 S.A. N/A none İ ß ΐ カ ' &#x3c; ½ ② w @"
)


BLANKS = [" ", "  ", "\u200b", "\u0301", "\u3099", "\u00a0", "\ud800", "\x00", "\x1c"]


nasty = st.lists(st.sampled_from([*PIECES.split(), *BLANKS]), max_size=12).map("".join)


any_text = st.text(st.characters(exclude_categories=())) | nasty


@settings(deadline=None, max_examples=600)
@given(any_text, st.sampled_from(["title", "description", "brand", "category"]))
def test_the_chain_never_fails_and_is_idempotent(text: str, column: str):
    once = cleaned(column, text)
    assert cleaned(column, once) == once
    if once is not None:
        once.encode()  # no surrogate is left


MODELS = st.from_regex(
    r"[A-Z]{1,4}-?[0-9]{1,4}(,[0-9]{3})?[A-Z]{0,3}(-[A-Z0-9]{1,3})?", fullmatch=True
)


UNIT = ["GB", "TB", "in", "oz", "ml", "L", "kg", "g", "W", "mAh", "Hz", "ft", "mm", "V"]


SIZES = st.sampled_from(["XS", "S", "M", "L", "XL", "XXL", "42", "42.5", "8.5", "10"]) | st.builds(
    "{}{}".format, st.integers(1, 3000), st.sampled_from(UNIT)
)


SHADES = "black white red blue navy green gold silver grey rose-gold 黑色 白色 金色 深空灰 宝石蓝"


COLOURS = st.sampled_from(SHADES.split())


WORDS = st.lists(
    st.sampled_from(["Sony", "case", "for", "手机", "5 in 1", '"new"', "&amp;", "16 GB"])
)


@settings(deadline=None, max_examples=300)
@given(WORDS, WORDS, st.sampled_from([MODELS, SIZES, COLOURS]).flatmap(lambda s: st.tuples(s, s)))
def test_products_that_differ_stay_different(before: list, after: list, pair: tuple[str, str]):
    one, other = (cleaned("title", " ".join([*before, token, *after])) for token in pair)
    assert (one == other) == (pair[0] == pair[1])


def test_missing_values_and_columns():
    batch = {"title": [None, "a"], "reviews": [None, [None, "x "]], "price": [None, 1.0]}
    for step in DEFAULT.values():
        batch = step.clean(batch)
    assert batch == {"title": [None, "a"], "reviews": [None, [None, "x"]], "price": [None, 1.0]}
