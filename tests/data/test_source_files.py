"""Finding, fetching, reading and hashing the files of a data source."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.data.sources.files import fetch, find_folder, fingerprint, read_table
from likewise.errors import LikewiseError


def test_folders_are_looked_for_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path / "root"))
    with pytest.raises(LikewiseError) as caught:
        find_folder("shop", None, ["a.csv", "b.csv"])
    assert str(caught.value) == (
        f"no a.csv or b.csv in {tmp_path}/root/shop or data/shop; set data.path to their folder"
    )
    for folder in ("data/shop", "root/shop", "mine"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "b.csv").touch()
        found = find_folder("shop", "mine" if folder == "mine" else None, ["a.csv", "b.csv"])
        assert found.resolve() == tmp_path / folder


class Shop(BaseHTTPRequestHandler):
    """A server of what ``files`` holds; of a file in ``cut`` only the first half comes."""

    files: dict[str, bytes]
    cut: set[str]

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        content = self.files.get(name)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.cut else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Shop.files, Shop.cut = {}, set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_download_that_was_cut_off_goes_on(tmp_path: Path, shop: str) -> None:
    Shop.files["a"] = b"first"
    urls = {name: f"{shop}/{name}" for name in ("a", "b")}
    with pytest.raises(LikewiseError, match=r"/b could not be downloaded .*404"):
        find_folder("shop", str(tmp_path), ["b"], urls=urls)
    Shop.files.update(a=b"changed", b=b"second")
    assert find_folder("shop", str(tmp_path), ["b"], urls=urls) == tmp_path
    found = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert found == {"a": "first", "b": "second"}


def test_half_a_file_is_not_kept(tmp_path: Path, shop: str) -> None:
    Shop.files["a"] = b"1234567890"
    Shop.cut.add("a")
    with pytest.raises(LikewiseError, match="could not be downloaded"):
        fetch(f"{shop}/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_another_hash_is_not_kept(tmp_path: Path, shop: str) -> None:
    Shop.files["a"] = b"content"
    known = {"a": hashlib.sha256(b"other").hexdigest()}
    with pytest.raises(LikewiseError, match="does not match the known hash"):
        find_folder("shop", str(tmp_path), ["a"], urls={"a": f"{shop}/a"}, sha256=known)
    assert list(tmp_path.iterdir()) == []
    right = hashlib.sha256(b"content").hexdigest()
    assert fetch(f"{shop}/a", tmp_path / "a", right).read_bytes() == b"content"


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:1/a", "nothing://shop/a"):
        with pytest.raises(LikewiseError, match="could not be downloaded") as caught:
            fetch(url, tmp_path / "a")
        assert "\n" not in str(caught.value)
        assert "Max retries" not in str(caught.value)


def test_columns_and_their_types(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffid,price,note\n1,2.5,"two\nlines"\n2,,007\n')
    kinds = {"price": pa.float64(), "id": pa.int64()}
    table = read_table(tmp_path / "a.csv", kinds)
    assert table.to_pydict() == {"price": [2.5, None], "id": [1, 2]}
    every = read_table(tmp_path / "a.csv", kinds, others=True)
    assert every["note"].to_pylist() == ["two\nlines", "007"]
    pq.write_table(
        pa.table({"note": ["x"], "id": pa.array([3], pa.int32())}), tmp_path / "a.parquet"
    )
    assert read_table(tmp_path / "a.parquet", {"id": pa.int64()}).schema.field("id").type == "int64"
    assert read_table(tmp_path / "a.parquet", {}, others=True).column_names == ["note", "id"]
    with pytest.raises(LikewiseError, match=r"a\.parquet is damaged"):
        read_table(tmp_path / "a.parquet", {"note": pa.int64()})
    (tmp_path / "empty.csv").touch()
    with pytest.raises(LikewiseError, match=r"empty\.csv has no column id"):
        read_table(tmp_path / "empty.csv", {"id": pa.int64()})


def test_fingerprints_follow_content_and_options_not_names(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for path, content in ((one, "x"), (same, "x"), (other, "y")):
        path.write_text(content)
    assert fingerprint([one], size=1) == fingerprint([same], size=1)
    different = [
        fingerprint([one], size=1),
        fingerprint([one], size=2),
        fingerprint([other], size=1),
    ]
    different += [fingerprint([one, other]), fingerprint([other, one])]
    assert len(set(different)) == 5
