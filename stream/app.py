"""The Faust application and its one agent: `faust -A stream.app worker`."""

import tempfile
from pathlib import Path
from typing import cast

import faust
import mode

from schemas.topics import EVENTS_TOPIC
from stream.fetch.records import Chunk
from stream.fetch.repeated_lines import bound_repeated_lines
from stream.fetch.transport import ChunkSchema, ChunkTransport, WorkerApp
from stream.fetch.wait_for_kafka import KafkaAwaited
from stream.health.probes import GroupProbe
from stream.settings import load_settings
from stream.worker import Intake

settings = load_settings()

app = WorkerApp(
    settings.consumer_group,
    # Faust makes this directory at its start, in the current one if it is not told. Nothing is kept in it.
    datadir=Path(tempfile.gettempdir()) / "user-management-audit-log",
    broker=[f"kafka://{server}" for server in settings.kafka_bootstrap_servers.split(",")],
    key_serializer="raw",
    value_serializer="raw",
    consumer_auto_offset_reset="earliest",
    consumer_group_instance_id=settings.instance,
    consumer_max_fetch_size=1024 * 1024,
    broker_session_timeout=settings.session_timeout_seconds,
    broker_heartbeat_interval=settings.session_timeout_seconds / 4,
    # The agent blocks for as long as an outage lasts; leaving the group meanwhile would end in a deadlock.
    broker_max_poll_interval=14 * 24 * 3600,
    # What waits unpacked is memory: 5,000 records of a fetch, which may hold far more, then two chunks.
    broker_max_poll_records=5_000,
    stream_buffer_maxsize=2,
    # Nothing is acknowledged through Faust, so there is nothing to wait for in a rebalance or a shutdown.
    stream_wait_empty=False,
    topic_allow_declare=False,
    topic_disable_leader=True,
)
app.transport = ChunkTransport([*app.conf.broker_consumer], app)
intake = Intake(app, settings)
app.add_dependency(intake)
# Between the intake, whose health pages tell of the wait, and Faust's own clients, which would end the worker.
app.add_dependency(KafkaAwaited(GroupProbe(settings.kafka_bootstrap_servers, settings.consumer_group)))
bound_repeated_lines("aiokafka")

# `acks=False`: Faust's own acknowledgements would commit over a failed batch. `stream.pipeline.commits` moves offsets.
events = app.topic(EVENTS_TOPIC, schema=ChunkSchema(), acks=False)


@app.agent(events, concurrency=1, supervisor_strategy=mode.CrashingSupervisor)
async def record_activities(chunks: faust.StreamT[Chunk]) -> None:
    """Hand every chunk to the pipeline, which decodes, inserts and then commits it."""
    async for event in cast("faust.Stream[Chunk]", chunks).noack().events():
        await intake.put(event.value)
