"""Stock Faust: `take()`, and Faust's own acknowledgements."""

import faust
from common import BATCH, GROUP, SERVERS, TOPIC, connect, insert, to_row

app = faust.App(
    GROUP,
    broker=f"kafka://{SERVERS}",
    value_serializer="raw",
    key_serializer="raw",
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    web_enabled=False,
)
topic = app.topic(TOPIC, value_type=bytes, value_serializer="raw", key_serializer="raw")
client = connect()


@app.agent(topic)
async def lines(stream: faust.StreamT[bytes]) -> None:
    """Batches of up to a second."""
    async for events in stream.take_events(BATCH, within=1):  # type: ignore[attr-defined]
        rows = [
            to_row(e.value, round(e.message.timestamp * 1000), e.message.partition, e.message.offset) for e in events
        ]
        insert(client, rows)


if __name__ == "__main__":
    app.main()
