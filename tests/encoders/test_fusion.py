"""Fusion: what a product lacks is left out, whatever its part says; training hides some more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from torch import Tensor
from torch.nn import functional as F

from likewise.encoders.attributes import AttributeMLP
from likewise.encoders.bag import Bag
from likewise.encoders.base import Encoder
from likewise.encoders.cnn import CNN
from likewise.encoders.fusion import KINDS, Fusion, present
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.features import modalities
from likewise.experiment.identity import config_identity
from likewise.experiment.parts import make_task
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train

SIZES = [
    "sizes.text.vocabulary_size=20",
    "sizes.reviews.vocabulary_size=20",
    "sizes.attributes.numeric=2",
    "sizes.attributes.cardinalities=[3]",
    "sizes.image.input_shape=[1,8,8]",
    "embedding_size=8",
]


def make(how: str = "gated", modality_dropout: float = 0.0, **options: bool) -> Fusion:
    """Over parts of different widths, two of which read the text."""
    torch.manual_seed(0)
    parts: dict[str, Encoder] = {
        "picture": CNN([1, 8, 8], 6, channels=(4,), convolutions=(1,)),
        "words": Bag(20, 8, token_embedding_size=8),
        "more words": Bag(20, 4, token_embedding_size=4),
        "facts": AttributeMLP(2, [3], 5),
    }
    return Fusion(parts, 8, how, modality_dropout, **options)


def products(rows: int = 6) -> dict[str, Tensor]:
    """Of which each has every modality."""
    generator = torch.Generator().manual_seed(1)
    return {
        "image": torch.rand(rows, 1, 8, 8, generator=generator),
        "text": torch.randint(1, 20, (rows, 5), generator=generator, dtype=torch.int32),
        "attributes": torch.rand(rows, 3, generator=generator).round() + 1,
    }


class Plain(Encoder):
    """What the products hold, as it is."""

    def __init__(self, modality: str, embedding_size: int = 3) -> None:
        super().__init__(embedding_size)
        self.modality = modality

    def features(self, products: Tensor) -> Tensor:
        return products


def hidden(fusion: Fusion, known: Sequence[bool], times: int) -> Tensor:
    """bool [times, parts]: what training leaves of a product's parts."""
    torch.manual_seed(0)
    return fusion._hide(torch.tensor([list(known)] * times))


def test_present_is_what_is_not_all_zero() -> None:
    images = torch.zeros(3, 2, 4, 4)
    images[1, 1, 3, 3] = 0.1
    assert present(images).tolist() == [False, True, False]
    assert present(torch.tensor([[0, 0], [7, 0]], dtype=torch.int32)).tolist() == [False, True]
    assert present(torch.tensor([[-1.0, 1.0], [0.0, 0.0]])).tolist() == [True, False]
    assert present(torch.zeros(2, 3, 0, dtype=torch.int32)).tolist() == [False, False]
    assert present(torch.zeros(0, 3)).shape == (0,)


@pytest.mark.parametrize("how", KINDS)
def test_gradient_reaches_every_parameter_and_is_finite(how: str) -> None:
    fusion = make(how)
    lacking = products()
    # One product lacks the text, one everything.
    lacking["text"][0] = 0
    for values in lacking.values():
        values[1] = 0
    F.normalize(fusion(lacking))[:, :3].sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("how", KINDS)
def test_a_product_s_embedding_does_not_depend_on_its_batch(how: str) -> None:
    fusion = make(how).eval()
    batch = products()
    for row, name in enumerate(batch):
        batch[name][row] = 0
        batch[name][5] = 0
    together = fusion(batch)
    rows = [{name: values[row : row + 1] for name, values in batch.items()} for row in range(6)]
    alone = torch.cat([fusion(row) for row in rows])
    assert together.shape == (6, 8)
    assert together.isfinite().all()
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize("name", ["image", "text", "attributes"])
def test_an_absent_modality_is_one_that_all_products_lack(how: str, name: str) -> None:
    fusion = make(how).eval()
    batch = products()
    zeros = {**batch, name: torch.zeros_like(batch[name])}
    without = {key: values for key, values in batch.items() if key != name}
    assert torch.allclose(fusion(zeros), fusion(without), atol=1e-6)
    assert not torch.allclose(fusion(batch), fusion(without), atol=1e-3)


@pytest.mark.parametrize("how", KINDS)
def test_what_a_part_says_of_a_product_that_lacks_it_has_no_part_in_the_embedding(how: str) -> None:
    fusion = make(how).eval()
    batch = products()
    batch["text"][:3] = 0
    before = fusion(batch)
    for name in ("words", "more words"):
        words = fusion.parts[name]
        assert isinstance(words, Bag)
        with torch.no_grad():
            # The one thing that a bag says of a text without words.
            words.layers[-1].bias.add_(torch.arange(float(words.embedding_size)))
    after = fusion(batch)
    assert torch.equal(before[:3], after[:3])
    assert not torch.isclose(before[3:], after[3:], atol=1e-3).all(1).any()


def test_none_of_the_modalities_is_refused_in_a_sentence() -> None:
    with pytest.raises(LikewiseError, match="image, text, attributes"):
        make()({"sound": torch.rand(2, 3)})
    with pytest.raises(TypeError, match="by modality"):
        make()(torch.rand(2, 3))


def test_other_modalities_are_not_read() -> None:
    fusion = make().eval()
    batch = products()
    assert torch.equal(fusion({"sound": torch.rand(6, 3), **batch}), fusion(batch))


def test_concatenation_by_hand_puts_a_learned_vector_for_what_is_missing() -> None:
    torch.manual_seed(0)
    fusion = Fusion({"a": Plain("a"), "b": Plain("b")}, 4, "concatenation").eval()
    torch.nn.init.normal_(fusion.missing)
    one = {"a": torch.rand(1, 3), "b": torch.zeros(1, 3)}
    expected = fusion.join(torch.cat([fusion.maps["a"](one["a"])[0], fusion.missing[1]]))
    assert torch.allclose(fusion(one)[0], expected, atol=1e-6)


def test_attention_by_hand_is_a_softmax_over_the_parts_there() -> None:
    torch.manual_seed(0)
    fusion = Fusion({name: Plain(name) for name in "abc"}, 4, "attention").eval()
    torch.nn.init.normal_(fusion.query)
    batch = {name: torch.rand(2, 3) for name in "abc"}
    batch["b"][0] = 0
    mapped = {name: fusion.maps[name](values) for name, values in batch.items()}
    for row, there in enumerate(["ac", "abc"]):
        weights = {name: (mapped[name][row] @ fusion.query / 2).exp() for name in there}
        total = sum(weights.values())
        expected = sum(weights[name] / total * mapped[name][row] for name in there)
        assert isinstance(expected, Tensor)
        assert torch.allclose(fusion(batch)[row], expected, atol=1e-6)


def test_gates_weigh_each_dimension_of_the_parts_there_and_sum_to_one() -> None:
    torch.manual_seed(0)
    fusion = Fusion({name: Plain(name) for name in "abc"}, 4, "gated").eval()
    batch = {name: torch.rand(5, 3) for name in "abc"}
    batch["b"][0] = 0
    batch["a"][1] = batch["c"][1] = 0
    mapped = torch.stack([fusion.maps[name](batch[name]) for name in "abc"])
    found = fusion(batch)
    # One part alone has all the weight.
    assert torch.allclose(found[1], mapped[1, 1], atol=1e-6)
    # A mean in each dimension, of those there, with weights of its own.
    for row, there in ((0, [0, 2]), (2, [0, 1, 2])):
        inside = mapped[there, row]
        assert (found[row] <= inside.amax(0) + 1e-6).all()
        assert (found[row] >= inside.amin(0) - 1e-6).all()


def test_each_modality_is_hidden_with_the_probability_asked_for() -> None:
    probability, times = 0.3, 20_000
    left = hidden(make(modality_dropout=probability), [True] * 4, times)
    assert left.any(1).all()
    # Both parts that read the text go together.
    assert torch.equal(left[:, 1], left[:, 2])
    # Three modalities; where all would go, one of them stays, each as often.
    expected = 1 - probability + probability**3 / 3
    assert torch.allclose(left.float().mean(0), torch.full((4,), expected), atol=0.015)
    image, text, facts = left[:, 0], left[:, 1], left[:, 3]
    for one, other in ((image, text), (text, facts), (image, facts)):
        # Hidden together without that being the rule: both, and not the third as well.
        both = (~one & ~other).float().mean().item()
        assert both == pytest.approx(
            probability**2 * (1 - probability) + probability**3 / 3, abs=0.01
        )


@pytest.mark.parametrize("probability", [0.5, 0.999, 1.0])
def test_the_last_modality_of_a_product_is_never_hidden(probability: float) -> None:
    fusion = make(modality_dropout=probability)
    assert hidden(fusion, [True] * 4, 1000).any(1).all()
    only_text = hidden(fusion, [False, True, True, False], 1000)
    assert torch.equal(only_text, torch.tensor([False, True, True, False]).expand(1000, 4))
    two = hidden(fusion, [True, False, False, True], 1000)
    assert two.any(1).all()
    assert not two[:, 1:3].any()
    assert not hidden(fusion, [False] * 4, 1000).any()


def test_only_training_hides_modalities() -> None:
    fusion = Fusion({"a": Plain("a"), "b": Plain("b")}, 4, modality_dropout=0.5)
    batch = {"a": torch.rand(50, 3), "b": torch.rand(50, 3)}
    trained, evaluated = fusion(batch), fusion.eval()(batch)
    changed = (trained - evaluated).abs().amax(1) > 1e-6
    # One of the two is hidden with 0.5 in all.
    assert 10 < int(changed.sum()) < 45
    assert torch.equal(evaluated, fusion(batch))


def test_the_same_seed_hides_the_same_modalities() -> None:
    fusion = make(modality_dropout=0.5)
    assert torch.equal(hidden(fusion, [True] * 4, 100), hidden(fusion, [True] * 4, 100))


@pytest.mark.parametrize("how", KINDS)
def test_learns_where_each_product_has_only_one_of_two_modalities(how: str) -> None:
    torch.manual_seed(0)
    fusion = make(how, modality_dropout=0.1)
    labels = torch.arange(32) % 2
    batch = products(32)
    batch["text"] = (1 + labels)[:, None].repeat(1, 5).int()
    batch["attributes"] = torch.stack([labels * 2.0 - 1, torch.ones(32), torch.ones(32)], dim=1)
    batch["image"] = torch.zeros(32, 1, 8, 8)
    batch["text"][:16], batch["attributes"][16:] = 0, 0
    optimizer = torch.optim.AdamW(fusion.parameters(), lr=1e-2)
    for _ in range(40):
        loss = F.cross_entropy(fusion(batch)[:, :2], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize("how", KINDS)
def test_softplus_is_applied_once_at_the_end(how: str) -> None:
    plain, constrained = make(how).eval(), make(how, nonnegative=True).eval()
    # What a part would do to its own embedding is left out.
    for part in constrained.parts.values():
        part.nonnegative = True
    assert torch.allclose(constrained(products()), F.softplus(plain(products())), atol=1e-6)


@pytest.mark.parametrize("how", KINDS)
def test_everything_is_made_on_the_device_of_the_products(how: str) -> None:
    fusion = make(how, modality_dropout=0.5).to("meta")
    batch = {name: values.to("meta") for name, values in products().items() if name != "text"}
    assert fusion(batch).device.type == "meta"


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_works_in_mixed_precision_without_a_modality(how: str, dtype: torch.dtype) -> None:
    fusion = make(how, modality_dropout=0.5)
    batch = {name: values for name, values in products().items() if name != "text"}
    batch["image"][0] = batch["attributes"][0] = 0
    with torch.autocast("cpu", dtype=dtype):
        assert fusion(batch).isfinite().all()


def test_parts_are_chosen_added_and_changed_by_config() -> None:
    config = compose(
        [
            "encoder=fusion",
            "encoder@encoder.parts.text=text_rnn",
            "+encoder@encoder.parts.attributes=attributes",
            "+encoder@encoder.parts.opinions=reviews",
            "encoder.parts.text.token_embedding_size=16",
            "encoder.fusion_type=attention",
            *SIZES,
        ]
    )
    assert modalities(config) == ["image", "text", "attributes", "reviews"]
    fusion = instantiate(config.encoder)
    kinds = {name: type(part).__name__ for name, part in fusion.parts.items()}
    assert kinds == {
        "image": "CNN",
        "text": "TextRNN",
        "attributes": "AttributeMLP",
        "opinions": "ReviewAttention",
    }
    reviews = torch.ones(6, 2, 3, dtype=torch.int32)
    assert fusion({**products(), "reviews": reviews}).shape == (6, 8)


def test_a_wrapper_s_base_can_be_a_fusion_with_parts_of_choice() -> None:
    chosen = ["encoder@encoder.base=fusion", "encoder@encoder.base.parts.text=text_cnn"]
    config = compose(["encoder=contrastive", *chosen, *SIZES])
    assert modalities(config) == ["image", "text"]
    assert instantiate(config.encoder)(products()).shape == (6, 8)


def test_parts_are_left_out_by_config() -> None:
    config = compose(
        ["encoder=fusion", "~encoder@encoder.parts.image", "+encoder@encoder.parts.b=bag", *SIZES]
    )
    assert modalities(config) == ["text"]
    assert instantiate(config.encoder)(products()).shape == (6, 8)


def test_what_cannot_be_joined_is_refused_in_a_sentence() -> None:
    with pytest.raises(LikewiseError, match="modality_dropout=2 must be between"):
        Fusion({"a": Bag(20, 6), "b": Bag(20, 6)}, 4, modality_dropout=2)
    parts = {"a": Plain("a"), "b": Plain("b")}
    with pytest.raises(LikewiseError, match="concatenation, gated, attention"):
        Fusion(parts, 4, "sum")
    with pytest.raises(LikewiseError, match="parts"):
        Fusion({}, 4)


@pytest.mark.parametrize("text", ["ngrams", "subwords"])
def test_texts_are_read_in_two_ways_in_one_fusion(text: str, tmp_path: Path) -> None:
    second = [
        "+text@words=subwords",
        "words.max_vocabulary_size=300",
        "+encoder@encoder.parts.words=text_cnn",
    ]
    parts = ["encoder=fusion", f"text={text}", *second, "encoder.parts.words.modality=words"]
    quick = ["embedding_size=8", "trainer.max_epochs=1", "trainer.accelerator=cpu", "logger=none"]
    config = compose(["data=synthetic", *parts, *quick, f"output={tmp_path}"])
    folder = train(config)
    assert folder.name.split("-")[2] == config_identity(config)
    run = open_run(folder)
    parts_by_name = run.encoder.parts
    widths = [parts_by_name[name].tokens.num_embeddings for name in ("text", "words")]
    assert widths == [run.model.readers[name].vocabulary_size for name in ("text", "words")]
    assert widths[0] > widths[1] <= 301
    # Opened again, it embeds as the run did: each reader has kept what it learned itself.
    score = read_result(folder)["metrics"]["test/map_at_r"]
    again = make_task(run.config).test(run.scorer, run.module, "test", run.device)
    assert again.scores["test/map_at_r"] == score
