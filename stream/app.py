"""The Faust application and its one agent: `faust -A stream.app worker`.

The way of a record:

1. fetch    `fetch/transport.py` yields chunks without a hole; the agent below hands each to `worker.py`
2. decode   `pipeline/chunk_lookup.py` looks up schemas; `pipeline/accept.py` makes an event of each record, or refuses
            it; `pipeline/rows/rows.py` makes rows of events
3. store    `pipeline/dead_letters.py` keeps what was refused; `pipeline/sink.py` inserts the rows into ClickHouse
4. publish  `pipeline/history.py` writes the same rows to the two long-lived topics
5. commit   `pipeline/commits.py` moves the offsets, last of all

`pipeline/pipeline.py` holds this order; `worker.py` puts the parts together.
"""

from typing import cast

import faust
import mode

from schemas.topics import EVENTS_TOPIC
from stream.fetch.faust_app import faust_app
from stream.fetch.logs import log_as_json
from stream.fetch.records import Chunk
from stream.fetch.transport import ChunkSchema
from stream.fetch.wait_for_kafka import KafkaAwaited
from stream.health.probes import GroupProbe
from stream.settings import load_settings
from stream.worker import Worker

settings = load_settings()
app = faust_app(settings)
app.conf.logging_config = log_as_json()
worker = Worker(app, settings)
app.add_dependency(worker)
# Behind the worker, whose health pages tell of the wait; before Faust's own clients, which would end the process.
app.add_dependency(KafkaAwaited(GroupProbe(settings.kafka, settings.consumer_group)))

# `acks=False`: Faust's own acknowledgements would commit over a failed batch. `stream.pipeline.commits` moves offsets.
events = app.topic(EVENTS_TOPIC, schema=ChunkSchema(), acks=False)


@app.agent(events, concurrency=1, supervisor_strategy=mode.CrashingSupervisor)
async def record_activities(chunks: faust.StreamT[Chunk]) -> None:
    """Hand every chunk to the pipeline, which decodes, inserts and then commits it."""
    async for event in cast("faust.Stream[Chunk]", chunks).noack().events():
        await worker.put(event.value)
