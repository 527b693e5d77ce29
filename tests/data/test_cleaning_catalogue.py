"""The cleaning of a whole catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import cleaning_steps, encoded_picture
from datasets import Dataset, Image, load_from_disk
from PIL import Image as Pillow

from likewise.data.catalogue import make_catalogue
from likewise.data.cleaning.catalogue import clean_catalogue
from likewise.data.cleaning.pictures import UnusablePictures
from likewise.data.cleaning.units import UnitSpelling
from likewise.data.images import image_dataset
from likewise.errors import LikewiseError


def products() -> Dataset:
    return make_catalogue(
        {
            "product_id": ["a", "b", "c"],
            "title": ["R&amp;D  16 gigabytes", "plain", None],
            "brand": ["HP Inc.", None, "hp"],
            "price": [1.0, None, 3.0],
            "attributes": [[{"name": "size", "value": '5"'}], [], None],
            "image": [
                {"bytes": encoded_picture(), "path": None},
                {"bytes": b"broken", "path": None},
                None,
            ],
            "reviews": [["ok", "<b>good</b>"], None, []],
        }
    )


DEFAULT = cleaning_steps("default")
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
    after, changes = clean_catalogue(catalogue, {"units": UnitSpelling()})
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
    assert cleaning_steps("none") == {}
    assert clean_catalogue(catalogue, {}) == (catalogue, [])


def test_a_column_that_no_catalogue_has():
    with pytest.raises(LikewiseError, match=r"cleaning\.units\.columns names titel"):
        clean_catalogue(products(), {"units": UnitSpelling(columns=["titel"])})


def test_pictures_of_a_catalogue(tmp_path: Path):
    shared, good = encoded_picture(seed=1), encoded_picture(seed=2)
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
    assert clean_catalogue(catalogue, {"pictures": UnusablePictures()}) == (catalogue, [])
