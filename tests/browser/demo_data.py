"""The demo's log without a stack, at a time that stands still: the same lines, ids and names on every machine.

The demo's own scenario is published into memory, and projected and served as the real programs do it. Before it come a
month of license changes of the same persons, so that there is a log to look at.
"""

import asyncio
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid5

import uvicorn

from deploy.local.demo.page import mount_demo
from deploy.local.demo.scenario import CLIENT_SPACE, OPERATOR, act_by_api, act_in_ui, open_import
from producers.activities import ActionContext, license_updated
from producers.errors import Stamp
from producers.publisher import Acknowledgement
from query_api.app import create_app
from schemas.avro_schemas import current_event_schema
from schemas.events import Channel, Event, Source, UserLicenseUpdate
from schemas.person_ref import person_refs
from stream.pipeline.batch import build_batch
from tests.builders import KEY, NOW, SCHEMA_ID, a_chunk, a_record
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader
from tests.unit.query_api.api import settings_for

IMPORTED_AT = NOW - timedelta(minutes=42)
_NAMESPACE = UUID("5d1f7a86-5a52-5c0e-9f0a-3b8f2f0f6a11")


class Collector:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, event: Event) -> Acknowledgement:
        """Keep *event*."""
        self.events.append(event)
        return Acknowledgement(event.event_id, topic="", partition=0, offset=None)

    async def publish_all(
        self, events: AsyncIterable[Event] | Iterable[Event], *, on_acknowledged: Callable[[int], None] | None = None
    ) -> int:
        """The demo's import is taken from its files."""
        raise NotImplementedError


async def demo_log() -> InMemoryLogReader:
    """The demo's lines, as of `NOW`."""
    collector = Collector()
    with open_import() as file_import:
        imported = list(file_import.events(IMPORTED_AT))
    await act_in_ui(collector, IMPORTED_AT + timedelta(minutes=31))
    await act_by_api(collector, IMPORTED_AT + timedelta(minutes=38))
    return store_of([*_month_before(imported), *imported, *collector.events])


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


def _month_before(imported: list[Event]) -> Iterator[Event]:
    """How those whose license the import changes came by the one that it finds."""
    changes = [(event, event.activity) for event in imported if isinstance(event.activity, UserLicenseUpdate)]
    for number, (event, activity) in enumerate(changes):
        channel, service = (Channel.API, "scim") if number % 3 == 0 else (Channel.UI, "user-service")
        at = NOW - timedelta(days=2 + (number * number + number // 2) % 27, hours=number % 7, minutes=7 * number % 60)
        yield license_updated(
            ActionContext(CLIENT_SPACE, channel, OPERATOR, Source(service, request_id=f"req-{4100 + number}")),
            event.affected_user,
            Stamp(uuid5(_NAMESPACE, str(number)), at),
            previous_license="Data Explorer" if activity.previous_license is None else None,
            new_license=activity.previous_license,
        )


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
