"""Malformed tables, pictures, pairs and options: one sentence or a full report, never more."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from likewise.cli import main
from likewise.data import picture_check
from likewise.data.cleaning.pictures import UnusablePictures
from likewise.data.letterbox import decode_all
from likewise.data.sources.clothing import Clothing
from likewise.data.sources.synthetic import Synthetic
from likewise.data.sources.table import TableSource
from likewise.errors import LikewiseError

HEADER = "product_id,title,group,price\n"
RECORDS = [{"product_id": str(i), "title": f"thing {i}", "group": f"g{i % 20}"} for i in range(60)]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a cache of its own beside it."""
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def shop(line: Callable[[int], str] | None = None, header: str = HEADER, rows: int = 60) -> str:
    """A table of so many rows, sound unless ``line`` says otherwise."""
    line = line or (lambda i: f"a{i},thing {i},g{i % 20},{i}.5")
    return header + "\n".join(map(line, range(rows)))


def png(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 20, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    return file.getvalue()


SOUND = parquet(pa.table({"title": [f"thing {i}" for i in range(60)]}))
BINARY = bytes(range(256)) * 20
# The file's name, its content and what has to be said of it; describing it ends with status 1.
REFUSED: list[tuple[str, str | bytes, str]] = [
    ("utf16.csv", shop().encode("utf-16"), "data.encoding=utf-16"),
    ("little.csv", shop().encode("utf-16-le"), "data.encoding=utf-16-le"),
    ("big.tsv", shop().encode("utf-16-be"), "data.encoding=utf-16-be"),
    ("utf32.csv", shop().encode("utf-32"), "data.encoding=utf-32"),
    ("utf16.json", json.dumps(RECORDS).encode("utf-16"), "data.encoding=utf-16"),
    ("sheet.csv", zipped(), "ZIP archive, as spreadsheets are"),
    ("old.csv", b"\xd0\xcf\x11\xe0" + BINARY, "old Excel"),
    ("parquet.csv", SOUND, "is a Parquet file; give it the suffix .parquet"),
    ("parquet.json", SOUND, "is a Parquet file"),
    ("packed.csv", gzip.compress(shop().encode()), "compressed by gzip"),
    ("binary.csv", BINARY, "is binary, not text"),
    ("empty.csv", "", "is empty"),
    ("header.csv", HEADER, "it has no rows"),
    ("unknown.csv", "foo\n1\n2\n", "has no column named title"),
    ("letters.csv", "x" * 90_000 + "\n1\n", "it has xxxxx"),
    ("wide.csv", "x" * 200_000 + ",title\n1,2\n", "first line must name the columns"),
    ("twice.csv", "title,title\na,b\n", "two columns named title"),
    ("narrow.csv", shop(lambda i: "only"), "60 products left out: the line has too few"),
    ("unusable.csv", "title,group\n,a\n,b\n", "2 products left out: there is nothing to compare"),
    ("same.csv", shop(lambda i: f"same,t {i},g{i % 20},1"), "59 of 60 rows .*columns.product_id"),
    ("cut.json", json.dumps(RECORDS, indent=1)[:500], r"in line \d+, column \d+ .*it is cut off"),
    ("broken.json", '[{"title": "a"},\n {"title" "b"}]', "in line 2, column 11"),
    ("object.json", json.dumps({"products": RECORDS}, indent=1), "should be a list of objects"),
    ("wrapped.json", json.dumps({"products": RECORDS}), "a list named products; save that list"),
    ("numbers.json", "[1, 2, 3]", "no row of numbers.json is a JSON object"),
    ("text.json", '"abc"', "no line of text.json is a JSON object"),
    ("words.jsonl", "hello\nworld\n", "no line of words.jsonl is a JSON object"),
    ("none.json", "[]", "holds no row"),
    ("blank.jsonl", "\n\n", "holds no line"),
    ("deep.json", "[" * 100_000 + "]" * 100_000, "too deeply"),
    ("empty.parquet", parquet(pa.table({"title": pa.array([], pa.string())})), "it has no rows"),
    ("cut.parquet", SOUND[:-30], "cannot be read"),
    ("footer.parquet", SOUND[:-20] + b"\xff" * 16 + b"PAR1", "cannot be read"),
    ("page.parquet", SOUND[:4] + b"\xff" * 40 + SOUND[44:], "page.parquet cannot be read"),
    ("kind.parquet", parquet(pa.table({"image": [1, 2]})), "neither a path nor bytes"),
    ("words.txt", "hello", "has none of the suffixes"),
]
# The file's content and what its findings have to say; describing it ends with status 0.
TOLD: list[tuple[str, str | bytes, str]] = [
    ("price.csv", shop(lambda i: f"a{i},t {i},g{i % 20},ask"), "60 products kept without a price"),
    ("nan.csv", shop(lambda i: f"a{i},t {i},g{i % 20},nan"), "60 products kept without a price"),
    ("inf.csv", shop(lambda i: f"a{i},t {i},g{i % 20},1e999"), "60 products kept without a price"),
    ("equal.csv", shop(lambda i: f"a{i},t {i},g,1"), "test holds no product.*at least 2 groups"),
    ("alone.csv", shop(lambda i: f"a{i},t {i},g{i},1"), "no group has two products anywhere"),
    ("without.csv", shop(lambda i: f"a{i},t {i},,1"), "60 products kept, but in no split"),
    ("unknown.csv", shop(lambda i: f"a{i},t {i},,1"), "it is unknown which products are similar"),
    ("two.csv", shop(lambda i: f"a{i},t {i},g{i % 2},1"), "one group only.*split_by=product"),
    ("seven.csv", shop(lambda i: f"a{i},t {i},g{i % 7},1"), "7 groups were kept whole"),
    ("one.csv", "title\n" + "\n".join(f"t {i}" for i in range(60)), "it is unknown which"),
    ("single.csv", HEADER + "a,b,c,1\n", "train holds 1 group, none with two products"),
    ("nul.csv", shop().replace("thing 7", "th\0ing 7"), "1 product kept with the text mended"),
    ("quote.csv", HEADER + 'z,"b,c,1\n' + shop(header=""), "1 product left out: the line has"),
    ("long.csv", shop() + "\nz," + "x" * 400_000 + ",g,1\n", "more than 131,072 characters"),
    ("some.csv", shop(lambda i: f"{max(9, i)},t {i},g{i % 20},1"), "9 of 60 rows repeat"),
    ("deep.jsonl", json.dumps(RECORDS[0]) + "\n" + '{"a":' * 100_000, "1 product left out"),
    (
        "split.csv",
        shop(lambda i: f"a{i},t,g{i % 20},holdout", "product_id,title,group,split\n"),
        "60 products kept, but in no split: the name of the split is unknown",
    ),
    (
        "test.csv",
        shop(lambda i: f"a{i},t {i},g{i % 20},train", "product_id,title,group,split\n"),
        "puts no product into test",
    ),
    (
        "nested.parquet",
        parquet(pa.table({"title": [{"a": [i]} for i in range(9)], "group": [1] * 9})),
        "9 products kept with JSON as the text",
    ),
]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of ``likewise data``; an error is one sentence."""
    status = main(["data", *arguments, "output=../runs"])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert (err == "") == (status == 0)
    if status:
        assert err.startswith("likewise: ")
        assert err.count("\n") == 1
        assert len(err) < 2000
    return status, out, err


def write(name: str, content: str | bytes) -> None:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def assert_nothing_half_done() -> None:
    tables = Path(os.environ["LIKEWISE_CACHE"]) / "tables"
    for folder in tables.glob("*"):
        assert (folder / "notes.json").is_file()


@pytest.mark.parametrize(("name", "content", "sentence"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_malformed_file_is_refused(
    name: str, content: str | bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(name, content)
    status, out, err = run(capsys, "describe", "data=table", f"data.path={name}")
    assert (status, out) == (1, "")
    assert_said(err, sentence)
    assert_nothing_half_done()


@pytest.mark.parametrize(("name", "content", "sentence"), TOLD, ids=[r[0] for r in TOLD])
def test_what_can_be_used_is_loaded_and_the_rest_counted(
    name: str, content: str | bytes, sentence: str
) -> None:
    write(name, content)
    data = TableSource(name).load()
    assert len(data.catalogue)
    assert_said("\n".join(data.findings), sentence)
    assert_nothing_half_done()


def assert_said(text: str, sentence: str) -> None:
    assert re.search(sentence, text), text


@pytest.mark.parametrize("name", ["two.csv", "seven.csv", "equal.csv", "split.csv", "single.csv"])
def test_a_report_is_made_and_the_check_fails(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(name, next(content for told, content, _ in TOLD if told == name))
    status, out, _ = run(capsys, "report", "data=table", f"data.path={name}")
    assert status == 0
    assert "! balance" in out
    assert "reading" in out
    status, out, err = run(capsys, "check", "data=table", f"data.path={name}")
    assert status == 1
    assert "products" in out
    assert "so it cannot be evaluated" in err
    assert ("data.split_by=product" in out) == ("data.split_by=product" in err)


OPTIONS: list[tuple[dict[str, object], str]] = [
    ({"image_size": 100_000}, "image_size=100000 must be at most 1024 pixels"),
    ({"image_size": -3}, "at least 1 pixel"),
    ({"shares": 3}, "three positive numbers"),
    ({"shares": ("a", "b", "c")}, "three positive numbers"),
    ({"shares": (float("nan"), 0.5, 0.5)}, "three positive numbers"),
    ({"split_seed": -1}, "split_seed=-1 must be at least 0"),
    ({"encoding": 5}, "encoding=5 must be a string"),
    ({"encoding": None}, "encoding=None must be a string"),
    ({"encoding": "utf-16"}, "cannot be read in data.encoding=utf-16"),
    ({"columns": 5}, "a mapping of roles to names"),
    ({"columns": {"attributes": [1]}}, "must be a list of column names"),
    ({"columns": {"attributes": 7}}, "must be a list of column names"),
    ({"path": ["shop.csv"]}, "must be a string"),
    ({"path": ""}, "is empty"),
    ({"path": "a\0b.csv"}, "neither a file nor a folder"),
    ({"path": "/dev/zero"}, "is a pipe or a device"),
    ({"path": "pipe.csv"}, "is a pipe or a device"),
    ({"path": "zero.csv"}, "is a pipe or a device"),
    ({"path": "piped"}, "is a pipe or a device"),
    ({"pairs": "pipe.csv"}, "data.pairs=pipe.csv is a pipe or a device"),
    ({"pairs": "/dev/zero"}, "data.pairs=/dev/zero is a pipe or a device"),
    ({"pairs": "gone.csv"}, "data.pairs=gone.csv is neither"),
    ({"pairs": "strangers.csv"}, "they name a product that the catalogue does not have"),
    ({"pairs": "selves.csv"}, "2 pairs left out: they pair a product with itself"),
    ({"pairs": "none.csv"}, "no pair of none.csv can be used"),
]


@pytest.mark.parametrize(("options", "sentence"), OPTIONS, ids=[str(o[0]) for o in OPTIONS])
def test_a_malformed_option_is_one_sentence(options: dict[str, object], sentence: str) -> None:
    write("shop.csv", shop())
    os.mkfifo("pipe.csv")
    Path("zero.csv").symlink_to("/dev/zero")
    Path("piped").mkdir()
    os.mkfifo("piped/a.csv")
    write("strangers.csv", "left_id,right_id,label\nx,y,1\n")
    write("selves.csv", "left_id,right_id,label\na1,a1,1\na2,a2,0\n")
    write("none.csv", "left_id,right_id,label\n")
    with pytest.raises(LikewiseError) as caught:
        TableSource(**{"path": "shop.csv", **options}).load()
    assert_said(str(caught.value), sentence)
    assert "\n" not in str(caught.value)


def with_pictures(*odd: str) -> None:
    """A table whose first rows name odd pictures, 30 others sound ones."""
    write("sound.png", png(0))
    os.mkfifo("pipe.png")
    Path("folder.png").mkdir()
    with Path("pictures.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["title", "group", "image"])
        names = [*odd, *["sound.png"] * 30]
        rows.writerows([f"t {i}", f"g{i % 10}", name] for i, name in enumerate(names))


ODD_PICTURES = {
    "/dev/zero": "no file but a folder, a pipe or a device",
    "pipe.png": "no file but a folder, a pipe or a device",
    "folder.png": "no file but a folder, a pipe or a device",
    "gone.png": "the picture file is missing",
    "a\0b.png": "the picture file is missing",
    "https://example.org/a.png": "a web address",
    "large.png": "larger than 64 MiB",
}


@pytest.mark.parametrize("size", [16, None])
def test_odd_pictures_cost_their_row_alone(size: int | None) -> None:
    with_pictures(*ODD_PICTURES)
    with Path("large.png").open("wb") as file:
        file.truncate(picture_check.LARGEST_FILE + 1)
    data = TableSource("pictures.csv", image_size=size, split_by="product").load()
    assert len(data.catalogue) == 30 + (0 if size else len(ODD_PICTURES))
    said = "\n".join(data.findings)
    assert "3 products" in said
    for why in ODD_PICTURES.values():
        assert why in said


def test_every_reader_of_pictures_is_guarded() -> None:
    with_pictures()
    for path in ("pipe.png", "/dev/zero", "folder.png"):
        assert picture_check.why_unusable(path) == "no regular file"
        assert picture_check.digest(path) is None
        assert UnusablePictures().shown({"path": path, "bytes": None}) == "no regular file"
        with pytest.raises(LikewiseError, match="no regular file"):
            decode_all([Path(path)], ["a"], 16)
    for split in ("train", "validation", "test"):
        Path(f"clothing/{split}/hat").mkdir(parents=True)
        os.mkfifo(f"clothing/{split}/hat/a.jpg")
    with pytest.raises(LikewiseError, match="no regular file"):
        Clothing("clothing").load()


def test_folders_of_pictures_pass_over_what_is_no_picture() -> None:
    for group in ("cup", "rug"):
        Path(f"photos/{group}/folder.png").mkdir(parents=True)
        os.mkfifo(f"photos/{group}/pipe.png")
        for row in range(8):
            Path(f"photos/{group}/{row}.png").write_bytes(png(row))
    assert len(TableSource("photos", image_size=16).load().catalogue) == 16
    for row in range(8):
        Path(f"photos/rug/{row}.png").unlink()
    data = TableSource("photos", image_size=16).load()
    assert any("at least 2 groups are needed" in sentence for sentence in data.findings)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image_size": 100_000}, "at most 1024 pixels"),
        ({"products": 10**8}, "GB of memory"),
        ({"users": 10**9}, "GB of memory"),
        ({"events": 10**9}, "make one of these smaller"),
    ],
)
def test_what_no_memory_holds_is_refused_before_it_is_made(
    options: dict[str, int], sentence: str
) -> None:
    with pytest.raises(LikewiseError, match=sentence):
        Synthetic(**options).load()
    with pytest.raises(LikewiseError, match=r"GB of memory.*smaller data.image_size"):
        decode_all([b""] * 10**7, [], 1024)
    with pytest.raises(LikewiseError, match="at most 1024 pixels"):
        decode_all([], [], 100_000)


def test_memory_stays_bounded_whatever_a_picture_or_a_line_names() -> None:
    with_pictures("/dev/zero", "pipe.png")
    with Path("line.csv").open("w") as file:
        file.write(shop() + "\nz,")
        for _ in range(200):
            file.write("x" * 2**20)
        file.write(",g,1\n")
    code = (
        "from likewise.data.sources.table import TableSource\n"
        "for name, rows in (('pictures.csv', 30), ('line.csv', 60)):\n"
        "    assert len(TableSource(name, split_by='product').load().catalogue) == rows\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))

    found = subprocess.run(
        [sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr[-2000:]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_table_closed_to_us_is_one_sentence() -> None:
    write("shop.csv", shop())
    Path("shop.csv").chmod(0)
    with pytest.raises(LikewiseError, match=r"shop.csv cannot be read \(.*Permission denied"):
        TableSource("shop.csv").load()
