"""Contributions against independent oracles: brute force, worked examples and completeness."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
import torch
from datasets import Dataset
from sklearn.ensemble import GradientBoostingClassifier

from likewise.data.catalogue import make_catalogue
from likewise.data.images import image_dataset
from likewise.data.modalities.attributes import Attributes
from likewise.data.modalities.image import Images
from likewise.data.modalities.ngrams import HashedNgrams
from likewise.data.modalities.subwords import Subwords
from likewise.data.modalities.tfidf import Tfidf
from likewise.encoders.attributes import AttributeMLP
from likewise.encoders.bag import Bag
from likewise.encoders.base import Encoder
from likewise.encoders.cnn import CNN
from likewise.encoders.fusion import Fusion
from likewise.encoders.pixels import Pixels
from likewise.encoders.text_cnn import TextCNN
from likewise.encoders.text_rnn import TextRNN
from likewise.encoders.tfidf import WeightedBag
from likewise.errors import LikewiseError
from likewise.explanations.base import Explanation
from likewise.explanations.exact import Exact
from likewise.explanations.faithfulness import (
    STEPS,
    kept_units,
    rank_correlation,
    removal_curves,
    with_shuffled_weights,
)
from likewise.explanations.integrated_gradients import IntegratedGradients
from likewise.explanations.modalities import Modalities
from likewise.explanations.occlusion import Occlusion
from likewise.explanations.pair import ProductPair
from likewise.explanations.tree_shapley import tree_shapley
from likewise.explanations.units import background, masked_pictures, product_units, without
from likewise.matchers.cross_encoder import CrossEncoder
from likewise.matchers.pair_head import PairHead
from likewise.matchers.similarity import SimilarityMatcher
from likewise.matchers.trees import Trees
from likewise.similarity.cosine import Cosine
from likewise.similarity.dot import Dot
from likewise.similarity.euclidean import Euclidean

TITLES = ["red oak lamp", "lamp of oak, red", "blue rug", ""]


def catalogue() -> Dataset:
    """Four products with texts, a price, attributes and pictures; the last has a price only."""
    pictures = np.random.default_rng(0).integers(0, 255, (4, 1, 12, 10)).astype(np.uint8)
    columns = make_catalogue(
        {
            "product_id": ["a", "b", "c", "d"],
            "title": TITLES,
            "brand": ["Alder", "alder", None, None],
            "price": [9.5, 10.0, 3.0, 2.0],
            "attributes": [
                [{"name": "colour", "value": "dark red"}, {"name": "size", "value": "L"}],
                [{"name": "colour", "value": "red"}],
                [],
                [],
            ],
        }
    )
    return image_dataset({name: columns[name][:] for name in columns.column_names}, pictures)


def fitted(reader):
    reader.fit(catalogue(), np.arange(3))
    return reader


def pair_of(encoder: Encoder, readers: dict, similarity=None, kind=SimilarityMatcher, **options):
    scorer = kind(encoder, similarity or Cosine(), **options)
    return ProductPair(scorer, readers, catalogue(), (0, 1), grid=3)


def seeded(make):
    torch.manual_seed(1)
    return make()


def bag(hidden: list[int], size: int = 5) -> Bag:
    return seeded(lambda: Bag(2**8 + 1, size, token_embedding_size=6, hidden_sizes=hidden))


def grams() -> HashedNgrams:
    return HashedNgrams(hash_bits=8)


def test_units_are_what_the_model_reads_and_can_be_left_out() -> None:
    product = {
        "title": "red  oak lamp",
        "price": 9.5,
        "attributes": [{"name": "colour", "value": "red"}, {"name": "size", "value": " "}],
        "reviews": ["good", ""],
    }
    columns = ("title", "price", "attributes", "reviews", "brand")
    units = product_units(product, columns, "left", 2, picture=True)
    assert [unit.text for unit in units[:6]] == ["red", "oak", "lamp", "9.5", "colour: red", "good"]
    assert [unit.column for unit in units[6:]] == ["image"] * 4
    assert without(product, []) == product
    gone = without(product, [units[1], units[3], units[4], units[5]])
    assert gone["title"] == "red lamp"
    assert gone["price"] is None
    assert [one["name"] for one in gone["attributes"]] == ["size"]
    assert gone["reviews"] == [""]
    assert product["title"] == "red  oak lamp"


def test_a_region_gets_the_colour_of_the_border() -> None:
    picture = torch.full((3, 6, 6), 200, dtype=torch.uint8)
    picture[:, 1:5, 1:5] = torch.arange(48, dtype=torch.uint8).view(3, 4, 4)
    assert background(picture).flatten().tolist() == [200, 200, 200]
    masked = masked_pictures(picture, np.array([[True] * 4, [False, True, True, True]]), 2)
    assert torch.equal(masked[0], picture)
    assert (masked[1, :, :3, :3] == 200).all()
    assert torch.equal(masked[1, :, 3:], picture[:, 3:])
    assert torch.equal(masked[1, :, :, 3:], picture[:, :, 3:])


def test_occlusion_is_the_score_without_one_word() -> None:
    pair = pair_of(bag([8]), {"text": grams()})
    found = Occlusion().explain(pair)
    texts = {"a": "oak lamp Alder dark red L 9.5", "b": "lamp of oak, red alder red 10"}
    ids = {name: pair.readers["text"].encode([text]) for name, text in texts.items()}
    with torch.no_grad():
        one, other = (pair.scorer.encoder(part) for part in ids.values())
        expected = pair.score - float(torch.cosine_similarity(one, other))
    assert found.units[0].text == "red"
    assert found.values[0] == pytest.approx(expected, abs=1e-6)
    assert {unit.side for unit in found.units} == {"left", "right"}


@pytest.mark.parametrize("similarity", [Cosine(), Dot()], ids=lambda one: one.name)
@pytest.mark.parametrize("kind", ["bag", "tfidf", "pixels"])
def test_exact_contributions_add_up(kind: str, similarity) -> None:
    encoder, reader, name = {
        "bag": (bag([], size=6), grams(), "text"),
        "tfidf": (WeightedBag(2**9 + 1), fitted(Tfidf(hash_bits=9)), "text"),
        "pixels": (Pixels((1, 12, 10)), fitted(Images()), "image"),
    }[kind]
    pair = pair_of(encoder, {name: reader}, similarity)
    found = Exact().explain(pair)
    left = np.array([unit.side == "left" for unit in found.units])
    whole = pair.score
    if kind == "pixels":
        # The baseline is the background: what it contributes belongs to no region.
        assert np.isfinite(found.values).all()
        return
    assert found.values[left].sum() == pytest.approx(whole / 2, abs=1e-5)
    assert found.values[~left].sum() == pytest.approx(whole / 2, abs=1e-5)
    assert found.rest == pytest.approx(0, abs=1e-5)


def test_exact_is_the_split_of_tfidf_by_hand() -> None:
    reader = fitted(Tfidf(hash_bits=9, columns=("title",)))
    pair = pair_of(WeightedBag(2**9 + 1), {"text": reader})
    found = Exact().explain(pair)
    words = [["red", "oak", "lamp"], ["lamp", "of", "oak", "red"]]
    weights = [{w: float(reader.weights([w]).sum()) for w in side} for side in words]
    norms = [np.sqrt(sum(v * v for v in side.values())) for side in weights]
    expected = [
        side[w] * other.get(w, 0) / (2 * norms[0] * norms[1])
        for side, other in ((weights[0], weights[1]), (weights[1], weights[0]))
        for w in side
    ]
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


def encoders() -> dict[str, tuple]:
    words = fitted(Subwords(max_vocabulary_size=300, max_length=64))
    size, shape = words.vocabulary_size, (1, 12, 10)
    return {
        "bag": (bag([8]), {"text": grams()}),
        "text_cnn": (
            seeded(lambda: TextCNN(size, 5, token_embedding_size=6, channels=4)),
            {"text": words},
        ),
        "text_rnn": (
            seeded(lambda: TextRNN(size, 5, token_embedding_size=6, hidden_size=4)),
            {"text": words},
        ),
        "cnn": (seeded(lambda: CNN(shape, 5, (4,), (1,))), {"image": fitted(Images())}),
        "fusion": (
            seeded(
                lambda: Fusion(
                    {"image": CNN(shape, 5, (4,), (1,)), "text": bag([8]), "more": bag([4])}, 5
                )
            ),
            {"image": fitted(Images()), "text": grams()},
        ),
    }


@pytest.mark.parametrize("kind", list(encoders()))
def test_integrated_gradients_are_complete(kind: str) -> None:
    encoder, readers = encoders()[kind]
    found = IntegratedGradients(steps=400).explain(pair_of(encoder, readers))
    assert np.abs(found.values).max() > 1e-4
    assert found.rest == pytest.approx(0, abs=5e-3)


@pytest.mark.parametrize("kind", [PairHead, CrossEncoder])
def test_matchers_over_texts_have_gradients(kind: type) -> None:
    encoder, readers = encoders()["text_cnn"]
    torch.manual_seed(0)
    pair = pair_of(encoder, readers, kind=kind)
    before = {name: value.clone() for name, value in pair.scorer.state_dict().items()}
    found = IntegratedGradients(steps=400).explain(pair)
    assert found.rest == pytest.approx(0, abs=5e-3)
    assert np.abs(found.values).max() > 1e-4
    assert all(torch.equal(pair.scorer.state_dict()[name], one) for name, one in before.items())


def test_gradients_of_words_agree_with_a_table_changed_by_hand() -> None:
    """For a linear encoder and a dot product, the integrated gradient is the dot product of a word.

    This is also where captum gives zeros: the ids of both products have tokens in common.
    """
    pair = pair_of(bag([], size=6), {"text": grams()}, Dot())
    found = IntegratedGradients(steps=3).explain(pair)
    encoder, reader = pair.scorer.encoder, pair.readers["text"]
    with torch.no_grad():
        ids = reader.encode([" ".join(unit.text for unit in pair.sides[1])])
        # The units of attributes carry their names, which are no part of the text.
        ids = reader(pair.catalogue, np.array([1]))
        other = encoder(ids)[0]
        own = reader(pair.catalogue, np.array([0]))[0]
        inside = set(reader.encode(["oak"])[0].tolist())
        alone = [one for one in own.tolist() if one in inside]
        expected = 0.5 * float((encoder.tokens.weight[alone].sum(0) / len(own)) @ other)
    place = [unit.text for unit in found.units].index("oak")
    shared = {t for text in ("red", "lamp", "alder", "dark", "l", "9.5") for t in reader._ids(text)}
    assert not {one - 1 for one in inside} & shared
    assert found.values[place] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("fusion_type", ["concatenation", "gated", "attention"])
def test_a_fused_cosine_is_split_exactly_by_modality(fusion_type: str) -> None:
    attributes = fitted(Attributes())
    sizes = attributes.sizes()
    torch.manual_seed(0)
    encoder = Fusion(
        {
            "image": CNN((1, 12, 10), 5, (4,), (1,)),
            "attributes": AttributeMLP(sizes["numeric"], sizes["cardinalities"], 4),
        },
        6,
        fusion_type,
    )
    if fusion_type == "attention":
        torch.nn.init.normal_(encoder.query)
    readers = {"image": fitted(Images()), "attributes": attributes}
    found = Modalities().explain(pair_of(encoder, readers))
    parts = 2 + (fusion_type == "concatenation")
    assert len(found.units) == parts**2
    assert found.rest == pytest.approx(0, abs=1e-6)
    assert found.units[1].text == "image × attributes"
    with pytest.raises(LikewiseError, match=r"reads attributes, which has no gradient; use"):
        IntegratedGradients().explain(pair_of(encoder, readers))
    assert np.isfinite(Occlusion().explain(pair_of(encoder, readers)).values).all()


def brute_shapley(score, row: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The definition, over all subsets."""
    count = len(row)

    def value(known: tuple[int, ...]) -> float:
        mixed = reference.copy()
        mixed[:, list(known)] = row[list(known)]
        return float(score(mixed).mean())

    found = np.zeros(count)
    for feature in range(count):
        rest = [one for one in range(count) if one != feature]
        for size in range(count):
            for known in combinations(rest, size):
                gain = value((*known, feature)) - value(known)
                found[feature] += gain / (count * comb(count - 1, size))
    return found


def test_tree_shapley_equals_the_definition() -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(120, 5)).astype(np.float32).round(1)
    labels = (table[:, 0] * table[:, 1] + table[:, 2] > 0).astype(int)
    model = GradientBoostingClassifier(n_estimators=8, max_depth=4, random_state=0)
    model.fit(table, labels)
    trees = Trees()
    trees.take(model, table[:1], float(model.decision_function(table[:1])[0]))
    reference = table[40:60]
    for row in table[:3]:
        found = tree_shapley(trees, row, reference)
        expected = brute_shapley(model.decision_function, row, reference)
        np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.abs(found).max() > 0.1


def test_curves_remove_the_given_order() -> None:
    order = np.array([2, 0, 1, 3])
    kept = kept_units(order, insert=False)
    assert kept.shape == (STEPS + 1, 4)
    assert kept[0].all()
    assert not kept[-1].any()
    assert kept[5].tolist() == [False, True, False, True]
    assert np.array_equal(kept_units(order, insert=True), ~kept)
    pair = pair_of(bag([8]), {"text": grams()})
    generator = np.random.default_rng(0)
    values = Occlusion().explain(pair).values
    deletion, insertion, *random = removal_curves(pair, values, 2, generator)
    assert deletion[0] == pytest.approx(pair.score, abs=1e-6)
    assert insertion[-1] == pytest.approx(pair.score, abs=1e-6)
    assert deletion[-1] == pytest.approx(insertion[0], abs=1e-6)
    assert all(one.shape == (STEPS + 1,) for one in random)


def test_shuffled_weights_keep_their_values_and_lose_their_places() -> None:
    scorer = SimilarityMatcher(bag([8]), Cosine())
    other = with_shuffled_weights(scorer, 0)
    assert other is not None
    one, changed = scorer.encoder.tokens.weight, other.encoder.tokens.weight
    assert torch.equal(one.flatten().sort().values, changed.flatten().sort().values)
    assert not torch.equal(one, changed)
    assert with_shuffled_weights(SimilarityMatcher(WeightedBag(9), Cosine()), 0) is None
    assert rank_correlation(np.arange(4.0), np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert np.isnan(rank_correlation(np.ones(3), np.arange(3.0)))


def test_tokens_know_their_words() -> None:
    words = ["red", "oak-wood", "lamp,"]
    subwords = fitted(Subwords(max_vocabulary_size=300))
    tokens = subwords.tokenizer.encode(" ".join(words)).tokens
    joined: dict[int, str] = {}
    for token, places in zip(tokens, subwords.words_of_tokens(words), strict=True):
        (place,) = places
        joined[place] = joined.get(place, "") + token.replace("Ġ", "")
    assert [joined[place] for place in range(3)] == words
    places = HashedNgrams().words_of_tokens(["red", "lamp"])
    assert {tuple(one) for one in places} == {(0,), (1,)}
    pairs = fitted(Tfidf(hash_bits=12, min_n=1, max_n=2)).words_of_tokens(["red", "lamp"])
    assert sorted(map(tuple, pairs)) == [(), (0,), (1,)]


@pytest.mark.parametrize(
    ("explanation", "similarity", "hidden", "message"),
    [
        (Exact(), Cosine(), [8], "needs a linear encoder"),
        (Exact(), Euclidean(), [], "splits dot products, and similarity=euclidean is none"),
        (Modalities(), Cosine(), [8], "needs encoder=fusion"),
    ],
)
def test_an_explanation_that_does_not_fit_is_refused(
    explanation: Explanation, similarity, hidden: list[int], message: str
) -> None:
    with pytest.raises(LikewiseError, match=message):
        explanation.explain(pair_of(bag(hidden), {"text": grams()}, similarity))


def test_pairs_that_cannot_be_explained() -> None:
    scorer = SimilarityMatcher(bag([8]), Cosine())
    reader = HashedNgrams(columns=("title",), hash_bits=8)
    with pytest.raises(LikewiseError, match="product a is given twice"):
        ProductPair(scorer, {"text": reader}, catalogue(), (0, 0))
    with pytest.raises(LikewiseError, match=r"product d has nothing that the model reads \(title"):
        ProductPair(scorer, {"text": reader}, catalogue(), (0, 3))
    for wrong in (0, 65):
        with pytest.raises(LikewiseError, match="must be between 1 and 64"):
            Occlusion(grid=wrong)
