"""Published benchmarks in their own layouts, as miniature copies made by code."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from likewise.cli import main
from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Judgements
from likewise.data.sources.amazon_esci import EXAMPLES, PRODUCTS, AmazonEsci
from likewise.data.sources.in_shop import InShop
from likewise.data.sources.shopee import Shopee
from likewise.data.sources.stanford_online_products import StanfordOnlineProducts
from likewise.errors import LikewiseError

QUICK = ["encoder=cnn", "encoder.channels=[4,4,4]", "trainer.max_epochs=1"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))


def save_picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 24, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    path.write_bytes(file.getvalue())


def stanford(folder: Path) -> Path:
    """Ten training products and five test products, three pictures of each."""
    number = 0
    for split, products in (("train", range(10)), ("test", range(10, 15))):
        lines = ["image_id class_id super_class_id path"]
        for product in products:
            kind = "chair" if product % 2 else "bicycle"
            for view in range(3):
                number += 1
                name = f"{kind}_final/11{product}_{view}.JPG"
                lines.append(f"{number} {product + 1} {1 + product % 2} {name}")
                save_picture(folder / name, number)
        (folder / f"Ebay_{split}.txt").write_text("\n".join(lines) + "\n")
    return folder


def in_shop(folder: Path) -> Path:
    """Eight training articles of three pictures, and three articles with queries and a gallery."""
    rows = [(f"id_{article:08}", "train", view) for article in range(8) for view in range(3)]
    for article in range(8, 11):
        rows += [(f"id_{article:08}", "query", view) for view in range(2)]
        rows += [(f"id_{article:08}", "gallery", view) for view in range(2, 4)]
    lines = [str(len(rows)), "image_name item_id evaluation_status"]
    for number, (article, status, view) in enumerate(rows):
        name = f"img/WOMEN/Blouses_Shirts/{article}/0{view}_1_front.jpg"
        lines.append(f"{name}   {article}   {status}")
        save_picture(folder / "Img" / name, number)
    (folder / "Eval").mkdir()
    (folder / "Eval" / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return folder


def shopee(folder: Path) -> Path:
    lines = ["posting_id,image,image_phash,title,label_group"]
    for number in range(36):
        name = f"{number:032x}.jpg"
        title = '"Baju, merah"' if number % 2 else "Kopi 3in1"
        lines.append(f"train_{number},{name},{number:016x},{title},{1000 + number // 3}")
        save_picture(folder / "train_images" / name, number)
    (folder / "train.csv").write_text("\n".join(lines) + "\n")
    return folder


def esci(folder: Path) -> Path:
    """Thirty queries of two locales, of which every third is a test query."""
    folder.mkdir(exist_ok=True)
    examples, products = [], {}
    for query in range(30):
        locale = "us" if query < 24 else "es"
        for place, label in enumerate("ESCI"):
            product = f"B{(query * 2 + place) % 40:03}"
            products[product, locale] = None
            examples.append(
                {
                    "example_id": len(examples),
                    "query": f"lamp {query}",
                    "query_id": 100 + query,
                    "product_id": product,
                    "product_locale": locale,
                    "esci_label": label,
                    "small_version": int(query % 4 > 0),
                    "large_version": 1,
                    "split": "train" if query % 3 else "test",
                }
            )
    texts = [
        {
            "product_id": product,
            "product_title": f"lamp {product} {locale}",
            "product_description": None,
            "product_bullet_point": "bright",
            "product_brand": "Lumo",
            "product_color": None,
            "product_locale": locale,
        }
        for product, locale in reversed(products)
    ]
    pq.write_table(pa.Table.from_pylist(examples), folder / EXAMPLES)
    pq.write_table(
        pa.Table.from_pylist(texts).set_column(
            2, "product_description", pa.array([None] * len(texts), pa.string())
        ),
        folder / PRODUCTS,
    )
    return folder


def groups_of(data: ProductData, split: str) -> set[str]:
    groups = data.get(Groups)
    return {groups.names[label] for label in groups.labels_of(split)}


def test_stanford_online_products_has_its_published_test_split(tmp_path: Path) -> None:
    data = StanfordOnlineProducts(path=str(stanford(tmp_path)), image_size=16).load()
    assert groups_of(data, "test") == {str(product) for product in range(11, 16)}
    assert len(groups_of(data, "train")) + len(groups_of(data, "validation")) == 10
    assert not groups_of(data, "train") & groups_of(data, "validation")
    assert len(data.splits["validation"]) == 3
    assert data.catalogue.features["image"].shape == (3, 16, 16)
    row = data.catalogue[int(data.splits["test"][0])]
    assert (row["product_id"], row["category"]) == ("1110_0", "bicycle")


def test_in_shop_searches_its_published_gallery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = in_shop(tmp_path)
    data = InShop(path=str(folder), image_size=16).load()
    test, gallery = data.splits["test"], data.splits["gallery"]
    assert (len(test), len(gallery)) == (6, 6)
    np.testing.assert_array_equal(data.get(Groups).gallery, gallery)
    assert data.catalogue[int(gallery[0])]["category"] == "WOMEN Blouses Shirts"
    options = ["data=in_shop", f"data.path={folder}", "protocol=gallery", *QUICK]
    made = [
        "data.image_size=16",
        "data.validation_share=0.4",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]
    assert main(["train", *options, *made]) == 0
    run = Path(capsys.readouterr().out.split()[-1])
    table = pq.read_table(run / "per_query.parquet")
    ids = np.array(data.catalogue["product_id"][:])
    assert set(table["unit_id"].to_pylist()) == set(ids[test])
    found = {name for row in table["neighbours"].to_pylist() for name in row}
    assert found == set(ids[gallery])
    # The gallery has none of the validation articles, so these search one another.
    assert "validation/map_at_r" in json.loads((run / "result.json").read_text())["metrics"]


def test_shopee_has_pictures_and_titles(tmp_path: Path) -> None:
    data = Shopee(path=str(shopee(tmp_path)), image_size=16).load()
    assert len(data.catalogue) == 36
    assert set(data.catalogue["title"][:]) == {"Baju, merah", "Kopi 3in1"}
    assert sum(len(rows) for rows in data.splits.values()) == 36
    everything = [groups_of(data, name) for name in ("train", "validation", "test")]
    assert sum(map(len, everything)) == len(set.union(*everything)) == 12
    assert "competition" in data.catalogue.info.license


@pytest.mark.parametrize(("small", "queries"), [(True, 18), (False, 24)])
def test_esci_grades_products_for_queries(tmp_path: Path, small: bool, queries: int) -> None:
    data = AmazonEsci(path=str(esci(tmp_path)), small=small, validation_share=0.4).load()
    judged = data.get(Judgements)
    assert len(judged.queries) == queries
    assert sorted(set(judged.grades)) == [0, 0.01, 0.1, 1]
    titles = data.catalogue["title"][:]
    for place in judged.splits["test"]:
        number = int(judged.queries[judged.query[place]].split()[1])
        assert number % 3 == 0
        assert (number % 4 > 0) or not small
        product = f"B{(2 * number + place % 4) % 40:03}"
        assert titles[judged.product[place]] == f"lamp {product} us"
        assert judged.grades[place] == [1, 0.1, 0.01, 0][place % 4]
    asked = {name: set(judged.query[rows]) for name, rows in judged.splits.items()}
    assert all(asked.values())
    assert sum(map(len, asked.values())) == queries


def test_esci_is_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["task=search", "data=amazon_esci", f"data.path={esci(tmp_path)}", "matcher=bm25"]
    more = ["metrics.ndcg_at_10.gain=linear", "logger=none", f"output={tmp_path / 'runs'}"]
    assert main(["train", *options, *more, "data.validation_share=0.4"]) == 0
    run = Path(capsys.readouterr().out.split()[-1])
    scores = json.loads((run / "result.json").read_text())["metrics"]
    assert 0 < scores["test/ndcg_at_10"] <= 1


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        (StanfordOnlineProducts, "Ebay_train.txt"),
        (InShop, "list_eval_partition.txt"),
        (Shopee, "train.csv"),
        (AmazonEsci, EXAMPLES),
    ],
)
def test_a_missing_folder_says_where_to_get_the_data(
    source: type, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(LikewiseError, match=f"no .*{advice}.*https?://|kaggle"):
        source(path=str(tmp_path)).load()


def test_damaged_lists_name_the_line(tmp_path: Path) -> None:
    folder = stanford(tmp_path / "stanford")
    path = folder / "Ebay_test.txt"
    path.write_text(path.read_text() + "7 8\n")
    with pytest.raises(LikewiseError, match=r"line 17 of .*Ebay_test.txt cannot be read"):
        StanfordOnlineProducts(path=str(folder)).load()
    folder = in_shop(tmp_path / "in_shop")
    path = folder / "Eval" / "list_eval_partition.txt"
    path.write_text(path.read_text().replace("gallery\n", "galery\n"))
    with pytest.raises(LikewiseError, match=r"line 29 of .* train, query, gallery"):
        InShop(path=str(folder)).load()


def test_an_archive_without_its_pictures_is_refused(tmp_path: Path) -> None:
    folder = stanford(tmp_path)
    for picture in folder.glob("*_final/*.JPG"):
        picture.unlink()
    with pytest.raises(LikewiseError, match="has 0 usable pictures of the 45"):
        StanfordOnlineProducts(path=str(folder)).load()
