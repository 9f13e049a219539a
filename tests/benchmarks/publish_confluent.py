"""What a user of confluent-kafka would write: encode each event with fastavro, produce it, flush. A program of its own.

`python publish_confluent.py SERVERS SCHEMA_ID EVENTS USERS` prints the seconds to the last acknowledgement
and the processor seconds until then.
"""

import io
import struct
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import fastavro
from confluent_kafka import Producer

SCHEMA = Path(__file__).parents[2] / "schemas" / "avro" / "user_management_event.v1.avsc"
TOPIC = "user-management.events"


def main() -> None:
    """Publish."""
    servers, schema_id, count, users = sys.argv[1], *map(int, sys.argv[2:])
    schema = fastavro.schema.load_schema(str(SCHEMA))
    producer = Producer({"bootstrap.servers": servers, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
    producer.produce(TOPIC, b"first")
    producer.flush()
    admin = {"id": "usr_grace", "username": "grace@example.com", "display_name": "Grace Hopper"}
    header = struct.pack(">bI", 0, schema_id)
    events = [
        {
            "event_id": uuid.uuid4(),
            "occurred_at": datetime.now(UTC),
            "client_space_id": "bench",
            "channel": "ui",
            "admin": admin,
            "affected_user": {
                "id": f"usr_{number % users}",
                "username": f"{number % users}@example.com",
                "display_name": None,
            },
            "activity": ("user_management.UserCreation", {}),
            "source": {"service": "bench"},
        }
        for number in range(count)
    ]
    keys = [f"bench/usr_{number % users}".encode() for number in range(count)]
    cpu, started = time.process_time(), time.perf_counter()
    for key, event in zip(keys, events, strict=True):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, schema, event)
        while True:
            try:
                producer.produce(TOPIC, header + buffer.getvalue(), key)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush()
    print(time.perf_counter() - started, time.process_time() - cpu)


if __name__ == "__main__":
    main()
