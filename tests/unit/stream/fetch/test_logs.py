"""Every line of the worker's log is one JSON document, with its level."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from stream.fetch.logs import json_formatter, log_as_json


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What a logger writes, as it is read back."""
    written: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = self.format(record)
            assert "\n" not in text
            written.append(json.loads(text))

    handler, logger = Lines(), logging.getLogger("invented")
    handler.setFormatter(json_formatter())
    logger.addHandler(handler)
    logger.setLevel("INFO")
    log_as_json()
    yield written
    structlog.reset_defaults()
    logger.removeHandler(handler)


def test_a_line_of_ours_and_one_of_a_library_have_one_form(lines: list[dict[str, Any]]) -> None:
    structlog.get_logger("invented").info("names erased", persons=2)
    logging.getLogger("invented").warning("no broker for %s", "partition 2")
    assert [{name: value for name, value in line.items() if name != "timestamp"} for line in lines] == [
        {"event": "names erased", "level": "info", "logger": "invented", "persons": 2},
        {"event": "no broker for partition 2", "level": "warning", "logger": "invented"},
    ]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_a_traceback_stays_in_its_line(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("invented").error("ended", exc_info=RuntimeError("stuck"))
    assert lines[0]["exception"] == "RuntimeError: stuck"
