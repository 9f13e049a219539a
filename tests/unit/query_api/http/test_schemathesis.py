"""Requests that nobody thought of, made from the OpenAPI document: no fault, and no answer beside the document."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from query_api.app import create_app
from tests.builders import NOW
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader
from tests.unit.query_api.api import Api, settings_for, token

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of an API with a few lines, on this machine."""
    store = InMemoryLogReader()
    api = Api(None, store)  # type: ignore[arg-type]  # only to fill the store
    for number in range(60):
        api.record(f"usr_{number % 5}", f"usr_{number % 3}", new_license="Data Reader", source_service="x")
    api.name("usr_1", "ada@example.com", "Ada")
    api.delete("usr_2", NOW)
    app = create_app(settings_for(), store, lambda: NOW, InMemoryAccessLog())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


DOCUMENT = json.loads(
    (Path(__file__).resolve().parents[4] / "query_api" / "http" / "openapi.json").read_text(encoding="utf-8")
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


CASES = [
    (path, mode)
    for path, operations in DOCUMENT["paths"].items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or "parameters" in operations["get"]
]


@pytest.mark.parametrize(("path", "mode"), CASES)
def test_no_request_breaks_the_service_or_its_document(served: str, path: str, mode: GenerationMode) -> None:
    bearer = f"Bearer {token(scope='audit:read audit:export')}"

    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SCHEMA[path]["GET"].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=served, headers={"Authorization": bearer}, checks=CHECKS)

    ask()
