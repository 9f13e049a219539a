"""A bare aiokafka loop: fetch, decode, insert, commit."""

import asyncio

from aiokafka import AIOKafkaConsumer
from common import BATCH, GROUP, SERVERS, TOPIC, connect, insert, to_row


async def main() -> None:
    """For ever."""
    client = connect()
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=SERVERS,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        rows = [to_row(r.value, r.timestamp, r.partition, r.offset) for records in fetched.values() for r in records]
        if rows:
            await asyncio.to_thread(insert, client, rows)
            await consumer.commit()


asyncio.run(main())
