"""A steady load of events on a running stack: `python -m tests.benchmarks.ingest.load --rate 1000 --seconds 30`.

Sends the race's events in batches of a hundredth of a second each, and says at the end how many were acknowledged and
in what time. Bounded by `--seconds`; loopback only.
"""

import argparse
import asyncio
import os
import secrets
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.local.layout import DEFAULT_DATA_DIR, Layout, Ports
from deploy.local.stack.keys import load_or_create
from deploy.local.stack.state import read_state
from schemas.avro_schemas import current_event_schema_text
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from tests.benchmarks.ingest.events import now, records

TURN_SECONDS = 0.01
_BITS_OF_FIRST = 62


async def load(rate: int, seconds: float) -> tuple[int, float]:
    """Send *rate* events a second for *seconds*; how many were acknowledged, and the seconds that it took."""
    async with HttpSchemaRegistry(os.environ["SCHEMA_REGISTRY_URL"]) as registry:
        schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    count = round(rate * seconds)
    # The ids of an earlier load, with other times, would be contradictions.
    events = list(records(schema_id, count, end=now(), first=secrets.randbits(_BITS_OF_FIRST)))
    async with AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all", linger_ms=2
    ) as producer:
        started = time.monotonic()
        waiting = []
        for number, (key, value) in enumerate(events):
            waiting.append(await producer.send(EVENTS_TOPIC, value, key=key))
            ahead = number / rate - (time.monotonic() - started)
            if ahead > TURN_SECONDS:
                await asyncio.sleep(ahead)
        await asyncio.gather(*waiting)
        return count, time.monotonic() - started


def running_layout(data_dir: Path) -> Layout | None:
    """Where the stack in *data_dir* listens, its settings put into this process's environment; `None` without one."""
    unplaced = Layout(data_dir.absolute(), Ports.from_base(1))
    state = read_state(unplaced)
    if state is None:
        return None
    layout = Layout(unplaced.data_dir, Ports.from_base(state.port_base))
    os.environ.update(layout.environment(load_or_create(layout.secrets_file)))
    return layout


def main() -> None:
    """Load, and print what was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    if running_layout(arguments.data_dir) is None:
        parser.error(f"no stack runs in {arguments.data_dir}: start one with `make demo`")
    count, seconds = asyncio.run(load(arguments.rate, arguments.seconds))
    print(f"{count} events acknowledged in {seconds:.1f} s: {count / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
