"""The API of ``likewise serve``, against the runs themselves and against bad requests."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import torch
from conftest import encoded_picture
from fastapi.testclient import TestClient
from PIL import Image

import likewise
from likewise.cli import main
from likewise.data.relevance import Pairs
from likewise.errors import LikewiseError
from likewise.runs.saved import open_run
from likewise.runs.versions.live import LiveCatalogue
from likewise.serving.api import make_app
from likewise.serving.run import ServedRun, check_same_catalogue
from likewise.serving.thresholds import curve
from likewise.thresholds.base import KnownPairs

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def served(pictures_run: Path, words_run: Path) -> list[ServedRun]:
    return [ServedRun(pictures_run), ServedRun(words_run)]


@pytest.fixture(scope="module")
def client(served: list[ServedRun]) -> TestClient:
    """Run 0 reads pictures, run 1 words."""
    return TestClient(make_app(served), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def offers(matching_run: Path, matcher_run: Path) -> TestClient:
    """Run 0 embeds offers, run 1 scores pairs only."""
    runs = [ServedRun(matching_run), ServedRun(matcher_run)]
    check_same_catalogue(runs)
    return TestClient(make_app(runs), raise_server_exceptions=False)


def ask(client: TestClient, path: str, **content: Any) -> Any:
    answer = client.post(path, json=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, status: int, sentence: str) -> None:
    assert answer.status_code == status, answer.text
    assert sentence in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def by_hand(run: Path, query: torch.Tensor, left_out: str | None = None) -> list[tuple[str, float]]:
    """All products by their cosine with an embedding [d], computed by NumPy."""
    opened = open_run(run)
    catalogue = opened.data.catalogue
    embeddings = opened.model.embed(catalogue).double().numpy()
    one = query.double().numpy()
    norms = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(one)
    values = embeddings @ one / np.maximum(norms, 1e-12)
    order = np.argsort(-values, kind="stable")
    ids = catalogue["product_id"][:]
    return [(ids[row], values[row]) for row in order if ids[row] != left_out]


def check_found(answer: Any, expected: list[tuple[str, float]], k: int) -> None:
    found = answer["products"]
    assert len(found) == k
    values = [one["similarity"] for one in found]
    np.testing.assert_allclose(values, [value for _, value in expected[:k]], atol=1e-5)
    exact = dict(expected)
    for one in found:
        assert one["similarity"] == pytest.approx(exact[one["product_id"]], abs=1e-5)
        assert one["score"] == pytest.approx(one["similarity"], abs=1e-5)


def test_neighbours_of_words_products_and_pictures_are_those_of_the_model(
    client: TestClient, pictures_run: Path, words_run: Path
) -> None:
    words, pictures = likewise.load(words_run), likewise.load(pictures_run)
    found = ask(client, "/search", text="lamp 21 of kind1", k=5, run=1)
    check_found(found, by_hand(words_run, words.embed(["lamp 21 of kind1"])[0]), 5)
    assert found["products"][0]["title"] == "lamp 21 of kind1"
    product = open_run(pictures_run).data.catalogue.select([4])
    expected = by_hand(pictures_run, pictures.embed(product)[0], left_out="p4")
    found = ask(client, "/similar", product_id="p4", k=3)
    check_found(found, expected, 3)
    # Products of one kind show the same line.
    assert {one["product_id"] for one in found["products"]} == {"p24", "p44", "p64"}
    # The picture that the server sends, sent back, finds its own product first.
    png = client.get("/picture", params={"product_id": "p4"})
    assert png.headers["content-type"] == "image/png"
    answer = client.post(
        "/similar/picture?k=4", content=png.content, headers={"content-type": "image/png"}
    )
    assert answer.json()["products"][0]["product_id"] == "p4"
    check_found(answer.json(), by_hand(pictures_run, pictures.embed(product)[0]), 4)


def test_pictures_are_those_of_the_catalogue(client: TestClient, pictures_run: Path) -> None:
    from likewise.data.images import image_array

    png = client.get("/picture", params={"product_id": "p5", "run": 1}).content
    shown = np.asarray(Image.open(io.BytesIO(png))).transpose(2, 0, 1)
    expected = image_array(open_run(pictures_run).data.catalogue)[5]
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    "strange", ["../../etc/passwd", "/etc/passwd", "p1/../p2", "%2e%2e", "\x00"]
)
def test_no_path_leads_out_of_the_catalogue(client: TestClient, strange: str) -> None:
    answer = client.get("/picture", params={"product_id": strange})
    refused(answer, 404, "no product with this id")
    refused(client.post("/similar", json={"product_id": strange}), 404, "its ids are like p0, p1")
    assert client.get(f"/static/{quote(strange)}").status_code == 404
    # A product that is given has no picture, as its path would be read on the server.
    given = {"title": "lamp", "image": "/etc/passwd"}
    refused(client.post("/embed", json={"products": [given]}), 422, "image: Extra inputs")


def test_embeddings_and_matches_are_those_of_the_model(client: TestClient, words_run: Path) -> None:
    model = likewise.load(words_run)
    products = [{"title": "red lamp of kind2"}, {"title": "lamp 3"}]
    found = ask(client, "/embed", products=products, run=1)["embeddings"]
    torch.testing.assert_close(torch.tensor(found), model.embed(products).cpu())
    given = ask(client, "/match", left=products[0], right=products[1], run=1)
    assert given["score"] == pytest.approx(float(model.match(products[:1], products[1:])), abs=1e-6)
    assert given["is_match"] is None
    known = ask(client, "/match", left="p1", right="p21", run=1)
    near = ask(client, "/similar", product_id="p1", k=100, run=1)["products"]
    (score,) = [one["score"] for one in near if one["product_id"] == "p21"]
    assert known["score"] == pytest.approx(score, abs=1e-5)
    mixed = ask(client, "/match", left="p1", right={"title": "lamp 21 of kind1"}, run=1)
    assert mixed["score"] == pytest.approx(score, abs=1e-5)


def test_explanations_are_those_of_the_verb(
    client: TestClient, words_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask(client, "/explain", left="p1", right="p21", run=1)
    assert main(["explain", str(words_run), "p1", "p21", "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert {name: found[name] for name in expected} == expected
    of_words = ask(client, "/explain", left={"title": "lamp 21 of kind1"}, right="p21", run=1)
    assert of_words["left"] == "(left)"
    assert {one["text"] for one in of_words["units"]} == {"lamp", "21", "of", "kind1"}
    regions = ask(client, "/explain", left="p4", right="p24")["units"]
    assert len(regions) == 2 * 7 * 7
    # The line of kind 4 is in row 4 of 24, and so in row 1 of the 7 × 7 regions, from 0.
    assert {one["place"] // 7 for one in regions[:14]} == {1}


def test_precision_and_recall_are_those_of_the_validation_pairs(
    offers: TestClient, matching_run: Path
) -> None:
    embeds, scores = offers.get("/runs").json()
    assert (embeds["searches"], scores["searches"]) == (True, False)
    run = open_run(matching_run)
    pairs = run.data.get(Pairs)
    rows = pairs.splits["validation"]
    catalogue = run.data.catalogue
    values = run.model.match(
        catalogue.select(pairs.left[rows]), catalogue.select(pairs.right[rows])
    )
    values, labels = values.double().numpy(), pairs.labels[rows]
    found = embeds["curve"]
    assert found["pairs"] == len(rows)
    points = zip(found["thresholds"], found["precision"], found["recall"], strict=True)
    for threshold, precision, recall in points:
        declared = values >= threshold
        assert precision == pytest.approx(labels[declared].mean(), abs=0.02)
        assert recall == pytest.approx(labels[declared].sum() / labels.sum(), abs=0.02)
    assert found["chosen"] == pytest.approx(run.chosen["threshold"], abs=1e-5)
    row = rows[np.argmax(labels)]
    ids = catalogue["product_id"]
    both = {"left": ids[int(pairs.left[row])], "right": ids[int(pairs.right[row])]}
    answer = ask(offers, "/match", **both)
    assert answer["is_match"] == (answer["score"] >= found["chosen"])


def test_a_curve_by_hand() -> None:
    scores, labels = np.array([0.9, 0.7, 0.5, 0.5]), np.array([1, 0, 1, 1])
    found = curve(KnownPairs(scores, labels, np.arange(4)), 0.6)
    assert found.thresholds == pytest.approx([0.8, 0.6, 0.5])
    assert found.precision == pytest.approx([1, 1 / 2, 3 / 4])
    assert found.recall == pytest.approx([1 / 3, 1 / 3, 1])


def test_a_matcher_matches_and_explains_but_does_not_search(offers: TestClient) -> None:
    said = "cannot search, as its SignalTrees scores pairs of products"
    for path, content in (
        ("/search", {"text": "lamp"}),
        ("/similar", {"product_id": "offer-0"}),
        ("/embed", {"products": [{"title": "lamp"}]}),
    ):
        refused(offers.post(path, json=content | {"run": 1}), 409, said)
    score = ask(offers, "/match", left="offer-0", right="offer-1", run=1)["score"]
    explained = ask(offers, "/explain", left="offer-0", right="offer-1", run=1)
    assert explained["score"] == pytest.approx(score, abs=1e-5)


def upload(client: TestClient, content: bytes, kind: str = "image/png", run: int = 0) -> Any:
    headers = {"content-type": kind}
    return client.post(f"/similar/picture?run={run}", content=content, headers=headers)


def test_pictures_that_cannot_be_used_are_refused(client: TestClient) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    refused(upload(client, svg, "image/svg+xml"), 415, "send one of image/png")
    refused(upload(client, svg), 422, "not a picture that can be read")
    refused(upload(client, b"just a text"), 422, "not a picture that can be read")
    refused(upload(client, b""), 422, "not a picture that can be read")
    whole = encoded_picture("RGB", (40, 40))
    refused(upload(client, whole[: len(whole) // 2]), 422, "the picture cannot be used: corrupt")
    bomb = io.BytesIO()
    Image.new("1", (6000, 6000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 50_000
    refused(upload(client, bomb.getvalue()), 422, "more than 25,000,000 pixels")
    huge = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(huge, "PNG")
    refused(upload(client, huge.getvalue()), 422, "more than 25,000,000 pixels")
    refused(upload(client, bytes(11 * 2**20)), 413, "the limit is 10 MiB for pictures")
    refused(upload(client, whole, run=1), 409, "reads no pictures")


def test_requests_with_mistakes_get_one_sentence(client: TestClient) -> None:
    refused(client.post("/search", json={"text": "x" * 2**20}), 413, "256 KiB for everything else")
    refused(client.post("/search", json={"text": "x" * 2000}), 422, "text: String should have")
    refused(client.post("/search", json={"text": "  "}), 422, "text: String should have")
    refused(client.post("/search", json={"text": "lamp", "run": 0}), 409, "reads no texts")
    refused(client.post("/search", json={"text": "lamp", "k": 101, "run": 1}), 422, "k: Input")
    refused(client.post("/search", content=b"{", headers=JSON), 422, "JSON decode error")
    refused(client.post("/explain", json={"left": "p1", "right": "p1"}), 422, "given twice")
    refused(client.post("/match", json={"left": "p1", "right": "none"}), 404, "no product")
    refused(client.get("/picture", params={"product_id": "none"}), 404, "no product with this id")


def test_a_second_run_that_is_not_served(matching_run: Path) -> None:
    alone = TestClient(make_app([ServedRun(matching_run)]))
    refused(alone.post("/search", json={"text": "lamp", "run": 1}), 404, "there is one run only")


def test_a_token_is_needed_where_there_is_one(served: list[ServedRun]) -> None:
    client = TestClient(make_app(served, token="open sesame", hosts=("127.0.0.1",)))
    client.base_url = "http://127.0.0.1"
    for path in ("/", "/health", "/static/page.js"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    refused(client.get("/runs"), 401, "needs its token")
    wrong = {"authorization": "Bearer open"}
    refused(client.post("/search", json={"text": "lamp"}, headers=wrong), 401, "needs its token")
    right = {"authorization": "Bearer open sesame"}
    assert client.get("/runs", headers=right).status_code == 200
    # A page of the web that points its own name at this machine.
    assert client.get("/health", headers={"host": "evil.example"}).status_code == 400


def test_an_update_is_served_at_once(pictures_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(pictures_run, tmp_path / "run"))
    one = ServedRun(run)
    client = TestClient(make_app([one]))
    names = one.version.catalogue.column_names
    picture = encoded_picture("RGB", (24, 24))
    new = dict.fromkeys(names) | {"product_id": "n1", "title": "sofa", "image": picture}
    LiveCatalogue(run).update([new], deleted=["p0"])
    answer = upload(client, picture).json()
    assert (answer["version"], answer["products"][0]["product_id"]) == (1, "n1")
    refused(client.post("/similar", json={"product_id": "p0"}), 404, "no product")
    with pytest.raises(LikewiseError, match="different catalogues"):
        check_same_catalogue([one, ServedRun(pictures_run)])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "0.0.0.0"], "can be reached by other machines; give a --token"),
        (["--port", "99999"], "--port 99999 must be between"),
        (["nowhere"], "nowhere holds no finished run"),
        (["a", "b"], "3 runs cannot be shown side by side"),
    ],
)
def test_mistakes_at_the_command_line(
    words_run: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(words_run), *options]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_runs_of_different_catalogues_are_refused(
    words_run: Path, matching_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(words_run), str(matching_run)]) == 1
    said = capsys.readouterr().err
    assert "have different catalogues (only one has product" in said
    assert said.count("\n") == 1
