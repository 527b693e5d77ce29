"""A finished run as a model; nearest products without labels or training."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import likewise
from likewise.cli import main
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.saved import open_run
from likewise.runs.train import train


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of an encoder of texts."""
    output = tmp_path_factory.mktemp("texts")
    options = ["data=synthetic", "encoder=bag", "embedding_size=16", "trainer.max_epochs=1"]
    return train(compose([*options, "logger=none", f"output={output}"]))


def test_a_loaded_model_embeds_as_its_run_did(texts: Path) -> None:
    model = likewise.load(texts)
    run = open_run(texts)
    catalogue = run.data.catalogue
    rows = run.data.splits["test"][:20]
    products = [catalogue[int(row)] for row in rows]
    names = ("product_id", "title", "description", "brand", "category", "price", "attributes")
    products = [{name: one[name] for name in names if name in one} for one in products]
    torch.testing.assert_close(model.embed(products), run.embeddings("test")[:20])


def test_matches_searches_and_compares(texts: Path) -> None:
    model = likewise.load(texts)
    shop = [{"product_id": "a", "title": "alder lamp"}, {"product_id": "b", "title": "birk rug"}]
    with pytest.raises(LikewiseError, match=r"call index\(products\) first"):
        model.search("lamp")
    model.index(shop)
    found = model.search("birk rug", k=2)
    assert [place for place, _ in found] == ["b", "a"]
    assert found[0][1] == pytest.approx(1, abs=1e-5)
    embeddings = model.embed(["alder lamp", "birk rug"])
    matrix = model.similarity(embeddings, embeddings)
    scores = model.match(["alder lamp"] * 2, ["alder lamp", "birk rug"])
    torch.testing.assert_close(scores, matrix[0], atol=1e-5, rtol=1e-5)
    with pytest.raises(LikewiseError, match="cannot be paired"):
        model.match(["one"], ["two", "three"])
    for nothing, expected in (([], "no product"), ("lamp", "give a list")):
        with pytest.raises(LikewiseError, match=expected):
            model.embed(nothing)


def test_pictures_are_read_from_files(small: list[str], tmp_path: Path) -> None:
    model = likewise.load(train(compose([*small, "encoder=mlp"])))
    paths = []
    for place in range(2):
        pixels = np.zeros((40, 40), np.uint8)
        pixels[10 * place : 10 * place + 8] = 255
        paths.append(tmp_path / f"{place}.png")
        Image.fromarray(pixels).save(paths[-1])
    products = [{"image": str(path)} for path in paths]
    embeddings = model.embed(products)
    assert embeddings.shape == (2, 16)
    assert not torch.allclose(embeddings[0], embeddings[1])
    torch.testing.assert_close(model.embed([{"image": paths[1].read_bytes()}]), embeddings[1:])
    with pytest.raises(LikewiseError, match="missing file"):
        model.embed([{"image": str(tmp_path / "none.png")}])


def test_trees_match_products_given_by_hand(tmp_path: Path) -> None:
    options = ["task=matching", "data=synthetic", "matcher=signals", "matcher.n_estimators=20"]
    folder = train(compose([*options, "logger=none", f"output={tmp_path}"]))
    model, run = likewise.load(folder), open_run(folder)
    table = pq.read_table(folder / "per_query.parquet").to_pandas().head(12)
    ids = list(run.data.catalogue["product_id"][:])
    sides = [
        [run.data.catalogue[ids.index(one)] for one in table[side]]
        for side in ("left_id", "right_id")
    ]
    for side in sides:
        for product in side:
            product.pop("image", None)
            product.pop("product_id")
    scores = model.match(*sides)
    np.testing.assert_allclose(scores.numpy(), table["score"], rtol=1e-5)
    with pytest.raises(LikewiseError, match="no embeddings"):
        model.embed(["lamp"])


def test_similar_needs_no_labels(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = [
        f"{colour} {thing} {size}"
        for colour in ("red", "blue")
        for thing in ("lamp", "rug")
        for size in (10, 20, 30)
    ]
    lines = [f"p{row},{title}" for row, title in enumerate(titles)]
    (tmp_path / "products.csv").write_text("\n".join(["product_id,title", *lines]))
    data = ["data=table", f"data.path={tmp_path / 'products.csv'}"]
    written = tmp_path / "near.csv"
    untrained = ["encoder=bag", "text=ngrams", "embedding_size=128", "encoder.hidden_sizes=[]"]
    command = ["similar", *data, *untrained, "--top-k", "2", "--to", str(written)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines().count("p0  red lamp 10") == 1
    rows = list(csv.DictReader(written.open()))
    assert len(rows) == 2 * len(titles)
    # The nearest of a title share its colour and thing.
    first = [row for row in rows if row["rank"] == "1"]
    same = [row["title"].split()[:2] == row["neighbour_title"].split()[:2] for row in first]
    assert np.mean(same) > 0.9
    assert all(row["product_id"] != row["neighbour_product_id"] for row in rows)
    # The same by a finished run, as Parquet.
    by_run = tmp_path / "near.parquet"
    assert main(["similar", str(texts), *data, "--to", str(by_run)]) == 0
    assert pq.read_table(by_run).num_rows == 5 * len(titles)
    for wrong, expected in (
        (["--top-k", "0"], "--top-k 0"),
        (["--to", str(tmp_path / "near.xlsx")], ".csv or .parquet"),
    ):
        assert main([*command[:-4], *wrong]) == 1
        assert expected in capsys.readouterr().err
