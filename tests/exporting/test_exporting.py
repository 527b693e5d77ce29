"""``likewise export``: other programs embed products as the run does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import BertConfig, BertModel

import likewise
from likewise.cli import main
from likewise.data.modalities.subwords import Subwords
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.exporting.base import check_equal
from likewise.exporting.formats import FORMATS
from likewise.runs.train import train

DATA = {"products": 120, "groups": 12}
TINY = ["data=synthetic", *(f"data.{name}={value}" for name, value in DATA.items())]
TINY += ["embedding_size=8", "trainer.max_epochs=1", "trainer.accelerator=cpu", "logger=none"]
MLP = "hidden_sizes=[16]"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


def trained(output: Path, *options: str) -> Path:
    return train(compose([*TINY, f"output={output}", *options]))


@pytest.fixture(scope="module")
def pictures(output: Path) -> Path:
    return trained(output, "encoder=mlp", f"encoder.{MLP}")


@pytest.fixture(scope="module")
def texts(output: Path) -> Path:
    return trained(output, "encoder=bag", "encoder.hidden_sizes=[]")


@pytest.fixture(scope="module")
def language_model(output: Path) -> Path:
    """A folder of ``transformers`` with a tiny random model and its tokeniser."""
    folder = output / "model"
    folder.mkdir()
    data = Synthetic(**DATA).load()
    words = Subwords(max_vocabulary_size=300)
    words.fit(data.catalogue, data.splits["train"])
    words.save(folder)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    config = BertConfig(vocab_size=300, intermediate_size=16, max_position_embeddings=32, **size)
    BertModel(config).save_pretrained(folder)
    return folder


def pretrained(output: Path, model: Path, *options: str) -> Path:
    chosen = ["encoder=pretrained_text", "text=pretrained", f"pretrained_text={model}"]
    return trained(output, *chosen, *options)


def onnx_embeddings(folder: Path, products: dict[str, np.ndarray]) -> np.ndarray:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(folder / "encoder.onnx"), providers=["CPUExecutionProvider"])
    inputs = {one.name: products[one.name] for one in session.get_inputs()}
    return session.run(["embeddings"], inputs)[0]


def test_pictures_as_onnx_from_the_command_line(pictures: Path, tmp_path: Path) -> None:
    """A picture that is scaled to the stated shape is all that the graph needs."""
    place = tmp_path / "graph"
    command = [sys.executable, "-m", "likewise", "export", str(pictures), "--format", "onnx"]
    done = subprocess.run([*command, "--to", str(place)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "120 products embedded by onnxruntime: maximum difference" in done.stdout
    described = json.loads((place / "likewise.json").read_text())
    assert described["similarity"] == "cosine"
    image = described["inputs"]["image"]
    assert image["dtype"] == "uint8"
    noise = np.random.default_rng(0)
    several = noise.integers(0, 256, (5, *image["shape"][1:]), dtype=np.uint8)
    model = likewise.load(pictures)
    expected = model.encoder.embed({"image": torch.from_numpy(several)}).numpy()
    np.testing.assert_allclose(onnx_embeddings(place, {"image": several}), expected, atol=1e-5)
    alone = onnx_embeddings(place, {"image": several[:1]})
    np.testing.assert_allclose(alone, expected[:1], atol=1e-5)


def test_texts_as_onnx_need_only_the_tokeniser_beside_the_graph(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "graph"
    assert main(["export", str(texts), "--format", "onnx", "--to", str(place)]) == 0
    assert str(place) in capsys.readouterr().out
    described = json.loads((place / "likewise.json").read_text())["inputs"]["text"]
    assert (described["dtype"], described["shape"]) == ("int32", ["batch", "text_length"])
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(place / described["files"][0]))
    words = ["a red lamp for the desk", "lamp", ""]
    ids = np.zeros((3, 40), np.int32)
    for row, text in enumerate(words[:2]):
        found = tokenizer.encode(text).ids
        ids[row, : len(found)] = np.array(found) + 1
    expected = likewise.load(texts).embed(words).numpy()
    np.testing.assert_allclose(onnx_embeddings(place, {"text": ids}), expected, atol=1e-5)


def test_a_fusion_as_onnx_leaves_out_what_a_product_lacks(output: Path, tmp_path: Path) -> None:
    parts = ["encoder=fusion", "encoder@encoder.parts.text=bag", "encoder@encoder.parts.image=mlp"]
    run = trained(output, *parts, f"encoder.parts.image.{MLP}", "encoder.parts.text.hidden_sizes=[]")
    place = tmp_path / "graph"
    assert main(["export", str(run), "--format", "onnx", "--to", str(place)]) == 0
    noise = np.random.default_rng(0)
    products = {
        "image": noise.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8),
        "text": noise.integers(1, 200, (4, 9), dtype=np.int32),
    }
    products["image"][1] = 0
    products["text"][2] = 0
    given = {name: torch.from_numpy(values) for name, values in products.items()}
    expected = likewise.load(run).encoder.embed(given).numpy()
    np.testing.assert_allclose(onnx_embeddings(place, products), expected, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        ["encoder.pooling=cls", "encoder.embedding_size=null"],
        ["encoder.lora_rank=2", "encoder.embedding_size=8", "encoder.nonnegative=true"],
    ],
    ids=["pooled states", "adapters, projection and softplus"],
)
def test_sentence_transformers_gives_equal_embeddings(
    options: list[str], output: Path, language_model: Path, tmp_path: Path
) -> None:
    run = pretrained(output, language_model, *options)
    place = tmp_path / "sentences"
    assert main(["export", str(run), "--format", "sentence-transformers", "--to", str(place)]) == 0
    from sentence_transformers import SentenceTransformer

    words = ["a red lamp for the desk", "lamp", "brass " * 60]
    loaded = SentenceTransformer(str(place), device="cpu")
    found = loaded.encode(words, show_progress_bar=False)
    expected = likewise.load(run).embed(words)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    cosine = torch.nn.functional.cosine_similarity(expected[:1], expected[1:])
    np.testing.assert_allclose(loaded.similarity(found[:1], found[1:])[0], cosine, atol=1e-5)


def test_safetensors_compute_the_embedding_by_hand(texts: Path, tmp_path: Path) -> None:
    """The mean of token embeddings and a linear layer, with the tensors that are described."""
    place = tmp_path / "tensors"
    assert main(["export", str(texts), "--format", "safetensors", "--to", str(place)]) == 0
    tensors = load_file(place / "encoder.safetensors")
    described = json.loads((place / "tensors.json").read_text())
    assert described == {
        name: {"dtype": str(values.dtype), "shape": list(values.shape)}
        for name, values in tensors.items()
    }
    model = likewise.load(texts)
    ids = model.readers["text"].encode(["a red lamp"])
    mean = tensors["tokens.weight"][ids[0]].mean(0)
    by_hand = tensors["layers.1.weight"] @ mean + tensors["layers.1.bias"]
    np.testing.assert_allclose(model.embed(["a red lamp"])[0], by_hand, atol=1e-5)


def refusal(capsys: pytest.CaptureFixture[str], run: Path, kind: str, place: Path) -> str:
    assert main(["export", str(run), "--format", kind, "--to", str(place)]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("likewise: ")
    assert printed.count("\n") == 1
    assert list(place.parent.glob(f"*{place.name}*")) in ([], [place])
    return printed


def test_what_cannot_be_exported_gets_one_sentence(
    pictures: Path,
    matcher_run: Path,
    words_run: Path,
    output: Path,
    language_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there, new = tmp_path / "there", tmp_path / "new"
    there.mkdir()
    assert "is there already" in refusal(capsys, pictures, "onnx", there)
    assert "this run has MLP" in refusal(capsys, pictures, "sentence-transformers", new)
    assert "nothing embeds single products" in refusal(capsys, matcher_run, "onnx", new)
    assert "has no weights" in refusal(capsys, words_run, "safetensors", new)
    attention = pretrained(output, language_model, "encoder.pooling=attention")
    assert "attention pooling" in refusal(capsys, attention, "sentence-transformers", new)
    monkeypatch.setattr(FORMATS["onnx"], "packages", ("no_such_package",))
    assert "pip install 'likewise[export]'" in refusal(capsys, pictures, "onnx", new)


def test_other_embeddings_are_refused() -> None:
    ours = torch.tensor([[0.5, 0.25], [0.0, 1.0]])
    assert "2 products embedded by x: maximum difference 0.0e+00" in check_equal(ours, ours, "x")
    # Larger embeddings are less exact in float32.
    assert check_equal(100 * ours, 100 * ours + 1e-3, "x")
    for theirs in (ours + 2e-4, ours * torch.nan):
        with pytest.raises(LikewiseError, match="differ from those of the run"):
            check_equal(ours, theirs, "x")
