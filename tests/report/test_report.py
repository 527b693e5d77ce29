"""The report is one file that stands alone and says what the numbers say."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
import statistics
import subprocess
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import LikewiseError
from likewise.evidence.comparison import compare_runs
from likewise.evidence.results import read_finished, summarise
from likewise.figures.base import png_bytes
from likewise.figures.products import neighbour_gallery, similarity_heat_map
from likewise.metrics.specification import MetricSpecification
from likewise.report.page import write_report
from likewise.report.results_page import write_tables

BASES = {"mlp": 0.52, "cnn": 0.71, "rnn": 0.6, "gan_augmented": 0.66, "contrastive": 0.7}
STUDY = {
    "name": "encoders",
    "question": "Which encoder finds <alike> products\n  best?",
    "primary": "map_at_r",
    "baseline": "mlp",
    "seeds": [0, 1, 2],
    "overrides": ["data=fashion_mnist", "trainer.max_epochs=5"],
    "methods": {name: [f"encoder={name}"] for name in BASES},
}
KEYS = {
    "map_at_r": MetricSpecification("mAP@R"),
    "recall_at_1": MetricSpecification("R@1"),
    "r_precision": MetricSpecification("R-precision"),
    "mrr": MetricSpecification("MRR"),
    "ndcg_at_10": MetricSpecification("nDCG@10"),
}


def write_pictures(folder: Path, seed: int) -> None:
    """The two pictures of a run, of noise that has groups."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(4), 6)
    images = generator.integers(0, 255, (24, 1, 28, 28)).astype(np.uint8)
    names = ["t-shirt", "trouser", "pullover", "ankle boot"]
    queries = np.array([0, 6, 12, 18])
    near = generator.integers(0, 24, (4, 8))
    values = np.sort(generator.random((4, 8)))[:, ::-1]
    gallery = neighbour_gallery(images, groups, queries, near, values, names)
    (folder / "neighbours.png").write_bytes(png_bytes(gallery))
    matrix = (groups[:, None] == groups) * 0.5 + generator.random((24, 24)) / 2
    heat = similarity_heat_map(matrix, groups, names, "cosine")
    (folder / "similarity.png").write_bytes(png_bytes(heat))


def write_run(parent: Path, name: str, seed: int, bare: bool = False) -> None:
    """A run folder; a bare one holds nothing but its result."""
    folder = parent / f"{name}-seed{seed}"
    folder.mkdir(parents=True)
    place = list(BASES).index(name)
    generator = np.random.default_rng([place, seed])
    score = BASES[name] + float(generator.normal(0, 0.01))
    cost = {
        "parameters": 20_000 * 4**place,
        "flops_per_product": 400_000 * 3**place,
        "train_seconds": 12.5 * (place + 1) + seed,
        "train_products_per_second": 9000.0 / (place + 1),
        "embed_products_per_second": 30000.0 / (place + 1),
        "peak_memory_mb": 812.0 + place,
        "embedding_bytes": 256,
        "epochs": 5,
    }
    result = {
        "id": f"{place}{seed}".zfill(12),
        "name": name,
        "study": "encoders",
        "seed": seed,
        "metrics": {f"test/{key}": score - 0.01 * i for i, key in enumerate(KEYS)},
        "specifications": {key: asdict(said) for key, said in KEYS.items()},
        "cost": cost,
        "environment": {"python": f"3.1{seed}", "packages": {"torch": "2.11", "wandb": None}},
        "pictures": {
            "neighbours": "Nearest neighbours of one <product>",
            "similarity": "Similarity of test products",
        },
    }
    (folder / "result.json").write_text(json.dumps(result))
    queries = np.random.default_rng(0).normal(0, 0.1, 40) + generator.normal(0, 0.02, 40)
    scores = score + queries - queries.mean()
    ids = [f"product-{row}" for row in range(40)]
    pq.write_table(pa.table({"unit_id": ids, "map_at_r": scores}), folder / "per_query.parquet")
    if bare:
        return
    history = [
        {
            "epoch": epoch,
            "train/loss": 1 / (epoch + 1) + place / 20 + seed / 50,
            "validation/map_at_r": score * (1 - 0.5 ** (epoch + 1)),
        }
        for epoch in range(5)
    ]
    (folder / "history.json").write_text(json.dumps(history))
    write_pictures(folder, seed)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of five methods with three seeds."""
    folder = tmp_path_factory.mktemp("encoders")
    for name in BASES:
        for seed in range(3):
            write_run(folder, name, seed)
    write_report(compare_runs(STUDY, read_finished(folder), folder))
    return folder / "report.html"


class Page(HTMLParser):
    """Tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))


def test_stands_alone(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert not re.search(r"https?://", text)
    assert "@import" not in text
    for tag, attributes in Page(text).tags:
        assert tag != "script"
        for key in ("src", "href", "srcset", "data"):
            assert (attributes.get(key) or "data:").startswith(("data:", "#"))
    assert not list(report.parent.glob("*.partial"))


def test_pictures_decode_and_have_words(report: Path) -> None:
    from matplotlib.image import imread

    images = [found for tag, found in Page(report.read_text()).tags if tag == "img"]
    # Intervals, spread, two curves, four costs, and two of each method.
    assert len(images) == 2 + 2 + 4 + 2 * len(BASES)
    for image in images:
        head, _, content = (image["src"] or "").partition(",")
        assert head == "data:image/png;base64"
        assert imread(io.BytesIO(base64.b64decode(content, validate=True))).size
        assert len(image["alt"] or "") > 20


def test_headings_descend_by_one(report: Path) -> None:
    levels = [
        int(tag[1]) for tag, _ in Page(report.read_text()).tags if re.fullmatch("h[1-6]", tag)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_says_what_the_numbers_say(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    summaries = summarise(read_finished(report.parent), "map_at_r")
    best = summaries[0]
    runs = [run for run in read_finished(report.parent) if run.name == best.name]
    scores = [run.metrics["test/map_at_r"] for run in runs]
    mean = f"{statistics.mean(scores):.4f} ± {statistics.stdev(scores):.4f} over 3 seeds"
    assert f"{best.name} has the highest mAP@R, {mean}" in text
    assert "It beats the baseline mlp by" in text
    against = compare_runs(STUDY, read_finished(report.parent), report.parent).against_best
    close = [one.name for one in against if not one.differs]
    assert ("These runs do not tell it from" in text) == bool(close)
    assert "paired by seed and" in text
    assert "likewise study encoders" in text
    assert "finds &lt;alike&gt; products best?" in text
    assert "3.10 (5 of 15 runs)" in text


def test_missing_files_are_said_not_skipped(tmp_path: Path) -> None:
    write_run(tmp_path, "cnn", 4, bare=True)
    study = {"name": "any", "question": "How?", "primary": "map_at_r", "baseline": None}
    write_report(compare_runs(study, read_finished(tmp_path), tmp_path))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "cnn alone was run" in text
    assert "A method of one seed has no interval" in text
    assert "The runs left no history." in text
    assert text.count("the run left no such picture") == 2
    assert "Nearest neighbours of one &lt;product&gt;: the run" in text
    assert "likewise study" not in text
    assert "±" not in text.split("<footer")[0].split("Methods compared")[0]


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        ("mlp", "above the baseline mlp, but one seed each cannot tell"),
        ("cnn", "It is the baseline"),
        ("rnn", "The baseline rnn has no finished run."),
        (None, "These runs do not tell it from mlp"),
    ],
)
def test_verdict_for_every_kind_of_baseline(
    tmp_path: Path, baseline: str | None, said: str
) -> None:
    for name in ("mlp", "cnn"):
        write_run(tmp_path, name, 0, bare=True)
    study = {"name": "any", "question": "How?", "primary": "map_at_r", "baseline": baseline}
    comparison = compare_runs(study, read_finished(tmp_path), tmp_path)
    sentences = [*comparison.verdict(), *comparison.doubts()]
    assert sentences[0].startswith("cnn has the highest mAP@R")
    assert said in " ".join(sentences)
    assert comparison.caveat().startswith("A method of one seed has no interval")


def test_tables_are_written_in_every_format(tmp_path: Path) -> None:
    for name in ("mlp", "cnn"):
        for seed in range(3):
            write_run(tmp_path, name, seed)
    comparison = compare_runs(STUDY, read_finished(tmp_path), tmp_path)
    write_tables(comparison)
    page = (tmp_path / "RESULTS.md").read_text()
    assert page.startswith("# encoders\n")
    assert "It beats the baseline mlp" in page
    (line,) = [line for line in page.splitlines() if line.startswith("| cnn |") and "[" in line]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "evidence.csv").read_text())))
    assert [row["method"] for row in rows] == ["cnn"]
    assert f"{float(rows[0]['difference']):+.4f}" in line
    runs = {run.name + str(run.seed): run for run in read_finished(tmp_path)}
    means = [
        [runs[f"{name}{seed}"].metrics["test/map_at_r"] for seed in range(3)]
        for name in ("cnn", "mlp")
    ]
    difference = statistics.mean(means[0]) - statistics.mean(means[1])
    assert float(rows[0]["difference"]) == pytest.approx(difference)
    assert r"\toprule" in (tmp_path / "evidence.tex").read_text()


def test_methods_tested_on_other_products_are_not_compared(tmp_path: Path) -> None:
    for name in ("mlp", "cnn"):
        write_run(tmp_path, name, 0)
    path = tmp_path / "cnn-seed0" / "per_query.parquet"
    pq.write_table(pq.read_table(path).slice(3), path)
    with pytest.raises(LikewiseError, match="other products"):
        compare_runs(STUDY, read_finished(tmp_path), tmp_path)


def test_failed_report_leaves_the_old_one(tmp_path: Path) -> None:
    write_run(tmp_path, "cnn", 0)
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "cnn-seed0" / "history.json").write_text("{")
    with pytest.raises(ValueError, match=r"history\.json is not valid JSON"):
        write_report(compare_runs(STUDY, read_finished(tmp_path), tmp_path))
    assert (tmp_path / "report.html").read_text() == "old"


CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_every_picture_and_complains_of_nothing(
    report: Path, tmp_path: Path
) -> None:
    """Chromium itself counts the pictures it could draw; a planted error shows it would tell."""
    probe = (
        "<script>document.title = [...document.images].map(i => i.naturalWidth).join(' ')</script>"
    )
    complaints = {}
    for name, more in {"sound": "", "broken": "<script>nowhere()</script>"}.items():
        page = tmp_path / f"{name}.html"
        page.write_text(report.read_text().replace("</body>", f"{probe}{more}</body>"))
        profile = f"--user-data-dir={tmp_path / name}"
        logs = ("--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom")
        done = subprocess.run(
            [*CHROMIUM, profile, *logs, page.as_uri()],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        complaints[name] = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        found = re.search(r"<title>([\d ]+)</title>", done.stdout)
        assert found is not None
        widths = [int(width) for width in found[1].split()]
        assert len(widths) == report.read_text().count("<img ") > 10
        assert min(widths) > 100
    assert complaints["sound"] == []
    assert "nowhere" in complaints["broken"][0]


LONG_NAMES = (
    "pretrained_text_with_low_rank_adapters_frozen",
    "fusion_of_pretrained_image_and_pretrained_text",
    "cnn loss=MultiSimilarityLoss method.learning_rate=0.00135 trainer.max_epochs=20",
)
# Reads the page in its own words: widths, and the lines that each part of a name takes.
PROBE = """<script>
const root = document.documentElement;
const scrolls = [...document.querySelectorAll(".scroll")].map(
  one => one.scrollWidth > one.clientWidth);
const lines = [...document.querySelectorAll(".methods tbody th")].flatMap(cell =>
  [...cell.textContent.matchAll(/\\S+/g)].map(word => {
    const range = document.createRange();
    range.setStart(cell.firstChild, word.index);
    range.setEnd(cell.firstChild, word.index + word[0].length);
    return range.getClientRects().length;
  }));
document.title = JSON.stringify({window: innerWidth, page: root.scrollWidth, scrolls, lines});
</script>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_nothing_scrolls_sideways_at_1280_pixels_and_no_name_is_broken(tmp_path: Path) -> None:
    """Long names, thirteen metrics and every cost."""
    for base, name in zip(BASES, LONG_NAMES, strict=False):
        for seed in range(2):
            write_run(tmp_path, base, seed, bare=True)
            path = tmp_path / f"{base}-seed{seed}" / "result.json"
            result = json.loads(path.read_text())
            further = {f"precision_recall_{place}": 0.4321 + seed / 10 for place in range(8)}
            result["name"] = name
            result["metrics"] |= {f"test/{key}": value for key, value in further.items()}
            result["specifications"] |= {key: {"label": f"R@{key[-1]}00"} for key in further}
            result["cost"]["peak_device_memory_mb"] = 12345.6 + seed
            path.write_text(json.dumps(result))
    study = STUDY | {
        "methods": {name: [f"encoder={name}"] for name in LONG_NAMES},
        "baseline": None,
    }
    page = write_report(compare_runs(study, read_finished(tmp_path), tmp_path))
    text = page.read_text().replace("<details>", "<details open>")
    page.write_text(text.replace("</body>", f"{PROBE}</body>"))
    done = subprocess.run(
        [
            *CHROMIUM,
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1280,1200",
            "--dump-dom",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    seen = json.loads(title[1])
    assert seen["window"] == 1280
    assert seen["page"] <= 1280
    # The methods, two tables of further metrics, and the evidence; longer lists may scroll.
    assert text.count('<table class="methods">') == 4
    assert not any(seen["scrolls"][:4])
    assert seen["lines"]
    assert set(seen["lines"]) == {1}


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_opens_in_a_browser(report: Path, tmp_path: Path, width: int) -> None:
    from matplotlib.image import imread

    picture = tmp_path / "page.png"
    subprocess.run(
        [
            *CHROMIUM,
            "--disable-background-networking",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},1200",
            f"--screenshot={picture}",
            report.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert imread(picture)[..., :3].std() > 0.02
