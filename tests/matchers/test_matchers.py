"""Every matcher scores pairs as its description says, and goes where its parts fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import get_class
from torch import Tensor

from likewise.cli import main
from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.data.sources.synthetic import Synthetic
from likewise.encoders.bag import Bag
from likewise.encoders.base import Encoder
from likewise.encoders.cnn import CNN
from likewise.encoders.text_rnn import TextRNN
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose, shipped
from likewise.experiment.features import modalities
from likewise.experiment.targets import is_part
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.matchers.cross_encoder import CrossEncoder
from likewise.matchers.pair_head import PairHead
from likewise.matchers.similarity import SimilarityMatcher
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.euclidean import Euclidean

SHIPPED = sorted(path.stem for path in (shipped("configs") / "matcher").glob("*.yaml"))


@pytest.fixture
def quick(tmp_path: Path) -> list[str]:
    """Overrides of a matching run of a second or two."""
    return [
        "task=matching",
        "data=synthetic",
        "batch_size=32",
        "embedding_size=8",
        "trainer.max_epochs=1",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]


def some_pairs(**products: Tensor) -> LabelledPairs:
    """The first half of some products beside the second half."""
    size = len(next(iter(products.values())))
    left, right = torch.arange(size // 2), torch.arange(size // 2, size)
    catalogue = Synthetic(products=30, groups=3).load().catalogue
    return LabelledPairs(products, left, right, torch.ones(size // 2), catalogue, np.arange(size))


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean()])
def test_without_a_matcher_the_score_is_the_similarity(similarity: Similarity) -> None:
    torch.manual_seed(0)
    matcher = SimilarityMatcher(Bag(20, 4), similarity)
    text = torch.randint(1, 20, (8, 5), dtype=torch.int32)
    embeddings = matcher.encoder.embed({"text": text})
    expected = similarity.matrix(embeddings[:4], embeddings[4:]).diagonal()
    sign = 1 if similarity.larger_is_closer else -1
    torch.testing.assert_close(matcher.match_pairs(some_pairs(text=text)), sign * expected)


def test_the_cross_encoder_reads_both_texts_as_one() -> None:
    torch.manual_seed(0)
    matcher = CrossEncoder(TextRNN(20, 6), symmetric=True, batch_size=2).eval()
    left = torch.tensor([[3, 4, 0], [5, 0, 0], [0, 0, 0]], dtype=torch.int32)
    right = torch.tensor([[7, 0], [8, 9], [1, 0]], dtype=torch.int32)
    joined = [[3, 4, 7], [5, 8, 9], [1]]
    found = matcher.match({"text": left}, {"text": right}).detach()
    for row, text in enumerate(joined):
        alone = matcher.head(matcher.encoder(torch.tensor([text], dtype=torch.int32)))
        torch.testing.assert_close(found[row], alone[0, 0].detach(), atol=1e-5, rtol=0)
    texts = torch.cat([left, torch.nn.functional.pad(right, (0, 1))])
    there = matcher.match_pairs(some_pairs(text=texts))
    back = matcher.match({"text": right}, {"text": left}).detach()
    torch.testing.assert_close(there, (found + back) / 2)
    with pytest.raises(LikewiseError, match="joins texts, and CNN reads image"):
        CrossEncoder(CNN([1, 8, 8], 6, channels=(4,), convolutions=(1,)))


def test_the_cross_encoder_joins_the_tokens_that_its_encoder_reads() -> None:
    torch.manual_seed(0)
    matcher = CrossEncoder(TextRNN(20, 6, modality="words")).eval()
    words = torch.tensor([[3, 4], [7, 8]], dtype=torch.int32)
    other = torch.tensor([[9, 9], [9, 9]], dtype=torch.int32)
    expected = matcher.head(matcher.encoder(torch.tensor([[3, 4, 7, 8]], dtype=torch.int32)))
    found = matcher.match_pairs(some_pairs(words=words, text=other))
    torch.testing.assert_close(found, expected[0].detach())


def test_the_head_sees_the_features_it_is_told() -> None:
    torch.manual_seed(0)
    matcher = PairHead(Bag(20, 4), features=["product", "difference"], hidden_size=0).eval()
    left, right = torch.rand(3, 4), torch.rand(3, 4)
    weight, bias = matcher.head[0].weight[0], matcher.head[0].bias
    expected = (left * right) @ weight[:4] + (left - right).abs() @ weight[4:] + bias
    torch.testing.assert_close(matcher.compare(left, right), expected)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_says_whether_it_needs_an_encoder(
    name: str, quick: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = compose([f"matcher={name}"])
    if not is_part(config.matcher):
        assert main(["train", *quick, f"matcher={name}", "encoder=none"]) == 1
        assert "nothing that compares products" in capsys.readouterr().err
        return
    use = get_class(config.matcher._target_).encoder_use
    assert is_part(config.encoder) == (use == "required")
    if use == "required":
        assert main(["train", *quick, f"matcher={name}", "encoder=none"]) == 1
        assert "needs an encoder" in capsys.readouterr().err


def test_the_modalities_are_those_of_the_encoder_and_of_the_matcher() -> None:
    assert modalities(compose(["matcher=pair_head", "encoder=fusion"])) == ["image", "text"]
    assert modalities(compose(["matcher=signals"])) == []
    assert modalities(compose(["matcher=signals", "encoder=cnn"])) == ["image"]
    own = [f"matcher._target_={__name__}.ReadsText", "encoder=attributes"]
    assert modalities(compose(["matcher=pair_head", *own])) == ["attributes", "text"]


class ReadsText(Matcher):
    """Reads a modality itself."""

    modalities = ("text",)

    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        return (pairs.products["text"][pairs.left] != 0).sum(1).float()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["matcher=signals", "method=pairs"], "use method=fit"),
        (["encoder=bag", "method=fit"], "or choose matcher=signals"),
        (["encoder=bag", "method=contrastive"], "or choose encoder=contrastive"),
        (["matcher=signals", "task=retrieval"], "has no embeddings of single ones"),
        (["matcher=cross_encoder", "+loss@method.group_loss=supcon"], "compares embeddings"),
        (["matcher=signals", "matcher.subsample=2"], "matcher=signals: "),
        (["+matcher._target_=torch.nn.Identity", "encoder=bag"], "no use for encoder Bag"),
        (["+matcher._target_=torch.nn.Identity", "encoder=none"], "matchers.base.Matcher"),
        (["encoder=none", "+encoder._target_=torch.nn.Identity"], "encoders.base.Encoder"),
    ],
)
def test_what_does_not_fit_is_said_before_training(
    changes: list[str], message: str, quick: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *quick, *changes]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_the_embeddings_behind_a_head_can_be_searched(quick: list[str]) -> None:
    run = open_run(train(compose([*quick, "matcher=pair_head"])))
    assert isinstance(run.scorer, EmbeddingMatcher)
    run.model.index(["red lamp", "blue shelf"])
    (nearest, similarity), _ = run.model.search("red lamp", k=2)
    assert nearest == "0"
    assert similarity == pytest.approx(1, abs=1e-5)
    # Pairs are scored by the head, and not by the cosine.
    score = run.model.match(["red lamp"], ["blue shelf"])
    one, other = run.model.embed(["red lamp", "blue shelf"])
    expected = run.scorer.compare(one[None], other[None]).detach()
    torch.testing.assert_close(score, expected, atol=1e-5, rtol=0)


def test_costs_of_signals_are_those_of_its_trees(quick: list[str]) -> None:
    folder = train(compose([*quick, "matcher=signals", "matcher.n_estimators=7"]))
    cost = read_result(folder)["cost"]
    data = Synthetic().load()
    read = 2 * len(data.get(Pairs).splits["train"])
    assert cost["train_products_per_second"] * cost["train_seconds"] == pytest.approx(read)
    forest = open_run(folder).scorer.forest
    # A tree of n splits has n + 1 leaves; counted by walking down from the root.
    nodes = 0
    for left, right in zip(forest.left.tolist(), forest.right.tolist(), strict=True):
        waiting = [0]
        while waiting:
            node = waiting.pop()
            nodes += 1
            waiting += [] if left[node] == node else [left[node], right[node]]
    assert cost["parameters"] == nodes > 7


def test_an_encoder_s_similarity_is_one_more_signal_and_is_not_trained(quick: list[str]) -> None:
    folder = train(compose([*quick, "matcher=signals", "encoder=bag", "matcher.n_estimators=3"]))
    run = open_run(folder)
    pairs = run.module.pair_split("test")
    encoder = run.scorer.encoder
    assert isinstance(encoder, Encoder)
    expected = SimilarityMatcher(encoder, run.similarity).match_pairs(pairs)
    table = run.scorer.table(pairs)
    assert table.shape[1] == len(run.scorer.pair_signals.names) + 1
    np.testing.assert_array_equal(table[:, -1], expected.numpy())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
