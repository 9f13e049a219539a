"""A worker's process that has imported its libraries ahead and waits to be told what to be: `… standby ORDER`.

Importing is three of the four seconds that a worker's start takes, and the tests start many. Nothing of this repository
is imported ahead: the settings and the topic of the worker are not known yet.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path

import aiohttp.web
import aiokafka.admin
import clickhouse_connect
import fastavro
import faust.cli.faust
import faust.transport.drivers.aiokafka
import prometheus_client
import pydantic_settings
import stamina
import structlog

LIBRARIES = (
    aiohttp,
    aiokafka,
    clickhouse_connect,
    fastavro,
    faust,
    prometheus_client,
    pydantic_settings,
    stamina,
    structlog,
)
_LOOK_SECONDS = 0.02


def main(order: Path) -> None:
    """Wait for *order*, and become the program that it names, under its arguments and environment."""
    while not order.exists():
        time.sleep(_LOOK_SECONDS)
    script, arguments, environment = json.loads(order.read_text())
    order.unlink()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = arguments
    runpy.run_module(script, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
