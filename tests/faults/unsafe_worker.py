"""A worker as it must not be: `stream.take()` and Faust's own acknowledgements. The oracle must see what it loses.

It takes the options of `failpoint_worker.py`; its decoding and inserting are the real worker's.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.faults import failpoint_worker as harness


def store_batch(topic: str, points: harness.Failpoints) -> Callable[[list[Any]], None]:
    """The body of the agent: decode and insert a batch of Faust messages."""
    from schemas.avro_schemas import current_event_schema  # noqa: PLC0415 - after `use_topic`
    from schemas.person_ref import person_refs  # noqa: PLC0415 - as above
    from schemas.wire import unframe  # noqa: PLC0415 - as above
    from stream.fetch.records import Chunk  # noqa: PLC0415 - as above
    from stream.pipeline.batch import build_batch  # noqa: PLC0415 - as above
    from stream.pipeline.sink import ClickHouseSink  # noqa: PLC0415 - as above
    from stream.settings import WorkerSettings  # noqa: PLC0415 - as above

    settings = WorkerSettings()
    sink = ClickHouseSink(*settings.clickhouse)
    refs = person_refs(settings.key)

    def store(messages: list[Any]) -> None:
        points.reach("before_insert")
        chunks = [Chunk(topic, message.partition, 0, [AsRecord(message)]) for message in messages]
        # A poison record raises here, as it would in any body that decodes without a thought.
        schemas = {unframe(chunk.records[0].value)[0]: current_event_schema() for chunk in chunks}
        sink.write(build_batch(chunks, schemas=schemas, refs=refs).rows)
        points.reach("after_insert")

    return store


class AsRecord:
    """A Faust message as a record."""

    def __init__(self, message: Any) -> None:
        self.offset: int = message.offset
        self.timestamp: int = round(message.timestamp * 1000)
        self.key: bytes | None = message.key
        self.value: bytes | None = message.value
        self.headers: tuple[tuple[str, bytes | None], ...] = ()


def run(topic: str, points: harness.Failpoints) -> None:
    """Run the application until it ends."""
    import asyncio  # noqa: PLC0415 - Faust patches the event loop when it is imported

    import faust  # noqa: PLC0415 - as above

    from stream.settings import WorkerSettings  # noqa: PLC0415 - after `use_topic`

    class MessageSchema(faust.Schema[Any, Any]):
        """Hands a message to the agent as it is."""

        def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
            create_event = app.create_event

            async def to_event(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
                return create_event(message.key, message, message.headers, message)

            return to_event

    settings = WorkerSettings()
    app = faust.App(
        settings.consumer_group,
        broker=[f"kafka://{server}" for server in settings.kafka_bootstrap_servers.split(",")],
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 4,
        broker_commit_interval=0.2,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    store = store_batch(topic, points)

    @app.agent(app.topic(topic, schema=MessageSchema()))
    async def take(stream: Any) -> None:
        async for messages in stream.take(20, within=0.2):
            await asyncio.to_thread(store, messages)

    app.finalize()
    faust.Worker(app, loglevel="info").execute_from_commandline()


def main() -> None:
    """Run it until it ends."""
    options = harness.arguments()
    from stream.pipeline.sink import ClickHouseSink  # noqa: PLC0415 - nothing of it depends on the topic

    if options.hold is not None:
        harness.hold_inserts(ClickHouseSink, options.hold)
    run(options.topic, harness.failpoints(options))


if __name__ == "__main__":
    main()
