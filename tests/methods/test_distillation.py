"""A student learns the distances of a teacher, which may read something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback
from safetensors.torch import load_file
from torch.nn import functional as F

from likewise.cli import main
from likewise.data.products import take, to_float
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.identity import config_identity
from likewise.experiment.parts import make_method
from likewise.methods.distillation import Distillation, distance_loss
from likewise.runs.saved import open_run
from likewise.runs.train import train

DATA = [
    *("data=synthetic", "data.products=200", "data.groups=20", "data.image_size=16"),
    *("embedding_size=16", "batch_size=40", "logger=none", "trainer.accelerator=cpu"),
]
STUDENT = ["encoder=cnn", "encoder.channels=[8,16]", "encoder.convolutions=[1,1]"]


def distilled(teacher: Path, *more: str) -> list[str]:
    """Overrides for a student of pictures."""
    options = ["trainer.max_epochs=8", "method.learning_rate=0.01"]
    return [*DATA, *STUDENT, *options, "method=distillation", f"method.teacher={teacher}", *more]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an encoder of texts, with embeddings of another size."""
    options = ["encoder=bag", "embedding_size=24", "trainer.max_epochs=8"]
    return train(compose([*DATA, *options, f"output={tmp_path_factory.mktemp('teacher')}"]))


@pytest.fixture(scope="module")
def student(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose teacher has gone since."""
    folder = tmp_path_factory.mktemp("student")
    moved = folder / "teacher"
    shutil.copytree(teacher, moved)
    # A pattern names the folder, as in a study.
    assert main(["train", *distilled(folder / "t*r", f"output={folder}")]) == 0
    shutil.rmtree(moved)
    return next((folder / "train").glob("cnn-*"))


def test_the_loss_by_hand() -> None:
    # Distances 1, 3 and 2 with mean 2, and 5, 0 and 5 with mean 10 / 3.
    own = torch.tensor([[0.0], [1.0], [3.0]], requires_grad=True)
    theirs = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    # Divided by the mean, they differ by 1, 1.5 and 0.5.
    loss = distance_loss(own, theirs)
    assert loss.item() == pytest.approx((1 / 2 + (1.5 - 1 / 2) + 0.25 / 2) / 3)
    distance_loss(theirs.requires_grad_(), own.detach()).backward()
    assert theirs.grad is not None
    assert theirs.grad.isfinite().all()


def test_no_loss_if_all_distances_are_those_of_the_teacher() -> None:
    theirs = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(7, 7, generator=torch.Generator().manual_seed(1)))[0]
    # Moved, rotated in more dimensions and three times as large.
    own = 3 * F.pad(theirs, (0, 2)) @ rotation + 1
    assert float(distance_loss(own, theirs)) == pytest.approx(0, abs=1e-9)
    assert float(distance_loss(own.square(), theirs)) > 1e-3


def method_of(overrides: list[str]) -> tuple[Distillation, Any]:
    experiment = Loader().experiment(compose(overrides))
    method: Any = make_method(experiment.config)
    (stage,) = method.stages(experiment.module())
    return method.eval(), stage.module


def test_a_copy_of_the_teacher_has_no_loss(teacher: Path) -> None:
    options = [*DATA, "encoder=bag", "embedding_size=24", "method=distillation"]
    method, module = method_of([*options, f"method.teacher={teacher}"])
    rows = module.rows["train"][5:30]
    batch = (to_float(take(module.products, rows)), module.groups[rows], rows)
    assert method.training_loss(*batch).item() > 1e-3
    method.scorer.load_state_dict(load_file(teacher / "weights.safetensors"))
    assert method.training_loss(*batch).item() == pytest.approx(0, abs=1e-9)
    # The loss on groups is added with its weight.
    method.group_weight = 0.5
    groups = method.metric_loss(method.encoder(batch[0]), batch[1])
    assert method.training_loss(*batch).item() == pytest.approx(groups.item() / 2)


def test_only_training_products_are_embedded_and_batches_know_them(teacher: Path) -> None:
    method, module = method_of(distilled(teacher))
    run = open_run(teacher)
    expected = F.normalize(run.embeddings("train"))
    assert method.taught.shape == expected.shape
    torch.testing.assert_close(method.taught[method.places[module.rows["train"]]], expected)
    assert not {"taught", "places"} & set(method.state_dict())
    # The rows of a batch are those of its products, in the order of the sampler.
    units = module.units(method.learns_from, "train").with_rows()
    products, groups, rows = units.batch(torch.tensor([7, 3, 40]))
    assert products["image"].equal(take(module.products, rows)["image"])
    assert groups.equal(module.groups[rows])


def test_a_student_of_pictures_follows_a_teacher_of_texts(
    teacher: Path, student: Path, tmp_path: Path
) -> None:
    untrained = train(compose([*DATA, *STUDENT, "method=none", f"output={tmp_path}"]))
    nearest = {}
    for name, folder in {"teacher": teacher, "student": student, "none": untrained}.items():
        unit = F.normalize(open_run(folder).embeddings("test"))
        nearest[name] = (unit @ unit.T).fill_diagonal_(-2).argmax(1)
    agreed = {
        name: float((own == nearest["teacher"]).float().mean()) for name, own in nearest.items()
    }
    assert agreed["student"] > agreed["none"] + 0.15
    scores = [json.loads((one / "result.json").read_text()) for one in (student, untrained)]
    trained, before = (one["metrics"]["test/map_at_r"] for one in scores)
    assert trained > before


def test_a_student_needs_its_teacher_no_longer(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(student)]) == 0
    found = json.loads((student / "result.json").read_text())["metrics"]["test/map_at_r"]
    assert f"test/map_at_r {found:.6f}" in capsys.readouterr().out
    export = ["export", str(student), "--format", "safetensors", "--to", str(tmp_path / "out")]
    assert main(export) == 0


def test_a_run_that_is_cut_off_goes_on_to_the_same_numbers(
    teacher: Path, student: Path, tmp_path: Path
) -> None:
    class PowerCutInEpoch(Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
            if trainer.current_epoch == 3:
                raise ArithmeticError

    # Products that are read batch by batch give the same, too.
    streamed = ["memory_budget=1KB", "workers=0", f"output={tmp_path}"]
    config = compose(distilled(teacher, *streamed))
    with pytest.raises(ArithmeticError):
        train(config, (PowerCutInEpoch(),))
    torch.manual_seed(99)
    resumed = train(config)
    tables = [(folder / "per_query.parquet").read_bytes() for folder in (resumed, student)]
    assert tables[0] == tables[1]
    histories = [json.loads((one / "history.json").read_text()) for one in (resumed, student)]
    assert histories[0] == histories[1]


def test_another_teacher_is_another_run(teacher: Path, student: Path) -> None:
    names = {config_identity(compose(distilled(run))) for run in (teacher, student)}
    assert len(names) == 2


def without_embeddings(teacher: Path, folder: Path) -> Path:
    """A run that scores pairs of texts together."""
    shutil.copytree(teacher, folder)
    config = OmegaConf.load(folder / "config.yaml")
    config.matcher = {"_target_": "likewise.matchers.cross_encoder.CrossEncoder"}
    OmegaConf.save(config, folder / "config.yaml")
    return folder


def without_encoder(teacher: Path, folder: Path) -> Path:
    """A run of words alone."""
    config = [*DATA, "task=matching", "matcher=signals", "matcher.n_estimators=2"]
    return train(compose([*config, f"output={folder}"]))


def unfinished(teacher: Path, folder: Path) -> Path:
    """A run that was cut off."""
    shutil.copytree(teacher, folder)
    (folder / "result.json").unlink()
    return folder


MISTAKES: dict[str, tuple[Any, list[str], str]] = {
    "nothing there": (lambda teacher, folder: folder, [], "names 0 finished runs"),
    "unfinished": (unfinished, [], "holds no finished run"),
    "other data": (
        lambda teacher, folder: teacher,
        ["data.seed=1"],
        "was trained on another catalogue or other splits",
    ),
    "no encoder": (without_encoder, [], "has no encoder that embeds single products"),
    "pairs only": (without_embeddings, [], "has no encoder that embeds single products"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_runs_that_cannot_teach(
    name: str, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, more, expected = MISTAKES[name]
    run = make(teacher, tmp_path / "teacher")
    capsys.readouterr()
    assert main(["train", *distilled(run, f"output={tmp_path / 'new'}", *more)]) == 1
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("likewise")]
    assert len(message) == 1
    assert message[0].startswith("likewise: method.teacher=")
    assert expected in message[0]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["method.group_weight=-1"], "group_weight=-1 must be at least 0"),
        (["encoder=contrastive", "encoder@encoder.base=cnn"], "method=contrastive"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    more: list[str], expected: str, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [*DATA, "method=distillation", f"method.teacher={teacher}", *more]
    assert main(["train", *overrides]) == 1
    assert expected in capsys.readouterr().err
