"""The worker's log: one JSON document a line, Faust's and aiokafka's lines among them."""

import logging
from typing import Any

import structlog
from structlog.typing import Processor

_ALWAYS: list[Processor] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def log_as_json() -> dict[str, Any]:
    """Let structlog's lines go where those of `logging` go. Returns what `logging.config.dictConfig` takes."""
    structlog.configure(
        processors=[*_ALWAYS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": json_formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
    }


def json_formatter() -> logging.Formatter:
    """Makes a line of a record of either kind."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_ALWAYS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
