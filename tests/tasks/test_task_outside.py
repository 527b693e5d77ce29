"""A task of one Python file and one YAML file outside the package, as the documentation has it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from likewise.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


def test_its_picture_and_caption_are_in_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## A task\n")[1].split("\n## ")[0]
    files = re.findall(r"```(?:python|yaml)\n# (my_parts/\S+)\n(.*?)```", section, re.DOTALL)
    assert [Path(name).suffix for name, _ in files] == [".py", ".yaml"]
    for name, text in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shared = ["--config-dir", "my_parts/configs", "data=synthetic", "task=separation"]
    quick = ["trainer.max_epochs=1", "trainer.accelerator=cpu", "logger=none", "embedding_size=8"]
    for encoder in ("bag", "attributes"):
        assert main(["train", *shared, *quick, f"encoder={encoder}"]) == 0
    (first, _) = sorted(tmp_path.glob("runs/train/*/result.json"))
    result = json.loads(first.read_text(encoding="utf-8"))
    assert result["pictures"] == {"silhouettes": "Silhouettes by product"}
    assert result["clusters"] == ["group"]
    assert result["specifications"]["silhouette"]["low"] == -1
    assert (first.parent / "silhouettes.png").stat().st_size > 1000
    assert main(["compare", "runs"]) == 0
    (report,) = tmp_path.rglob("report.html")
    text = report.read_text(encoding="utf-8")
    assert text.count("<figcaption>Silhouettes by product</figcaption>") == 2
    assert "has the highest silhouette" in text
    assert main(["train", *shared, "metrics=retrieval", "primary=map_at_r"]) == 1
    assert "is not scored by" in capsys.readouterr().err
