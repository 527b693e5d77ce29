"""Files that are written whole or not at all."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from likewise.atomic import atomic


def write_often(path: Path, text: str) -> None:
    for _ in range(300):
        with atomic(path) as partial:
            partial.write_text(text * 1000)


def test_processes_may_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "page"
    writers = [
        multiprocessing.get_context("fork").Process(target=write_often, args=(path, text))
        for text in "ab"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert list(tmp_path.iterdir()) == [path]


def fail(path: Path) -> None:
    with atomic(path) as partial:
        partial.write_text("half")
        raise OSError("full")


def test_an_error_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("earlier")
    with pytest.raises(OSError, match="full"):
        fail(path)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]
