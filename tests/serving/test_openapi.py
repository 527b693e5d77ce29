"""Requests that schemathesis makes from the description of the API, valid ones and others."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from likewise.serving.api import make_app
from likewise.serving.run import ServedRun

schema = schemathesis.pytest.from_fixture("described")


@pytest.fixture(scope="module")
def described(pictures_run: Path, words_run: Path) -> schemathesis.BaseSchema:
    app = make_app([ServedRun(pictures_run), ServedRun(words_run)])
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    """No request fails on the server, and every refusal is a described one."""
    # Most valid requests name products that the catalogue does not have.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
