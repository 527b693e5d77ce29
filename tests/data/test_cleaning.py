"""Cleaning: worked examples for each step, and what must hold for every text."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
from datasets import Dataset, Image, load_from_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from PIL import Image as Pillow

from likewise.data import picture_check
from likewise.data.catalogue import make_catalogue
from likewise.data.cleaning.boilerplate import Boilerplate
from likewise.data.cleaning.brand import Brand
from likewise.data.cleaning.catalogue import clean_catalogue
from likewise.data.cleaning.markup import Markup
from likewise.data.cleaning.mojibake import Mojibake
from likewise.data.cleaning.pictures import Pictures
from likewise.data.cleaning.price import parse_price
from likewise.data.cleaning.steps import Step
from likewise.data.cleaning.unicode import Unicode
from likewise.data.cleaning.units import Units
from likewise.data.cleaning.whitespace import Whitespace
from likewise.data.images import image_dataset
from likewise.data.picture_check import UnusablePicture, placeholders, read_picture, why_unusable
from likewise.data.tokens import tokens
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "cleaning"


def configured(name: str) -> dict[str, Step]:
    config: Any = OmegaConf.load(CONFIGS / f"{name}.yaml")
    return {step: hydra.utils.instantiate(part) for step, part in config.items()}


DEFAULT = configured("default")


def cleaned(column: str, text: str | None) -> str | None:
    """A text of a column after the default chain."""
    batch = {column: [text]}
    for step in DEFAULT.values():
        batch = step.clean(batch)
    return batch[column][0]


# --- one step at a time -------------------------------------------------------------------------


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
    step = Units()
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
    assert Units().text(text) == text


def test_units_in_sentences():
    text = 'A 5" x 7" frame, 9.25 x 7.25 inch (1,000 pcs.), 屏幕6.4英寸屏, 8 GB/256 GB. "x" 5.5"TV'
    expected = 'A 5in x 7in frame, 9.25 x 7.25in (1000 pcs.), 屏幕6.4in屏, 8GB/256GB. "x" 5.5in TV'
    assert Units().text(text) == expected


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


# --- tokens -------------------------------------------------------------------------------------


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


# --- the whole chain ----------------------------------------------------------------------------

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


# --- a catalogue --------------------------------------------------------------------------------


def encoded(mode: str = "RGB", size: tuple[int, int] = (12, 9), kind: str = "PNG", seed: int = 0):
    channels = len(Pillow.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels, mode).save(file, kind)
    return file.getvalue()


def products() -> Dataset:
    return make_catalogue(
        {
            "product_id": ["a", "b", "c"],
            "title": ["R&amp;D  16 gigabytes", "plain", None],
            "brand": ["HP Inc.", None, "hp"],
            "price": [1.0, None, 3.0],
            "attributes": [[{"name": "size", "value": '5"'}], [], None],
            "image": [{"bytes": encoded(), "path": None}, {"bytes": b"broken", "path": None}, None],
            "reviews": [["ok", "<b>good</b>"], None, []],
        }
    )


TEXT_STEPS = {name: step for name, step in DEFAULT.items() if name != "pictures"}


def test_a_catalogue_and_its_changes():
    before = products()
    after, changes = clean_catalogue(before, TEXT_STEPS)
    assert after.features == before.features
    assert after["title"][:] == ["R&D 16GB", "plain", None]
    assert after["brand"][:] == ["hp", None, "hp"]
    assert after["attributes"][0] == [{"name": "size", "value": "5in"}]
    assert after["reviews"][:] == [["ok", "good"], None, []]
    assert after["price"][:] == [1.0, None, 3.0]
    told = {(change.step, change.column): (change.count, change.examples) for change in changes}
    assert told == {
        ("markup", "title"): (1, [("R&amp;D  16 gigabytes", "R&D  16 gigabytes")]),
        ("markup", "reviews"): (1, [("<b>good</b>", "good")]),
        ("whitespace", "title"): (1, [("R&D  16 gigabytes", "R&D 16 gigabytes")]),
        ("units", "title"): (1, [("R&D 16 gigabytes", "R&D 16GB")]),
        ("units", "attributes"): (1, [('5"', "5in")]),
        ("brand", "brand"): (1, [("HP Inc.", "hp")]),
    }
    assert [change.step for change in changes] == sorted(
        (change.step for change in changes), key=list(DEFAULT).index
    )
    assert clean_catalogue(after, TEXT_STEPS)[1] == []


def test_changes_are_counted_over_batches():
    titles = [f"{row} GB" if row % 3 else f"{row}" for row in range(2500)]
    catalogue = make_catalogue({"product_id": [str(row) for row in range(2500)], "title": titles})
    after, changes = clean_catalogue(catalogue, {"units": Units()})
    assert after["title"][:] == [title.replace(" ", "") for title in titles]
    assert [(change.count, len(change.examples)) for change in changes] == [(1666, 3)]


def test_memory_stays_memory_and_disk_stays_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def opened(*_: Any) -> None:
        raise AssertionError("a picture was decoded")

    products().save_to_disk(str(tmp_path / "catalogue"))
    on_disk = load_from_disk(str(tmp_path / "catalogue"))
    with monkeypatch.context() as patch:
        patch.setattr(Pillow, "open", opened)
        in_memory, _ = clean_catalogue(products(), TEXT_STEPS)
        mapped, _ = clean_catalogue(on_disk, TEXT_STEPS)
        again, changes = clean_catalogue(on_disk, TEXT_STEPS)
    assert not in_memory.cache_files
    assert len(list((tmp_path / "catalogue").glob("cache-*.arrow"))) == 1
    assert {Path(file["filename"]).parent for file in mapped.cache_files} == {
        tmp_path / "catalogue"
    }
    raw = [data.cast_column("image", Image(decode=False))[:] for data in (in_memory, mapped, again)]
    assert raw[0] == raw[1] == raw[2]
    assert len(changes) == 6


def test_selected_rows_are_cleaned_in_their_order():
    after, _ = clean_catalogue(products().select([2, 0]), TEXT_STEPS)
    assert after["product_id"][:] == ["c", "a"]
    assert after["title"][:] == [None, "R&D 16GB"]


def test_licence_and_citation_stay():
    catalogue = products()
    catalogue.info.license, catalogue.info.citation = "CC0", "Someone, 2024"
    info = clean_catalogue(catalogue, TEXT_STEPS)[0].info
    assert (info.license, info.citation) == ("CC0", "Someone, 2024")


def test_no_steps_change_nothing():
    catalogue = products()
    assert configured("none") == {}
    assert clean_catalogue(catalogue, {}) == (catalogue, [])


def test_a_column_that_no_catalogue_has():
    with pytest.raises(LikewiseError, match=r"cleaning\.units\.columns names titel"):
        clean_catalogue(products(), {"units": Units(columns=["titel"])})


def test_pictures_of_a_catalogue(tmp_path: Path):
    shared, good = encoded(seed=1), encoded(seed=2)
    (tmp_path / "good.png").write_bytes(good)
    catalogue = make_catalogue(
        {
            "product_id": [str(row) for row in range(26)],
            "image": [{"bytes": shared, "path": None}] * 21
            + [
                {"bytes": good, "path": None},
                {"bytes": None, "path": str(tmp_path / "good.png")},
                {"bytes": None, "path": str(tmp_path / "none.png")},
                {"bytes": good[:60], "path": None},
                None,
            ],
        }
    )
    after, changes = clean_catalogue(catalogue, DEFAULT)
    assert [row for row, image in enumerate(after["image"]) if image is not None] == [21, 22]
    assert [(change.step, change.count) for change in changes] == [("pictures", 23)]
    assert changes[0].examples == [("repeated placeholder", None)] * 3
    fewer, changes = clean_catalogue(catalogue.select(range(2, 26)), DEFAULT)
    assert changes[0].examples == [("missing file", None), ("corrupt", None)]
    assert sum(image is not None for image in fewer["image"]) == 21


def test_pixels_are_left_alone():
    catalogue = image_dataset({"product_id": ["a"]}, np.zeros((1, 1, 9, 9), np.uint8))
    assert clean_catalogue(catalogue, {"pictures": Pictures()}) == (catalogue, [])


# --- pictures -----------------------------------------------------------------------------------


def saved(picture: Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def corner(mode: str, colour: Any, kind: str = "PNG", **options: Any) -> tuple[int, ...]:
    """The first pixel, as it is read, of a picture that has one other pixel elsewhere."""
    picture = Pillow.new(mode, (10, 10), colour)
    picture.paste(Pillow.new("L", (3, 3)).convert(mode), (7, 7))
    return read_picture(saved(picture, kind, **options)).getpixel((0, 0))  # type: ignore[return-value]


def test_all_modes_become_rgb():
    assert corner("RGB", (1, 2, 3)) == (1, 2, 3)
    assert corner("L", 200) == (200,) * 3
    assert corner("1", 1) == (255,) * 3
    assert corner("RGBA", (255, 0, 0, 255)) == (255, 0, 0)
    assert corner("RGBA", (9, 9, 9, 0)) == (255,) * 3
    assert corner("LA", (0, 128)) == (127,) * 3
    assert corner("I;16", 32896) == (128,) * 3
    assert corner("CMYK", (0, 255, 255, 0), "TIFF") == (255, 0, 0)
    assert corner("F", 0.5, "TIFF") == (128,) * 3
    palette = Pillow.new("P", (10, 10), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((9, 9), 0)
    assert read_picture(saved(palette)).getpixel((0, 0)) == (10, 20, 30)
    assert read_picture(saved(palette, transparency=1)).getpixel((0, 0)) == (255,) * 3


def test_exif_orientation_is_applied():
    picture = Pillow.new("RGB", (20, 10))
    picture.paste((255, 255, 255), (0, 0, 10, 10))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    read = read_picture(saved(picture, "PNG", exif=exif))
    assert read.size == (10, 20)
    assert [read.getpixel((5, y)) for y in (2, 17)] == [(255,) * 3, (0,) * 3]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (lambda folder: folder / "none.png", "missing file"),
        (lambda folder: folder, "no regular file"),
        (lambda folder: "\0", "missing file"),
        (lambda folder: b"", "corrupt"),
        (lambda folder: b"GIF89a", "corrupt"),
        (lambda folder: encoded()[:80], "corrupt"),
        (lambda folder: encoded(size=(7, 30)), "too small"),
        (lambda folder: saved(Pillow.new("RGB", (30, 30), "red")), "single colour"),
        (lambda folder: saved(Pillow.new("RGBA", (30, 30), (1, 2, 3, 0))), "single colour"),
        (lambda folder: encoded(size=(8, 8)), None),
    ],
)
def test_unusable_pictures(source: Callable[[Path], Any], reason: str | None, tmp_path: Path):
    assert why_unusable(source(tmp_path)) == reason


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [100, 10])
def test_decompression_bombs(limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", limit)  # 108 pixels: a warning, an error
    with pytest.raises(UnusablePicture, match="too large"):
        read_picture(encoded())


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(deadline=None, max_examples=200)
@given(st.data())
def test_damaged_pictures_never_crash(data: st.DataObject):
    whole = bytearray(encoded(kind=data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"]))))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    assert why_unusable(bytes(whole[: data.draw(st.integers(0, len(whole)))])) in (
        None, "corrupt", "too small", "too large", "single colour"
    )  # fmt: skip


def test_placeholders_need_both_a_number_and_a_share():
    digests = np.repeat(np.arange(3, dtype=np.uint64), [19, 20, 21])
    assert placeholders(digests).tolist() == [1, 2]
    many = np.concatenate([digests, np.arange(10, 1990, dtype=np.uint64)])
    assert placeholders(many).tolist() == [2]  # 1 % of 2040 is 20.4
    assert placeholders(digests[:0]).tolist() == []
    same = {picture_check.digest(encoded()), picture_check.digest(encoded())}
    assert len(same) == 1
    assert picture_check.digest(encoded(seed=1)) not in same
