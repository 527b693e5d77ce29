"""Finding, fetching, reading and hashing the files of a data source."""

from __future__ import annotations

import email.message
import io
import urllib.request
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


def test_a_download_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    remote, home = tmp_path / "remote", tmp_path / "home"
    remote.mkdir()
    (remote / "a").write_text("first")
    urls = {name: (remote / name).as_uri() for name in ("a", "b")}
    with pytest.raises(LikewiseError, match=r"/b could not be downloaded"):
        find_folder("shop", str(home), ["b"], urls=urls)
    (remote / "a").write_text("changed")
    (remote / "b").write_text("second")
    assert find_folder("shop", str(home), ["b"], urls=urls) == home
    assert {file.name: file.read_text() for file in home.iterdir()} == {"a": "first", "b": "second"}


def test_half_a_file_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = email.message.Message()
    headers["Content-Length"] = "10"
    answer = urllib.request.addinfourl(io.BytesIO(b"12345"), headers, "http://shop.invalid/a")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: answer)
    with pytest.raises(LikewiseError, match="only 5 of 10 bytes came"):
        fetch("http://shop.invalid/a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


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
