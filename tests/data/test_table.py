"""Catalogues of a user's own from tables: broken rows, pictures and the store."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from likewise.cli import main
from likewise.data.images import image_array
from likewise.data.relevance import Groups
from likewise.data.sources.table import TableSource
from likewise.data.table import csv_rows
from likewise.data.table.findings import Defect

pytestmark = pytest.mark.usefixtures("cache")
HEADER = ["product_id", "title", "photo", "sku", "price", "split"]


MAPPING = {"image": "photo", "group": "sku"}


GROUPS = 10


KINDS = [
    Defect.FIELDS,
    Defect.PICTURE_MISSING,
    Defect.PICTURE_CORRUPT,
    Defect.PICTURE_FLAT,
    Defect.PICTURE_SMALL,
    Defect.DUPLICATE,
    Defect.NO_ID,
    Defect.NO_TITLE,
    Defect.PRICE,
    Defect.TEXT,
    Defect.NO_GROUP,
    Defect.SPLIT,
]


STAY = {Defect.NO_ID, Defect.NO_TITLE, Defect.PRICE, Defect.TEXT, Defect.NO_GROUP, Defect.SPLIT}


def png(seed: int, group: int = 0, size: tuple[int, int] = (20, 24)) -> bytes:
    """A picture of a bar whose place and colour tell the group, under noise."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 90, (*size, 3))
    start = size[0] * (group % GROUPS) // GROUPS
    pixels[start : start + 3, :, group % 3] = 230
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def write_shop(folder: Path, products: int, broken: int) -> tuple[Counter[Defect], set[str]]:
    """``products.csv`` and ``pictures``; the last ``broken`` rows are so in all ways by turns.

    Returns:
        how many rows are broken in which way, and the ids of the good ones.
    """
    (folder / "pictures").mkdir(parents=True)
    lines, counts, good = [HEADER], Counter[Defect](), set()
    for row in range(products):
        group, name = row % GROUPS, f"pictures/{row}.png"
        part = ("train", "train", "train", "dev", "test")[(row + row // GROUPS) % 5]
        picture: bytes | None = png(row, group)
        fields = [f"p{row}", f'Thing, "{row}"', name, f"sku {group}", f"{row}.50", part]
        if row < products - broken:
            good.add(f"p{row}")
        else:
            kind = KINDS[row % len(KINDS)]
            counts[kind] += 1
            if kind is Defect.FIELDS:
                fields = fields[:-2] if row % 2 else [*fields, "more"]
            elif kind is Defect.PICTURE_MISSING:
                picture = None
            elif kind is Defect.PICTURE_CORRUPT:
                picture = png(row)[:200]
            elif kind is Defect.PICTURE_FLAT:
                file = io.BytesIO()
                Image.new("RGB", (20, 20), "white").save(file, "PNG")
                picture = file.getvalue()
            elif kind is Defect.PICTURE_SMALL:
                picture = png(row, size=(2, 2))
            elif kind is Defect.DUPLICATE:
                fields[0] = f"p{row % 7}"
            elif kind is Defect.TEXT:
                fields[1] = "Caf\udce9 \x07cup"
            else:
                empty = {Defect.NO_ID: 0, Defect.NO_TITLE: 1, Defect.NO_GROUP: 3}
                wrong = {Defect.PRICE: (4, "ask us"), Defect.SPLIT: (5, "holdout")}
                place, text = wrong.get(kind) or (empty[kind], "")
                fields[place] = text
        if picture:
            (folder / name).write_bytes(picture)
        lines.append(fields)
    with (folder / "products.csv").open("w", newline="", errors="surrogateescape") as file:
        csv.writer(file).writerows(lines)
    return counts, good


def told(findings: list[str]) -> Counter[Defect]:
    """The counts of the sentences."""
    found = Counter[Defect]()
    for sentence in findings:
        for kind in Defect:
            if f": {kind.value[1]} (" in sentence:
                found[kind] = int(sentence.split()[0])
    return found


def test_every_kind_of_broken_row_is_counted_and_no_good_row_is_lost(tmp_path: Path) -> None:
    counts, good = write_shop(tmp_path / "shop", 500, 25)
    assert len(counts) == 12
    data = TableSource(str(tmp_path / "shop/products.csv"), MAPPING, image_size=24).load()
    assert told(data.findings) == counts
    assert good <= set(data.catalogue["product_id"][:])
    assert len(data.catalogue) == 475 + sum(counts[kind] for kind in STAY)
    places = {kind: 2 + row for row in range(475, 500) for kind in [KINDS[row % len(KINDS)]]}
    for kind in KINDS:
        (sentence,) = [text for text in data.findings if f": {kind.value[1]} (" in text]
        assert str(places[kind]) in sentence
    used = np.concatenate(list(data.splits.values()))
    assert len(np.unique(used)) == len(used)
    assert len(used) == len(data.catalogue) - counts[Defect.NO_GROUP] - counts[Defect.SPLIT]
    assert np.isin(used, data.get(Groups).products).all()


def test_what_is_kept_is_mended(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 30, 12)
    data = TableSource(str(tmp_path / "shop/products.csv"), MAPPING, image_size=24).load()
    rows = data.catalogue.remove_columns("image").to_list()
    mended = {
        kind: next((r for r in rows if r["product_id"] == f"p{number}"), None)
        for number in range(18, 30)
        for kind in [KINDS[number % len(KINDS)]]
    }
    assert mended[Defect.TEXT]["title"] == "Café cup"
    assert mended[Defect.PRICE]["price"] is None
    assert mended[Defect.NO_TITLE]["title"] is None
    assert rows[3] == {"product_id": "p3", "title": 'Thing, "3"', "price": 3.5}
    assert [r["product_id"] for r in rows if r["product_id"].startswith("row-")] == ["row-20"]
    unknown = [rows.index(mended[kind]) for kind in (Defect.NO_GROUP, Defect.SPLIT)]
    assert not np.isin(unknown, np.concatenate(list(data.splits.values()))).any()
    assert unknown[0] not in data.get(Groups).products


def test_training_on_a_broken_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(tmp_path / "shop", 500, 25)
    overrides = [
        "data=table",
        f"data.path={tmp_path / 'shop/products.csv'}",
        "data.columns.image=photo",
        "data.columns.group=sku",
        "data.image_size=24",
        "encoder=cnn",
        "batch_size=50",
        "embedding_size=16",
        "trainer.max_epochs=1",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]
    assert main(["train", *overrides]) == 0
    printed = capsys.readouterr().out
    assert "test/map_at_r" in printed
    result = json.loads(next((tmp_path / "runs").rglob("result.json")).read_text())
    assert 0 < result["metrics"]["test/map_at_r"] <= 1


# A letter for each row; what follows a broken one must be read as if it were not there.
ODD = ["{0},b", "{0},b,c,d,e", '"{0},b,c', '{0},"b,c', '{0},b,"c', '{0},b,"c" d"', '{0}"x,b,c']


@given(st.lists(st.sampled_from(ODD), max_size=6), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_no_broken_line_of_a_csv_costs_a_good_one(odd: list[str], seed: int) -> None:
    good = [[f"g{row}", "a, b", "two\nlines" if row % 3 else 'a "quote"'] for row in range(8)]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(good)
    records = ["".join(part) for part in _split_records(file.getvalue())]
    broken = [line.format(f"b{place}") + "\n" for place, line in enumerate(odd)]
    mixed = [*records, *broken]
    np.random.default_rng(seed).shuffle(mixed)
    text = "".join(mixed)
    found = [
        fields for _, fields in csv_rows.records(text.splitlines(keepends=True), ",", 3) if fields
    ]
    assert [fields for fields in found if fields in good] == sorted(
        good, key=lambda fields: text.index(fields[0])
    )


def _split_records(text: str) -> list[str]:
    """Records of the good rows above, each of which begins with ``g``."""
    starts = [
        place
        for place in range(len(text))
        if text[place] == "g" and text[place - 1 : place] in ("", "\n")
    ]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def test_a_picture_folder(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("valid", 2), ("test", 2)):
        for group in ("cup", "rug"):
            folder = tmp_path / "photos" / split / group
            folder.mkdir(parents=True)
            for row in range(count):
                (folder / f"{row}.png").write_bytes(png(row))
    (tmp_path / "photos/train/cup/0.png").write_bytes(b"no picture")
    data = TableSource(str(tmp_path / "photos"), image_size=16).load()
    assert [len(rows) for rows in data.splits.values()] == [11, 4, 4]
    assert data.get(Groups).names == ["cup", "rug"]
    assert data.findings == [
        "1 product left out: the picture cannot be decoded (file train/cup/0.png)"
    ]
    flat = tmp_path / "photos" / "train"
    data = TableSource(str(flat), image_size=16, split_by="product").load()
    assert sum(map(len, data.splits.values())) == 11


def test_pictures_keep_their_proportions(tmp_path: Path) -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, 10:] = (0, 200, 0)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    encoded = (tmp_path / "wide.png").read_bytes()
    rows = [{"image": encoded, "group": "ab"[row % 2], "product_id": str(row)} for row in range(12)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "bytes.parquet")
    data = TableSource(str(tmp_path / "bytes.parquet"), image_size=20, split_by="product").load()
    picture = image_array(data.catalogue)[7]
    assert picture.shape == (3, 20, 20)
    assert (picture[:, :5] == 255).all()
    assert (picture[:, 15:] == 255).all()
    assert np.array_equal(picture[:, 5:15].transpose(1, 2, 0), pixels)


def test_encoded_pictures_stay_and_text_does_without(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 40, 12)
    data = TableSource(str(tmp_path / "shop/products.csv"), MAPPING, image_size=None).load()
    assert data.catalogue[3]["image"].size == (24, 20)
    broken = {Defect.PICTURE_MISSING, Defect.PICTURE_CORRUPT, Defect.PICTURE_FLAT}
    for kind in broken:
        assert any(f"kept without a picture: {kind.value[1]} (" in text for text in data.findings)
    assert sum(row is None for row in data.catalogue["image"][:]) == 4
    assert len(data.catalogue) == 28 + len(STAY) + 4


def test_a_second_look_takes_what_is_stored_until_a_picture_changes(
    tmp_path: Path, cache: Path
) -> None:
    write_shop(tmp_path / "shop", 60, 12)
    source = TableSource(str(tmp_path / "shop/products.csv"), MAPPING, image_size=24)
    first = source.load()
    (stored,) = (cache / "tables").iterdir()
    before = (stored / "rows.arrow").stat().st_mtime_ns
    again = source.load()
    assert (stored / "rows.arrow").stat().st_mtime_ns == before
    assert again.fingerprint == first.fingerprint
    assert again.findings == first.findings
    assert again.catalogue.cache_files
    (tmp_path / "shop/pictures/5.png").write_bytes(png(4711))
    changed = source.load()
    assert changed.fingerprint != first.fingerprint
    assert not np.array_equal(image_array(changed.catalogue)[5], image_array(first.catalogue)[5])


def test_the_fingerprint_follows_content_not_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shop(tmp_path / name, 60, 12)
    one, two = (
        TableSource(str(tmp_path / name / "products.csv"), MAPPING, image_size=24).load()
        for name in ("one", "two")
    )
    assert one.fingerprint == two.fingerprint


def test_attributes_and_reviews(tmp_path: Path) -> None:
    rows = [
        {"title": "a", "attributes": {"colour": "red", "size": None}, "reviews": ["good", ""]},
        {"title": "b", "attributes": '{"colour": "blue"}', "reviews": '["bad"]'},
        {"title": "c", "attributes": [{"name": "size", "value": 4}], "reviews": "fine"},
        {"title": "d", "attributes": "red, large", "reviews": None},
        {"title": "e", "hue": "green", "weight": 2.0},
        *({"title": f"more {row}"} for row in range(9)),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = TableSource(str(tmp_path / "a.jsonl")).load()
    assert data.catalogue["attributes"][:5] == [
        [{"name": "colour", "value": "red"}],
        [{"name": "colour", "value": "blue"}],
        [{"name": "size", "value": "4"}],
        [],
        [],
    ]
    assert data.catalogue["reviews"][:5] == [["good"], ["bad"], ["fine"], [], []]
    assert told(data.findings[:1]) == {Defect.ATTRIBUTES: 1}
    data = TableSource(str(tmp_path / "a.jsonl"), {"attributes": ["hue", "weight"]}).load()
    assert data.catalogue["attributes"][4] == [
        {"name": "hue", "value": "green"},
        {"name": "weight", "value": "2"},
    ]
