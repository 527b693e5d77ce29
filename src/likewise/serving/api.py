"""The API and the page as one application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

import likewise
from likewise.errors import LikewiseError
from likewise.serving.guard import Guard
from likewise.serving.pictures import FORMATS
from likewise.serving.run import Neighbour, NotPossible, ServedRun, UnknownProduct
from likewise.serving.schemas import (
    Count,
    CurveAnswer,
    EmbedAnswer,
    EmbedRequest,
    ExplainAnswer,
    FoundProduct,
    GivenProduct,
    HealthAnswer,
    MatchAnswer,
    PairRequest,
    Problem,
    ProductId,
    RunAnswer,
    RunNumber,
    SearchAnswer,
    SearchRequest,
    SimilarRequest,
)

STATIC = Path(__file__).parent / "static"
# The page itself holds nothing of the run.
OPEN = ("/", "/health", *(f"/static/{path.name}" for path in STATIC.iterdir()))
# Ids that the page proposes.
EXAMPLES = 8

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The request cannot be read."},
    401: {"model": Problem, "description": "The token is missing or wrong."},
    404: {"model": Problem, "description": "There is no such product, picture or run."},
    409: {"model": Problem, "description": "The run cannot do this."},
    413: {"model": Problem, "description": "The request is too large."},
    415: {"model": Problem, "description": "The picture is of another type."},
    422: {"model": Problem, "description": "The request has a mistake."},
}
PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in FORMATS},
    }
}
PICTURE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The picture, at most 320 pixels wide and high.",
    }
}


def make_app(
    runs: Sequence[ServedRun], token: str | None = None, hosts: Sequence[str] = ("*",)
) -> FastAPI:
    """Make the application.

    Args:
        runs: one run, or two with the same catalogue.
        token: that requests need, see ``Guard``.
        hosts: the names under which the server may be addressed. On loopback these are its own
            only, so that no page of the web can reach it under a name of that page's.
    """
    app = FastAPI(
        title="Likewise",
        version=likewise.__version__,
        summary="Search, match and explain products by finished runs",
        # Their pages load scripts from the web.
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Guard, token=token, open_paths=OPEN)
    _add_problems(app)
    _add_searches(app, runs)
    _add_pairs(app, runs)

    @app.get("/health")
    def health() -> HealthAnswer:
        """Say that the server answers."""
        return HealthAnswer(status="ok")

    @app.get("/runs")
    def list_runs() -> list[RunAnswer]:
        """Describe the runs, with precision and recall by threshold where there are any."""
        return [_described(run) for run in runs]

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _add_searches(app: FastAPI, runs: Sequence[ServedRun]) -> None:
    @app.post("/search")
    def search(asked: SearchRequest) -> SearchAnswer:
        """Find the products that are nearest to a text."""
        run = _chosen(runs, asked.run)
        return _answer(run, run.search(asked.text, asked.k))

    @app.post("/similar")
    def similar(asked: SimilarRequest) -> SearchAnswer:
        """Find the products that are nearest to a product of the catalogue."""
        run = _chosen(runs, asked.run)
        return _answer(run, run.similar(asked.product_id, asked.k))

    @app.post("/similar/picture", openapi_extra=PICTURE_BODY)
    async def similar_to_picture(
        request: Request,
        k: Annotated[Count, Query()] = 12,
        run: Annotated[RunNumber, Query()] = 0,
    ) -> SearchAnswer:
        """Find the products that are nearest to a picture, which is the body of the request."""
        if request.headers.get("content-type", "").partition(";")[0].strip() not in FORMATS:
            raise HTTPException(415, f"send one of {', '.join(FORMATS)}")
        chosen, content = _chosen(runs, run), await request.body()
        found = await run_in_threadpool(chosen.similar_to_picture, content, k)
        return _answer(chosen, found)

    @app.get("/picture", response_class=Response, responses=PICTURE_ANSWER)
    def picture(
        product_id: Annotated[ProductId, Query()], run: Annotated[RunNumber, Query()] = 0
    ) -> Response:
        """Return the picture of a product."""
        content = _chosen(runs, run).picture(product_id)
        if content is None:
            raise HTTPException(404, "this product has no picture")
        caching = {"cache-control": "private, max-age=60"}
        return Response(content, media_type="image/png", headers=caching)


def _add_pairs(app: FastAPI, runs: Sequence[ServedRun]) -> None:
    @app.post("/match")
    def match(asked: PairRequest) -> MatchAnswer:
        """Score a pair of products."""
        run = _chosen(runs, asked.run)
        score = run.match(_given(asked.left), _given(asked.right))
        chosen = None if run.curve is None else run.curve.chosen
        return MatchAnswer(score=score, is_match=None if chosen is None else score >= chosen)

    @app.post("/explain")
    def explain(asked: PairRequest) -> ExplainAnswer:
        """Say which parts of two products contribute to their score."""
        run = _chosen(runs, asked.run)
        found = run.explain(_given(asked.left), _given(asked.right))
        return ExplainAnswer(**found)

    @app.post("/embed")
    def embed(asked: EmbedRequest) -> EmbedAnswer:
        """Embed products."""
        found = _chosen(runs, asked.run).embed([one.columns() for one in asked.products])
        return EmbedAnswer(embeddings=found.tolist())


def _add_problems(app: FastAPI) -> None:
    """Answer every mistake with one sentence."""

    @app.exception_handler(LikewiseError)
    def of_likewise(_: Request, error: LikewiseError) -> JSONResponse:
        kinds = {UnknownProduct: 404, NotPossible: 409}
        sentence = " ".join(str(error).split())
        return JSONResponse({"detail": sentence}, kinds.get(type(error), 422))

    @app.exception_handler(RequestValidationError)
    def of_request(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(one) for one in first["loc"][1:]) or "the body"
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, 422)


def _chosen(runs: Sequence[ServedRun], number: int) -> ServedRun:
    if number >= len(runs):
        raise HTTPException(404, "there is one run only, which is run 0")
    return runs[number]


def _given(one: str | GivenProduct) -> str | dict[str, Any]:
    return one if isinstance(one, str) else one.columns()


def _answer(run: ServedRun, found: Sequence[Neighbour]) -> SearchAnswer:
    products = [FoundProduct(**vars(one)) for one in found]
    return SearchAnswer(version=run.version.number, products=products)


def _described(run: ServedRun) -> RunAnswer:
    version = run.version
    return RunAnswer(
        name=run.name,
        version=version.number,
        products=len(version.catalogue),
        searches=run.searches,
        reads_texts="title" in run.reads,
        reads_pictures=run.model.input_shape is not None,
        has_pictures="image" in version.template.column_names,
        curve=None if run.curve is None else CurveAnswer(**asdict(run.curve)),
        examples=list(version.catalogue["product_id"][:EXAMPLES]),
    )
