"""A bare confluent-kafka loop: consume, decode, insert, commit."""

from common import BATCH, GROUP, SERVERS, TOPIC, connect, insert, to_row
from confluent_kafka import Consumer

client = connect()
consumer = Consumer(
    {"bootstrap.servers": SERVERS, "group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
)
consumer.subscribe([TOPIC])
while True:
    messages = consumer.consume(BATCH, timeout=0.2)
    rows = [to_row(m.value(), m.timestamp()[1], m.partition(), m.offset()) for m in messages if m.error() is None]
    if rows:
        insert(client, rows)
        consumer.commit(asynchronous=False)
