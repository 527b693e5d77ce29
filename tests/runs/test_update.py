"""``likewise update``: versions of a run's catalogue, whole, idempotent and rolled back."""

from __future__ import annotations

import io
import json
import resource
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from likewise.cli import main
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.saved import open_current, open_run
from likewise.runs.train import train
from likewise.runs.versions.live import LiveCatalogue
from likewise.runs.versions.version import current_version, versions_folder

KINDS, COLOURS = ("lamp", "rug", "chair", "desk"), ("red", "blue", "green")
HEADER = "product_id,name,price,sort"


def title(row: int) -> str:
    return f"{COLOURS[row % 3]} {KINDS[row // 3 % 4]} {row}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a bag of words on a table of 48 products, in 12 groups."""
    tmp_path = tmp_path_factory.mktemp("update")
    lines = [HEADER, *(f"p{row},{title(row)},{row}.5,{row % 12}" for row in range(48))]
    (tmp_path / "products.csv").write_text("\n".join(lines))
    data = ["data=table", f"data.path={tmp_path / 'products.csv'}", "data.columns.title=name"]
    options = ["encoder=bag", "embedding_size=16", "trainer.max_epochs=1", "logger=none"]
    output = f"output={tmp_path / 'runs'}"
    return train(compose([*data, "data.columns.group=sort", *options, output]))


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, which was never updated."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def write(run: Path, *rows: str, header: str = HEADER) -> str:
    """The override that names a table of an update."""
    path = run / "update.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return f"data.path={path}"


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What a call of the command line prints."""
    capsys.readouterr()
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    return err if status else out


def found(capsys: pytest.CaptureFixture[str], run: Path, query: str, k: int = 100) -> list[str]:
    """The ids that ``likewise search`` finds, best first."""
    printed = said(capsys, "search", str(run), query, "--top-k", str(k), "--json")
    return [hit["product_id"] for hit in json.loads(printed)]


def assert_whole(run: Path) -> None:
    """The stored embeddings are those of the products of the version, row by row."""
    opened = open_current(run)
    assert opened.version is not None
    catalogue = opened.data.catalogue
    ids = catalogue["product_id"][:]
    assert len(set(ids)) == len(ids)
    assert opened.version.embeddings.shape == (len(ids), 16)
    torch.testing.assert_close(opened.version.embeddings, opened.model.embed(catalogue))


def test_products_come_change_and_go(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = found(capsys, run, "purple sofa")
    assert len(before) == 48
    # p1 is given unchanged; its price is written in another way.
    rows = ["n1,purple sofa,10,", "p0,red lamp renewed,5,", f"p1,{title(1)},1.50,"]
    update = write(run, *rows)
    printed = said(capsys, "update", str(run), update)
    assert "version   1 (parent 0)\n" in printed
    assert "1 new, 1 changed, 0 deleted, 1 unchanged; 49 in the catalogue" in printed
    assert found(capsys, run, "purple sofa")[0] == "n1"
    assert found(capsys, run, "red lamp renewed")[0] == "p0"
    assert_whole(run)
    # The same once more changes nothing.
    printed = said(capsys, "update", str(run), update)
    assert "version   1 (parent 0), nothing changed" in printed
    assert "0 new, 0 changed, 0 deleted, 3 unchanged" in printed
    # Rows that delete, in a table of its own columns.
    printed = said(
        capsys, "update", str(run), write(run, "p5,true", "p6,1", header="product_id,deleted")
    )
    assert "0 new, 0 changed, 2 deleted, 0 unchanged; 47 in the catalogue" in printed
    assert not {"p5", "p6"} & set(found(capsys, run, "green rug"))
    assert_whole(run)
    # All embeddings and neighbours are those of the current version; splits are those of the run.
    assert main(["embed", str(run), "--split", "all"]) == 0
    assert main(["similar", str(run), "--to", str(run / "near.csv")]) == 0
    assert '"n1"' in (run / "near.csv").read_text()
    ids = open_current(run).product_ids("all")
    assert len(ids) == 47
    assert len(open_run(run).product_ids("all")) == 48
    # Back to version 1, then 0; nothing is before it.
    assert said(capsys, "update", str(run), "--roll-back") == "version   1\n"
    assert "p5" in found(capsys, run, "green rug")
    assert found(capsys, run, "purple sofa")[0] == "n1"
    assert said(capsys, "update", str(run), "--roll-back") == "version   0\n"
    assert found(capsys, run, "purple sofa") == before
    assert "no earlier version" in said(capsys, "update", str(run), "--roll-back", status=1)
    # A new version after a roll-back does not write over the earlier ones.
    assert "version   3 (parent 0)" in said(capsys, "update", str(run), write(run, "n2,oak bed,3,"))
    assert_whole(run)


def test_json_lines_of_standard_input(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        {"product_id": "n1", "name": "purple sofa", "price": 3},
        {"product_id": "p1", "deleted": True},
        {"product_id": "n2", "deleted": True},
        {"product_id": "n2", "name": "oak bed", "price": 3},
        {"product_id": "p2", "name": "green lamp", "price": 3},
        {"product_id": "p2", "deleted": True},
    ]
    lines = "\n".join(map(json.dumps, events)).encode()
    stdin = SimpleNamespace(buffer=io.BytesIO(lines), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stdin)
    # Of several events of one product, the last one counts.
    assert "2 new, 0 changed, 2 deleted, 0 unchanged; 48" in said(capsys, "update", str(run))
    assert found(capsys, run, "oak bed")[0] == "n2"
    assert not {"p1", "p2"} & set(found(capsys, run, "green lamp"))


def test_a_complete_table_deletes_the_others(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = [f"p{row},{title(row)},{row}.5,{row % 12}" for row in range(40)]
    # An unusable row says that its product is still there.
    printed = said(capsys, "update", str(run), write(run, *kept, "p40,,,"), "--complete")
    assert "0 new, 0 changed, 7 deleted, 40 unchanged; 41 in the catalogue" in printed
    assert "left out" in printed
    assert set(found(capsys, run, "lamp")) == {f"p{row}" for row in range(41)}


def test_many_small_updates_make_few_segments(run: Path) -> None:
    shop = LiveCatalogue(run)
    known = {f"p{row}" for row in range(48)}
    generator = np.random.default_rng(0)
    for number in range(20):
        gone = [str(one) for one in generator.choice(sorted(known), number % 2, replace=False)]
        name = f"n{number % 12}"
        product = {"product_id": name, "title": f"sofa {number}", "price": 1.0}
        found = shop.update([product], [one for one in gone if one != name])
        known = (known - set(gone)) | {name}
        assert set(found.version.catalogue["product_id"][:]) == known
        assert len(found.version.segments) <= 8
        assert {one for one, _ in shop.search("sofa", 100)} == known
    assert_whole(run)


@pytest.mark.parametrize("index", ["index=exact", "index=ivf"])
def test_programs_follow_each_other(run: Path, index: str) -> None:
    writer, reader = LiveCatalogue(run, [index]), LiveCatalogue(run, [index])
    expected = reader.search("red lamp", 60)
    writer.update([{"product_id": "n1", "title": "purple sofa", "price": None}], ["p3", "unknown"])
    writer.update([{"product_id": "p4", "title": "oak bed", "price": 2}])
    assert reader.search("purple sofa", 1)[0][0] == "n1"
    assert reader.version.number == 2
    best = [name for name, _ in reader.search("oak bed", 60)]
    assert best[0] == "p4"
    assert len(best) == 48
    assert "p3" not in best
    # After a roll-back the index is built anew.
    assert main(["update", str(run), "--roll-back"]) == 0
    assert main(["update", str(run), "--roll-back"]) == 0
    again = reader.search("red lamp", 60)
    assert [name for name, _ in again] == [name for name, _ in expected]
    np.testing.assert_allclose([v for _, v in again], [v for _, v in expected], atol=1e-5)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("product_id,colour", "n1,red", "has no column name for data.columns.title"),
        ("product_id,name", "n1,sofa", "has no column for price"),
        (f"{HEADER},brand", "n1,sofa,1,,acme", "has the column brand, which the products of this"),
        ("name,price,sort", "sofa,1,2", "has no column product_id"),
        (HEADER, ",sofa,1,", "line 2 of"),
        (f"{HEADER},deleted", "n1,sofa,1,,perhaps", "deleted=perhaps must be true or false"),
    ],
)
def test_other_columns_are_refused(
    header: str, row: str, message: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = said(capsys, "update", str(run), write(run, row, header=header), status=1)
    assert message in printed
    assert printed.count("\n") == 1
    assert current_version(versions_folder(run)) is None


def test_mistakes_are_said_in_a_sentence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = [f"p{row},true" for row in range(48)]
    emptied = write(run, *everything, header="product_id,deleted")
    for words, message in (
        ([emptied], "would leave no product"),
        (["data.path=nothing.csv"], "is neither a file nor a folder"),
        (["encoder=cnn"], "an update cannot change encoder"),
        (["--roll-back", "--complete"], "--roll-back takes no other options"),
    ):
        printed = said(capsys, "update", str(run), *words, status=1)
        assert message in printed
        assert printed.count("\n") == 1
    (versions_folder(run) / "current").write_text("7")
    assert "version.json cannot be read" in said(capsys, "search", str(run), "lamp", status=1)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond some bytes, as on a disk that becomes full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_leaves_the_old_version(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "update", str(run), write(run, "n1,purple sofa,1,"))
    before = found(capsys, run, "purple sofa")
    root = versions_folder(run)
    folders = sorted(path.name for path in root.iterdir())
    titles = [f"{'sofa ' * 30}{row}" for row in range(400)]
    update = write(run, *(f"m{row},{title},1," for row, title in enumerate(titles)))
    products = [
        {"product_id": f"m{row}", "title": one, "price": 1.0} for row, one in enumerate(titles)
    ]
    shop = LiveCatalogue(run)
    with largest_file(20_000):
        # The table of the update, and then a file of the version, cannot be written.
        printed = said(capsys, "update", str(run), update, status=1)
        with pytest.raises(LikewiseError, match="so version 1 stays; free some disk space"):
            shop.update(products)
    assert "so the run is unchanged; free some disk space" in printed
    assert printed.count("\n") == 1
    assert sorted(path.name for path in root.iterdir()) == folders
    assert found(capsys, run, "purple sofa") == before
    # With space, the same update is taken.
    assert "400 new" in said(capsys, "update", str(run), update)
    assert_whole(run)


def test_pictures_are_updated(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(compose([*small, "encoder=mlp", f"output={tmp_path}"]))
    columns = open_run(run).data.catalogue.column_names
    pixels = np.zeros((40, 40), np.uint8)
    pixels[5:30, 5:12] = 255
    Image.fromarray(pixels).save(run / "new.png")
    values = {"product_id": "new", "image": "new.png"}
    line = ",".join(values.get(name, "boot") for name in columns)
    update = write(run, line, header=",".join(columns))
    assert "1 new, 0 changed" in said(capsys, "update", str(run), update)
    assert "1 unchanged" in said(capsys, "update", str(run), update)
    opened = open_current(run)
    assert opened.version is not None
    assert opened.data.catalogue["product_id"][-1] == "new"
    expected = opened.model.embed([{"image": str(run / "new.png")}])
    torch.testing.assert_close(opened.version.embeddings[-1:], expected)


def test_runs_without_an_encoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["task=matching", "data=synthetic", "matcher=signals", "matcher.n_estimators=5"]
    options += ["data.products=240", "data.groups=20"]
    run = train(compose([*options, "logger=none", f"output={tmp_path}"]))
    columns = [one for one in open_run(run).data.catalogue.column_names if one != "image"]
    whole = len(columns) == len(open_run(run).data.catalogue.column_names)
    values = {"product_id": "new", "title": "zebra crossing", "price": "3"}
    line = ",".join(values.get(name, "") for name in columns)
    update = write(run, line, header=",".join(columns))
    if whole:
        assert "1 new" in said(capsys, "update", str(run), update)
        assert found(capsys, run, "zebra crossing") == ["new"]
    behaviour = ["task=recommendation", "data=synthetic", "data.users=30", "logger=none"]
    other = train(compose([*behaviour, f"output={tmp_path}"]))
    assert "this run cannot be updated" in said(capsys, "update", str(other), update, status=1)
