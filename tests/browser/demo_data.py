"""The demo's year without a stack, at a time that stands still: the same lines, ids and names on every machine.

Its events are projected and served as the real programs do it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

import uvicorn

from deploy.local.demo import year
from deploy.local.demo.page import mount_demo
from query_api.app import create_app
from schemas.avro_schemas import current_event_schema
from schemas.events import Event
from schemas.person_ref import person_refs
from stream.pipeline.batch import build_batch
from tests.builders import KEY, NOW, SCHEMA_ID, a_chunk, a_record
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader
from tests.unit.query_api.api import settings_for


def demo_log() -> InMemoryLogReader:
    """The demo's lines, as of `NOW`."""
    return store_of(year.events(NOW))


def store_of(events: Iterable[Event]) -> InMemoryLogReader:
    """A store that holds what the worker makes of *events*. Raises `ValueError` where it would refuse one."""
    store = InMemoryLogReader()
    add_events(store, events)
    return store


def add_events(store: InMemoryLogReader, events: Iterable[Event]) -> None:
    """Put what the worker makes of *events* into *store*, as if they were recorded behind what is there."""
    records = [
        a_record(event, offset, recorded_at=event.occurred_at + timedelta(milliseconds=180))
        for offset, event in enumerate(events, start=len(store.activities))
    ]
    batch = build_batch([a_chunk(*records)], schemas={SCHEMA_ID: current_event_schema()}, refs=person_refs(KEY))
    if batch.refusals:
        raise ValueError("these events are not valid")
    store.insert(batch.rows.activities, batch.rows.names, batch.rows.lifetimes)


@asynccontextmanager
async def served(store: InMemoryLogReader) -> AsyncIterator[str]:
    """What is in *store*, behind the real query API at the time `NOW`; gives its address."""
    settings = settings_for()
    app = mount_demo(create_app(settings, store, lambda: NOW, InMemoryAccessLog()), settings)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()
