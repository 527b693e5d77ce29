"""``likewise export``: other programs embed products as the run does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from likewise.cli import main
from likewise.data.modalities.subwords import Subwords
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.parts import make_scorer, make_similarity
from likewise.exporting.base import check_equal
from likewise.exporting.export import export
from likewise.exporting.formats import FORMATS
from likewise.model import Model
from likewise.runs.saved import SavedRun

TINY = ["data=synthetic", "data.products=120", "data.groups=12", "embedding_size=8"]
FUSION = ["encoder=fusion", "encoder@encoder.parts.text=bag", "encoder@encoder.parts.image=mlp"]
FUSION += ["encoder.parts.image.hidden_sizes=[16]", "encoder.parts.text.hidden_sizes=[]"]


def opened(*options: str) -> SavedRun:
    """A run as it is opened, whose weights are random: an export does not depend on training."""
    experiment = Loader().experiment(compose([*TINY, *options]))
    config = experiment.config
    torch.manual_seed(0)
    model = Model(experiment.readers, make_scorer(config), make_similarity(config))
    return SavedRun(config, model, {})


@pytest.fixture(scope="module")
def texts() -> SavedRun:
    return opened("encoder=bag", "encoder.hidden_sizes=[]")


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for a tiny random model in a folder of ``transformers``, with its tokeniser."""
    folder = tmp_path_factory.mktemp("model")
    words = Subwords(max_vocabulary_size=300)
    words.train(Synthetic(products=120, groups=12).load().catalogue["title"][:])
    words.save(folder)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    config = BertConfig(vocab_size=300, intermediate_size=16, max_position_embeddings=32, **size)
    BertModel(config).save_pretrained(folder)
    return ["encoder=pretrained_text", "text=pretrained", f"pretrained_text={folder}"]


def onnx_embeddings(folder: Path, products: dict[str, np.ndarray]) -> np.ndarray:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(folder / "encoder.onnx"), providers=["CPUExecutionProvider"])
    inputs = {one.name: products[one.name] for one in session.get_inputs()}
    return session.run(["embeddings"], inputs)[0]


def test_pictures_as_onnx_from_the_command_line(
    pictures_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The description beside the graph says which pictures it reads; any number of them."""
    place = tmp_path / "graph"
    assert main(["export", str(pictures_run), "--format", "onnx", "--to", str(place)]) == 0
    printed = capsys.readouterr().out
    assert "80 products embedded by onnxruntime: maximum difference" in printed
    assert str(place) in printed
    described = json.loads((place / "likewise.json").read_text())
    assert (described["format"], described["similarity"]) == ("onnx", "cosine")
    image = described["inputs"]["image"]
    assert (image["dtype"], image["shape"]) == ("uint8", ["batch", 3, 24, 24])
    noise = np.random.default_rng(0)
    several = noise.integers(0, 256, (5, 3, 24, 24), dtype=np.uint8)
    expected = several.reshape(5, -1) / 255
    np.testing.assert_allclose(onnx_embeddings(place, {"image": several}), expected, atol=1e-6)
    alone = onnx_embeddings(place, {"image": several[:1]})
    np.testing.assert_allclose(alone, expected[:1], atol=1e-6)
    assert main(["export", str(pictures_run), "--format", "onnx", "--to", str(place)]) == 1
    assert capsys.readouterr().err.startswith(f"likewise: {place} is there already; delete it")


def test_texts_as_onnx_need_only_the_tokeniser_beside_the_graph(
    texts: SavedRun, tmp_path: Path
) -> None:
    place = tmp_path / "graph"
    export(texts, FORMATS["onnx"](), place)
    described = json.loads((place / "likewise.json").read_text())["inputs"]["text"]
    assert (described["dtype"], described["shape"]) == ("int32", ["batch", "text_length"])
    tokenizer = Tokenizer.from_file(str(place / described["files"][0]))
    words = ["a red lamp for the desk", "lamp", ""]
    ids = np.zeros((3, 40), np.int32)
    for row, text in enumerate(words[:2]):
        found = tokenizer.encode(text).ids
        ids[row, : len(found)] = np.array(found) + 1
    expected = texts.model.embed(words).numpy()
    np.testing.assert_allclose(onnx_embeddings(place, {"text": ids}), expected, atol=1e-5)


def test_a_fusion_as_onnx_leaves_out_what_a_product_lacks(tmp_path: Path) -> None:
    run, place = opened(*FUSION), tmp_path / "graph"
    export(run, FORMATS["onnx"](), place)
    noise = np.random.default_rng(0)
    products = {
        "image": noise.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8),
        "text": noise.integers(1, 200, (4, 9), dtype=np.int32),
    }
    products["image"][1] = 0
    products["text"][2] = 0
    given = {name: torch.from_numpy(values) for name, values in products.items()}
    expected = run.encoder.embed(given).numpy()
    np.testing.assert_allclose(onnx_embeddings(place, products), expected, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        ["encoder.pooling=cls"],
        ["encoder.lora_rank=2", "encoder.embedding_size=8", "encoder.nonnegative=true"],
    ],
    ids=["pooled states", "adapters, projection and softplus"],
)
def test_sentence_transformers_gives_equal_embeddings(
    options: list[str], language_model: list[str], tmp_path: Path
) -> None:
    run, place = opened(*language_model, *options), tmp_path / "sentences"
    for parameter in run.encoder.parameters():
        # New adapters change nothing until they are trained.
        torch.nn.init.normal_(parameter, std=0.1)
    export(run, FORMATS["sentence-transformers"](), place)
    from sentence_transformers import SentenceTransformer

    words = ["a red lamp for the desk", "lamp", "brass " * 60]
    loaded = SentenceTransformer(str(place), device="cpu")
    found = loaded.encode(words, show_progress_bar=False)
    expected = run.model.embed(words)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    cosine = torch.nn.functional.cosine_similarity(expected[:1], expected[1:])
    np.testing.assert_allclose(loaded.similarity(found[:1], found[1:])[0], cosine, atol=1e-5)


def test_safetensors_compute_the_embedding_by_hand(texts: SavedRun, tmp_path: Path) -> None:
    """The mean of token embeddings and a linear layer, with the tensors that are described."""
    place = tmp_path / "tensors"
    export(texts, FORMATS["safetensors"](), place)
    tensors = load_file(place / "encoder.safetensors")
    assert json.loads((place / "tensors.json").read_text()) == {
        name: {"dtype": str(values.dtype), "shape": list(values.shape)}
        for name, values in tensors.items()
    }
    ids = texts.model.readers["text"].encode(["a red lamp"])
    mean = tensors["tokens.weight"][ids[0]].mean(0)
    by_hand = tensors["layers.1.weight"] @ mean + tensors["layers.1.bias"]
    np.testing.assert_allclose(texts.model.embed(["a red lamp"])[0], by_hand, atol=1e-5)


def test_what_cannot_be_exported_gets_one_sentence(
    texts: SavedRun,
    language_model: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attention = opened(*language_model, "encoder.pooling=attention")
    signals = opened("task=matching", "matcher=signals")
    for kind, run, message in (
        ("sentence-transformers", texts, "this run has Bag"),
        ("sentence-transformers", attention, "no attention pooling with a learned query"),
        ("onnx", signals, "nothing embeds single products"),
        ("safetensors", opened("encoder=tfidf", "method=none"), "WeightedBag has no weights"),
    ):
        with pytest.raises(LikewiseError, match=message):
            export(run, FORMATS[kind](), tmp_path / "new")
    monkeypatch.setattr(FORMATS["onnx"], "packages", ("no_such_package",))
    with pytest.raises(
        LikewiseError, match=r"needs no_such_package: pip install 'likewise\[export"
    ):
        export(texts, FORMATS["onnx"](), tmp_path / "new")
    # Nothing is left of an export that failed.
    assert list(tmp_path.iterdir()) == []


def test_other_embeddings_are_refused() -> None:
    ours = torch.tensor([[0.5, 0.25], [0.0, 1.0]])
    assert "2 products embedded by x: maximum difference 0.0e+00" in check_equal(ours, ours, "x")
    # Larger embeddings are less exact in float32.
    assert check_equal(100 * ours, 100 * ours + 1e-3, "x")
    for theirs in (ours + 2e-4, ours * torch.nan):
        with pytest.raises(LikewiseError, match="differ from those of the run"):
            check_equal(ours, theirs, "x")
