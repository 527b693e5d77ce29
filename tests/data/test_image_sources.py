"""Grocery Store and Clothing, in both layouts they come in, made by code."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from likewise.cli import main
from likewise.data.images import image_array
from likewise.data.leaks import find_leaks
from likewise.data.letterbox import decode_all, letterbox
from likewise.data.quality import find_problems
from likewise.data.relevance import Groups
from likewise.data.sources.clothing import Clothing
from likewise.data.sources.grocery_store import GroceryStore
from likewise.encoders.fusion import Fusion, present
from likewise.errors import LikewiseError
from likewise.runs.saved import open_run

# fine label: coarse label, name, coarse name
SHOP = {0: (0, "Red-Apple", "Apple"), 1: (0, "Green-Apple", "Apple"), 2: (1, "Milk", "Milk")}
PHOTOS = [
    (f"{folder}/{SHOP[fine][1]}_{number}", fine, split)
    for folder, split, count in (
        ("train", "train", 3),
        ("val", "validation", 1),
        ("test", "test", 2),
    )
    for fine in SHOP
    for number in range(count)
]


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def grocery_parquet(folder: Path) -> Path:
    folder.mkdir()
    photos = [
        {
            "image": jpeg(row),
            "fine_label": fine,
            "coarse_label": SHOP[fine][0],
            "split": split,
            "image_id": name,
        }
        for row, (name, fine, split) in enumerate(PHOTOS)
    ]
    products = [
        {
            "fine_label": fine,
            "name": name.replace("-", " "),
            "coarse_label": coarse,
            "coarse_name": coarse_name,
            "description": f"About {name}.",
            "image": jpeg(100 + fine),
        }
        for fine, (coarse, name, coarse_name) in SHOP.items()
    ]
    pq.write_table(pa.Table.from_pylist(photos), folder / "photos.parquet")
    pq.write_table(pa.Table.from_pylist(products), folder / "products.parquet")
    return folder


def grocery_repository(folder: Path) -> Path:
    data = folder / "dataset"
    icons = data / "iconic-images-and-descriptions"
    icons.mkdir(parents=True)
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for row, (name, fine, _) in enumerate(PHOTOS):
        path = data / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg(row))
        lists[name.split("/")[0]].append(f"{name}.jpg, {fine}, {SHOP[fine][0]}")
    for name, lines in lists.items():
        (data / f"{name}.txt").write_text("\n".join(lines) + "\n")
    classes = ["Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),a,b"]
    for fine, (coarse, name, coarse_name) in SHOP.items():
        place = f"/{icons.name}/{name}"
        (icons / f"{name}_Iconic.jpg").write_bytes(jpeg(100 + fine))
        (icons / f"{name}_Description.txt").write_text(f"About {name}.\n")
        # The published file leaves the suffix of one description out.
        suffix = ".txt" if fine else ""
        classes.append(
            f"{name},{fine},{coarse_name},{coarse},{place}_Iconic.jpg,{place}_Description{suffix}"
        )
    (data / "classes.csv").write_text("\n".join(classes))
    return folder


def test_both_layouts_of_the_grocery_store_are_the_same(tmp_path: Path) -> None:
    parquet = GroceryStore(str(grocery_parquet(tmp_path / "parquet")), image_size=16).load()
    folder = grocery_repository(tmp_path / "repository")
    for place in (folder, folder / "dataset"):
        other = GroceryStore(str(place), image_size=16).load()
        assert other.catalogue.to_dict() == parquet.catalogue.to_dict()
        assert np.array_equal(other.get(Groups).labels, parquet.get(Groups).labels)
        assert other.get(Groups).names == ["Red Apple", "Green Apple", "Milk"]
        assert other.get(Groups).gallery.tolist() == other.splits["products"].tolist()
        for name, rows in parquet.splits.items():
            assert np.array_equal(other.splits[name], rows)
    sizes = {name: len(rows) for name, rows in parquet.splits.items()}
    assert sizes == {"train": 9, "validation": 3, "test": 6, "products": 3}
    assert image_array(parquet.catalogue).shape == (21, 3, 16, 16)


def test_photos_search_the_products_of_the_shop(tmp_path: Path) -> None:
    folder = grocery_parquet(tmp_path / "parquet")
    options = ["data=grocery_store", f"data.path={folder}", "data.image_size=16"]
    options += ["encoder=pixels", "method=none", "logger=none", "protocol=gallery"]
    assert main(["train", *options, f"output={tmp_path / 'runs'}"]) == 0
    (result,) = tmp_path.rglob("result.json")
    metrics = json.loads(result.read_text())["metrics"]
    run = open_run(result.parent)
    groups = run.data.get(Groups)
    unit = torch.nn.functional.normalize
    near = unit(run.embeddings("test")) @ unit(run.embeddings("products")).T
    found = groups.labels[groups.gallery[near.argmax(1).numpy()]]
    assert metrics["test/recall_at_1"] == (found == groups.labels_of("test")).mean()
    # One product of the shop is right for each photo, so its rank is all there is to score.
    right = near.gather(1, torch.from_numpy(groups.labels_of("test"))[:, None])
    ranks = (near >= right).sum(1)
    assert metrics["test/mrr"] == pytest.approx(float((1 / ranks).mean()))
    # The table and the figure show products of the shop too, nearest first.
    table = pq.read_table(result.parent / "per_query.parquet").to_pandas()
    shop = np.array(run.product_ids("products"))
    assert np.stack(table["neighbours"]).tolist() == shop[near.argsort(1, descending=True)].tolist()
    nearest = near.sort(1, descending=True).values
    assert np.stack(table["similarities"]) == pytest.approx(nearest.numpy(), abs=1e-5)


def test_photos_carry_no_text_unless_asked(tmp_path: Path) -> None:
    folder = str(grocery_parquet(tmp_path / "parquet"))
    data = GroceryStore(folder, image_size=16).load()
    texts = data.catalogue.select_columns(["title", "category", "description"])
    shop = data.splits["products"]
    for row in range(len(texts)):
        if row in shop:
            fine = int(data.get(Groups).labels[row])
            _, name, coarse_name = SHOP[fine]
            assert list(texts[row].values()) == [
                name.replace("-", " "),
                coarse_name,
                f"About {name}.",
            ]
        else:
            assert list(texts[row].values()) == [None, None, None]
    told = GroceryStore(folder, image_size=16, text_on_photos=True).load()
    assert told.catalogue[0]["description"] == "About Red-Apple."
    assert told.fingerprint != data.fingerprint


def test_products_can_be_trained_on_and_are_searched_all_the_same(tmp_path: Path) -> None:
    folder = grocery_parquet(tmp_path / "parquet")
    plain = GroceryStore(str(folder), image_size=16).load()
    data = GroceryStore(str(folder), image_size=16, train_on_products=True).load()
    shop = data.splits["products"]
    assert data.splits["train"].tolist() == [*plain.splits["train"], *shop]
    assert data.fingerprint != plain.fingerprint
    groups = data.get(Groups)
    assert groups.gallery.tolist() == shop.tolist()
    assert groups.labels_of("train").tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 2]
    assert dict(groups.describe())["gallery"] == "3 products, of which 3 are in train"
    assert dict(plain.get(Groups).describe())["gallery"] == "3 products"
    for name in ("validation", "test"):
        assert data.splits[name].tolist() == plain.splits[name].tolist()
    # What is given is no leak.
    assert not find_leaks(data).found
    # Without training, nothing depends on what is trained on.
    options = ["data=grocery_store", f"data.path={folder}", "data.image_size=16"]
    options += ["encoder=pixels", "method=none", "logger=none", "protocol=gallery"]
    scores = []
    for trained in ("false", "true"):
        output = tmp_path / trained
        more = [f"data.train_on_products={trained}", f"output={output}"]
        assert main(["train", *options, *more]) == 0
        (result,) = output.rglob("result.json")
        scores.append(json.loads(result.read_text())["metrics"])
    assert scores[0] == scores[1]


@pytest.mark.parametrize("pictures", [True, False])
def test_photos_search_products_by_text_alone_or_with_pictures(
    tmp_path: Path, pictures: bool
) -> None:
    folder = grocery_parquet(tmp_path / "parquet")
    options = ["data=grocery_store", f"data.path={folder}", "data.image_size=16"]
    options += ["data.train_on_products=true", f"data.product_pictures={pictures}"]
    options += ["encoder=fusion", "protocol=gallery", "logger=none", "trainer.max_epochs=1"]
    options += ["encoder.parts.image.channels=[4]", "encoder.parts.image.convolutions=[1]"]
    assert main(["train", *options, f"output={tmp_path / 'runs'}"]) == 0
    (result,) = tmp_path.rglob("result.json")
    run = open_run(result.parent)
    assert isinstance(run.encoder, Fusion)
    shop, test = (run.module.split(name)[0] for name in ("products", "test"))
    assert present(test["image"]).all()
    assert not present(test["text"]).any()
    assert present(shop["text"]).all()
    assert (present(shop["image"]) == pictures).all()
    # The picture is part of the embedding of a product if it has one.
    by_text = run.encoder.embed({"text": shop["text"]})
    assert torch.allclose(run.embeddings("products"), by_text, atol=1e-6) != pictures


def test_products_without_pictures_do_not_repeat_one(tmp_path: Path) -> None:
    folder = str(grocery_parquet(tmp_path / "parquet"))
    data = GroceryStore(folder, image_size=16, product_pictures=False).load()
    assert not image_array(data.catalogue)[data.splits["products"]].any()
    assert image_array(data.catalogue)[data.splits["test"]].any(axis=(1, 2, 3)).all()
    kinds = {problem.kind for problem in find_problems(data)}
    assert not kinds & {"duplicates", "label conflicts", "leaks"}


def test_coarse_groups(tmp_path: Path) -> None:
    data = GroceryStore(str(grocery_parquet(tmp_path / "p")), image_size=16, level="coarse").load()
    assert data.get(Groups).names == ["Apple", "Milk"]
    assert data.get(Groups).labels[data.splits["products"]].tolist() == [0, 0, 1]


@pytest.mark.parametrize("damage", ["picture", "list", "line", "label", "level", "photo"])
def test_damage_to_the_grocery_store_is_one_sentence(tmp_path: Path, damage: str) -> None:
    folder = grocery_repository(tmp_path / "repository")
    data, level = folder / "dataset", "fine"
    if damage == "picture":
        (data / "train/Milk_0.jpg").unlink()
    elif damage == "list":
        (data / "val.txt").unlink()
    elif damage == "line":
        (data / "val.txt").write_text("val/Milk_0.jpg; 2; 1\n")
    elif damage == "label":
        (data / "val.txt").write_text("val/Milk_0.jpg, 7, 1\n")
    elif damage == "level":
        level = "medium"
    else:
        (data / "train/Milk_0.jpg").write_bytes(b"no picture")
    with pytest.raises(LikewiseError) as caught:
        GroceryStore(str(folder), level=level).load()
    word = {
        "picture": "Milk_0.jpg is missing",
        "list": "val.txt is missing",
        "line": "line 1 of",
        "label": "product 7",
        "level": "level=medium",
        "photo": "train/Milk_0 cannot be used",
    }
    assert word[damage] in str(caught.value)


def clothing_parquet(folder: Path) -> Path:
    """Validation shares senders 0 and 1 with training, test has sender 9 alone."""
    folder.mkdir()
    senders = {"train": 8, "validation": 2, "test": 1}
    rows = [
        {
            "image": jpeg(row),
            "label": ("skirt", "hat")[row % 2],
            "split": split,
            "image_id": f"{split}-{row}",
            "sender_id": 9 if split == "test" else row % senders[split],
        }
        for split, count in (("train", 40), ("validation", 10), ("test", 6))
        for row in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "photos.parquet")
    return folder


def test_clothing_from_its_table(tmp_path: Path) -> None:
    folder = str(clothing_parquet(tmp_path / "clothing"))
    data = Clothing(folder, image_size=16).load()
    assert data.get(Groups).names == ["hat", "skirt"]
    assert [len(rows) for rows in data.splits.values()] == [40, 10, 6]
    assert data.get(Groups).labels[:4].tolist() == [1, 0, 1, 0]
    assert np.array_equal(image_array(data.catalogue)[7], decode_all([jpeg(7)], ["7"], 16)[0])


def test_validation_without_shared_senders(tmp_path: Path) -> None:
    folder = clothing_parquet(tmp_path / "clothing")
    senders = pq.read_table(folder / "photos.parquet")["sender_id"].to_numpy()
    published = Clothing(str(folder), image_size=16).load()
    draws = [
        Clothing(str(folder), 16, sender_disjoint_validation=True, split_seed=seed).load()
        for seed in (0, 0, 1)
    ]
    for data in draws:
        train, validation, test = data.splits.values()
        assert not set(senders[train]) & set(senders[validation])
        assert 0 < len(validation) <= 10
        assert sorted([*train, *validation]) == list(range(50))
        assert np.array_equal(test, published.splits["test"])
    assert draws[0].fingerprint == draws[1].fingerprint != draws[2].fingerprint
    assert np.array_equal(draws[0].splits["validation"], draws[1].splits["validation"])


def test_clothing_from_its_folders(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("validation", 2), ("test", 2)):
        for label in ("hat", "t-shirt"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            for row in range(count):
                (folder / f"{split}-{label}-{row}.jpg").write_bytes(jpeg(row))
    data = Clothing(str(tmp_path), image_size=16).load()
    assert data.get(Groups).names == ["hat", "t-shirt"]
    assert [len(rows) for rows in data.splits.values()] == [8, 4, 4]
    assert data.get(Groups).labels[:5].tolist() == [0] * 4 + [1]
    with pytest.raises(LikewiseError, match="do not say who sent them"):
        Clothing(str(tmp_path), sender_disjoint_validation=True).load()
    for path in (tmp_path / "test").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(LikewiseError, match="has no test/<class>"):
        Clothing(str(tmp_path)).load()
    with pytest.raises(LikewiseError, match=r"no photos.parquet in .*nowhere"):
        Clothing(str(tmp_path / "nowhere")).load()


def test_letterbox_centres_on_white() -> None:
    tall = Image.fromarray(np.full((40, 10, 3), 7, np.uint8))
    square = letterbox(tall, 20)
    assert square.shape == (3, 20, 20)
    inside = np.zeros((20, 20), bool)
    inside[:, 7:12] = True
    assert (square[:, inside] == 7).all()
    assert (square[:, ~inside] == 255).all()
    line = letterbox(Image.fromarray(np.full((1, 300, 3), 7, np.uint8)), 20)
    assert (line == 7).sum() == 3 * 20


@pytest.mark.skipif("LIKEWISE_DATA" not in os.environ, reason="needs the real data sets")
def test_the_published_counts() -> None:
    grocery = GroceryStore().load()
    sizes = {name: len(rows) for name, rows in grocery.splits.items()}
    assert sizes == {"train": 2640, "validation": 296, "test": 2485, "products": 81}
    assert len(grocery.get(Groups).names) == 81
    clothing = Clothing().load()
    assert [len(rows) for rows in clothing.splits.values()] == [3068, 341, 372]
    assert len(clothing.get(Groups).names) == 10
