"""Quix Streams: its batching sink, which commits after `write`."""

from typing import Any

from common import GROUP, SERVERS, TOPIC, connect, insert, to_row
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch


class ClickHouseSink(BatchingSink):  # type: ignore[misc]  # not installed where types are checked
    """Writes a batch of one partition."""

    def __init__(self) -> None:
        super().__init__()
        self._client: Any = connect()

    def write(self, batch: SinkBatch) -> None:
        """One insert for each batch."""
        insert(self._client, [to_row(i.value, i.timestamp, batch.partition, i.offset) for i in batch])


app = Application(
    broker_address=SERVERS,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    commit_every=20_000,
    commit_interval=1,
    loglevel="WARNING",
    auto_create_topics=False,
)
app.dataframe(app.topic(TOPIC, value_deserializer="bytes", key_deserializer="bytes")).sink(ClickHouseSink())
app.run()
