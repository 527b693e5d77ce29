"""Every command and code block of the README and the documentation works as it is printed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from conftest import (
    write_bandit_log,
    write_data,
    write_judgements,
    write_network,
    write_shop,
    write_timed_ratings,
)
from PIL import Image
from transformers import BertConfig, BertModel, CLIPConfig, CLIPModel

from likewise.cli import main
from likewise.data.modalities.subwords import Subwords
from likewise.data.relevance import Pairs
from likewise.data.sources.synthetic import Synthetic
from likewise.experiment.composition import shipped

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
# Small and quick, where a page shows what a person would run.
QUICK = ["trainer.max_epochs=1", "trainer.accelerator=cpu", "logger=none"]
# The runs that some verbs need, by the verb.
TRAINED = {
    "search": "bm25",
    "recommend": "cooccurrence",
    "cross-sell": "ease",
    "threshold": "signals",
    "update": "shop",
    "explain": "signals",
}
TINY_PICTURES = ["data.validation_size=40", "embedding_size=16"]


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of every ``likewise`` command of a page, comments and line ends taken away."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parsed = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in parsed if words and words[0] == "likewise"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages speak of: data, products of one's own, parts of one's own."""
    folder = tmp_path_factory.mktemp("workplace")
    write_data(folder / "data" / "fashion_mnist")
    for name in ("abt_buy", "walmart_amazon"):
        write_matching(folder / "data" / "product_matching" / name)
    write_judgements(folder / "data" / "home_depot_search")
    write_shop(folder / "data" / "amazon_beauty")
    write_network(folder / "data" / "amazon_photo")
    write_bandit_log(folder / "data" / "open_bandit")
    write_timed_ratings(folder / "data" / "amazon_hin")
    write_products(folder)
    write_one_seed(folder / "experiments", "encoders")
    write_model(folder / "model")
    write_two_towers(folder / "model", folder / "clip")
    for page in PAGES:
        for language in ("python", "yaml"):
            for block in blocks(page, language):
                if found := re.match(r"# (my_parts/\S+)\n", block):
                    path = folder / found[1]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    # Hydra reads ``# @package`` only where no other comment is above it.
                    path.write_text(block.partition("\n")[2])
    return folder


def write_matching(folder: Path) -> None:
    """A benchmark of labelled pairs, in its own layout, of synthetic offers."""
    data = Synthetic(products=200, groups=20).load()
    found = data.get(Pairs)
    folder.mkdir(parents=True)
    titles = data.catalogue["title"][:]
    sides = {"L": np.unique(found.left), "R": np.unique(found.right)}
    offers = [(f"{side}{row}", titles[row]) for side, rows in sides.items() for row in rows]
    ids, names = zip(*offers, strict=True)
    pq.write_table(pa.table({"offer_id": ids, "name": names}), folder / "offers.parquet")
    split = np.empty(len(found.labels), dtype=object)
    for name, rows in found.splits.items():
        split[rows] = {"validation": "valid"}.get(name, name)
    pairs = {
        "left_id": [f"L{row}" for row in found.left],
        "right_id": [f"R{row}" for row in found.right],
        "label": found.labels,
        "split": split,
    }
    pq.write_table(pa.table(pairs), folder / "pairs.parquet")


def write_products(folder: Path) -> None:
    """``products.csv`` with photographs, and ``pairs.csv`` of its products."""
    noise = np.random.default_rng(0)
    (folder / "photos").mkdir()
    lines = ["product_id,name,photo,sku,price"]
    pairs = ["left_id,right_id,label"]
    for row in range(160):
        sku = row % 20
        pixels = noise.integers(0, 120, (24, 24, 3)).astype(np.uint8)
        pixels[sku : sku + 4] = 250
        Image.fromarray(pixels).save(folder / "photos" / f"{row}.png")
        lines.append(f"p{row},lamp {sku} of maker {sku % 7},photos/{row}.png,{sku},{9 + sku}.50")
        pairs += [f"p{row},p{(row + 20) % 160},1", f"p{row},p{(row + 3) % 160},0"]
    (folder / "products.csv").write_text("\n".join(lines))
    new = ["product_id,name,price,deleted", "n1,rug 5,3.50,", "p0,lamp 0 renewed,9,", "p7,,,true"]
    (folder / "new.csv").write_text("\n".join(new))
    (folder / "pairs.csv").write_text("\n".join(pairs))


def write_one_seed(folder: Path, study: str) -> None:
    """A study of the package with its first seed only, which a command finds first."""
    config = yaml.safe_load((shipped("experiments") / study / "study.yaml").read_text())
    (folder / study).mkdir(parents=True)
    (folder / study / "study.yaml").write_text(yaml.safe_dump(config | {"seeds": [0]}))


def write_model(folder: Path) -> None:
    """A language model as the hub has it."""
    folder.mkdir()
    data = Synthetic().load()
    words = Subwords(max_vocabulary_size=300)
    words.fit(data.catalogue, data.splits["train"])
    words.save(folder)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=300, intermediate_size=16, max_position_embeddings=128, **size)
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)


def text_beside(result: Path) -> str:
    """The config of a finished run."""
    return (result.parent / "config.yaml").read_text()


def write_two_towers(model: Path, folder: Path) -> None:
    """A model of pictures and texts as the hub has it, with the tokeniser of another model."""
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = size | {"vocab_size": 300, "intermediate_size": 16, "eos_token_id": 299}
    vision = size | {"image_size": 32, "patch_size": 16, "intermediate_size": 16}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    CLIPModel(config).save_pretrained(folder)
    shutil.copy(model / "tokenizer.json", folder)


def as_run_here(words: list[str], folder: Path) -> list[str]:
    """A command with its placeholders filled in, and small enough for a test."""
    verb = words[0]
    if verb == "similar":
        run = next(path.parent for path in sorted(folder.glob("runs/train/rnn-*/result.json")))
        filled = {"RUN": str(run), "data.path=…": "data.path=products.csv"}
        model = f"pretrained_text={folder}/model"
        words = [model if "pretrained_text=" in word else filled.get(word, word) for word in words]
        return [*words, "data.columns.title=name"]
    if verb in TRAINED:
        places = sorted(folder.glob(f"runs/train/{TRAINED[verb]}-*/result.json"))
        # Words cannot be left out where a score depends on the whole catalogue.
        alone = (path for path in places if "context: true" not in text_beside(path))
        run = next(path.parent for path in alone)
        ids = pq.read_table(run / "per_query.parquet").slice(0, 1).to_pylist()[0]
        filled = {"RUN": str(run), "A": ids.get("left_id"), "B": ids.get("right_id")}
        return [filled.get(word, word) for word in words]
    texts = " ".join(words)
    if verb in ("evaluate", "embed", "matrix", "export"):
        run = next(path.parent for path in sorted(folder.glob("runs/train/rnn-*/result.json")))
        words = [str(run) if word == "RUN" else word for word in words]
        return [f"data.path={folder}/data/fashion_mnist" if "…" in word else word for word in words]
    words = ["data=synthetic" if word == "data=…" else word for word in words]
    model = f"pretrained_text={folder}/{'clip' if 'encoder=clip' in words else 'model'}"
    words = [model if "pretrained_text=" in word else word for word in words]
    if "encoder=pretrained_image" in words:
        words = [*words, "encoder.weights=random"]
    if "pretrained" in texts and "pretrained_text=" not in texts:
        words = [*words, f"pretrained_text={folder}/model"]
    pictures = "data=" not in texts and "product_matching" not in texts
    if verb == "data":
        return [*words, *(TINY_PICTURES[:1] if "data=fashion_mnist" in texts else [])]
    if verb == "train":
        return [*words, *QUICK, *(TINY_PICTURES if pictures else [])]
    if verb == "study":
        if "encoders" not in words:
            return ["doctor"]
        return [*words, *QUICK, *TINY_PICTURES, "data.train_size=null", "data.test_size=null"]
    if verb == "compare" and "encoders" in words:
        return [*words, *QUICK, *TINY_PICTURES, "data.train_size=null", "data.test_size=null"]
    return words


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_commands(
    page: str, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("LIKEWISE_CACHE", str(workplace / "cache"))
    monkeypatch.delenv("LIKEWISE_DATA", raising=False)
    for words in commands(page):
        arguments = as_run_here(words, workplace)
        # Hydra's own main keeps to the process it is in.
        if "-m" in arguments:
            command = [sys.executable, "-m", "likewise", *arguments]
            status = subprocess.run(command, capture_output=True, timeout=300).returncode
        else:
            status = main(arguments)
        message = capsys.readouterr().err
        # ``check`` may find something in such small data; it must say so in a sentence.
        found = "check" in words[:2] and message.startswith("likewise: ")
        assert status == 0 or (found and message.count("\n") == 1), (words, message)


def test_studies_in_the_readme_are_studies(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (text,) = [block for block in blocks("README.md", "yaml") if block.startswith("question")]
    folder = workplace / "experiments" / "from_the_readme"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(text)
    monkeypatch.chdir(workplace)
    assert main(["study", "from_the_readme", "--dry-run", "data.validation_size=40"]) == 0
    assert "0 of 6 trials  supcon" in capsys.readouterr().out
