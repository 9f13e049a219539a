"""Publishing to acknowledged Kafka, beside what a user would write: `make bench-publish`.

Against one Kafka and one registry on loopback (`acks=all`, idempotent): our publisher, our blocking client, one
`aiokafka.send` an event, encoded by fastavro and by us, and confluent-kafka with fastavro. Each is given equally many
events, of one user (one partition) and of many, and its clock starts when they are made: it encodes and publishes.
Then the latency of single verbs. Printed are medians: events a second, and the client's processor time for an event.
Each second round goes through the participants in the other order.
"""

import argparse
import asyncio
import io
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from fastavro import schemaless_writer

from deploy.local.layout import REPOSITORY
from deploy.local.stack.stack import LocalStack
from producers import AuditLog, KafkaPublisher, Person, ProducerSettings, UiEvents, UiSession
from producers.publisher import record_key
from schemas.avro_schemas import current_event_schema, current_event_schema_text
from schemas.codec import encode
from schemas.events import Event
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from schemas.wire import frame
from tests.benchmarks.machine import watched
from tests.benchmarks.table import Row, at_least, at_most, table
from tests.free_ports import free_port_base

SERVICES = ("kafka", "schema_registry", "topics")
PEERS = REPOSITORY / ".local" / "benchmarks-venv" / "bin" / "python"
CONFLUENT = Path(__file__).with_name("publish_confluent.py")
ADMIN = Person("usr_grace", "grace@example.com", "Grace Hopper")
LATENCIES = 500
USERS = (1, 1000)
TARGETS = {"aiokafka.send, fastavro": 3.0, "confluent, fastavro": 1.2}
"""How many times as fast `publish_all` is to be."""
TARGET_P50_MS = 5


@dataclass
class Race:
    """What all participants get, and the seconds and processor seconds of the one that runs."""

    settings: ProducerSettings
    schema_id: int
    count: int
    users: int
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Events a second, the median of the rounds."""
        return self.count / statistics.median(self.seconds)

    def events(self) -> list[Event]:
        """Creations of *users* users, in turn."""
        verbs = UiEvents(client_space_id="bench", admin=ADMIN, service="bench")
        return [
            verbs.user_created(Person(f"usr_{number % self.users}", f"{number % self.users}@example.com"))
            for number in range(self.count)
        ]

    @contextmanager
    def clock(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - a context manager of nothing
        """Measure the block."""
        cpu, started = time.process_time(), time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - started)
        self.cpu_seconds.append(time.process_time() - cpu)


async def ours(race: Race) -> None:
    """`KafkaPublisher.publish_all`."""
    async with KafkaPublisher(race.settings) as publisher:
        await publisher.publish(race.events()[0])
        events = race.events()
        with race.clock():
            await publisher.publish_all(events)


async def blocking(race: Race) -> None:
    """`AuditLog.publish_all`."""
    await asyncio.to_thread(_blocking, race)


def _blocking(race: Race) -> None:
    with AuditLog(race.settings) as log:
        log.publish(race.events()[0])
        events = race.events()
        with race.clock():
            log.publish_all(events)


async def aiokafka_ours(race: Race) -> None:
    """One awaited `send` an event, encoded by us, and then every acknowledgement."""
    now = datetime.now(UTC)
    await _aiokafka_send(race, [(record_key(event), event) for event in race.events()], lambda it: encode(it, now=now))


async def aiokafka_fastavro(race: Race) -> None:
    """One awaited `send` an event, encoded by fastavro, and then every acknowledgement."""
    schema = current_event_schema()

    def by_fastavro(datum: dict[str, Any]) -> bytes:
        buffer = io.BytesIO()
        schemaless_writer(buffer, schema, datum)
        return buffer.getvalue()

    await _aiokafka_send(race, [(record_key(event), _to_datum(event)) for event in race.events()], by_fastavro)


async def _aiokafka_send(race: Race, given: list[tuple[bytes, Any]], write: Callable[[Any], bytes]) -> None:
    servers = race.settings.kafka_bootstrap_servers
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(EVENTS_TOPIC, b"first")
        with race.clock():
            waiting = [
                await producer.send(EVENTS_TOPIC, frame(race.schema_id, write(item)), key) for key, item in given
            ]
            await asyncio.gather(*waiting)


def _to_datum(event: Event) -> dict[str, Any]:
    user = event.affected_user
    return {
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "client_space_id": event.client_space_id,
        "channel": str(event.channel),
        "admin": {"id": ADMIN.id, "username": ADMIN.username, "display_name": ADMIN.display_name},
        "affected_user": {"id": user.id, "username": user.username, "display_name": None},
        "activity": ("user_management.UserCreation", {}),
        "source": {"service": "bench"},
    }


async def confluent(race: Race) -> None:
    """confluent-kafka with fastavro, in the environment of the peers."""
    given = [race.settings.kafka_bootstrap_servers, str(race.schema_id), str(race.count), str(race.users)]
    command = [str(PEERS), str(CONFLUENT), *given]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    seconds, cpu_seconds = map(float, done.stdout.split())
    race.seconds.append(seconds)
    race.cpu_seconds.append(cpu_seconds)


async def latencies(settings: ProducerSettings) -> list[Row]:
    """What single verbs take, one after the other."""
    found = []
    async with KafkaPublisher(settings) as publisher:
        session = UiSession(publisher, client_space_id="bench", admin=ADMIN, service="bench")
        await session.user_created(Person("usr_1"))
        for number in range(LATENCIES):
            started = time.perf_counter()
            await session.user_created(Person(f"usr_{number}"))
            found.append(time.perf_counter() - started)
    p50, p99 = (sorted(found)[len(found) * percent // 100] * 1e3 for percent in (50, 99))
    return [at_most("one verb, p50", p50, TARGET_P50_MS, "ms"), Row("one verb, p99", f"{p99:.1f} ms")]


async def race_all(settings: ProducerSettings, count: int, rounds: int) -> list[Row]:
    """Run; the medians beside the targets."""
    async with HttpSchemaRegistry(settings.registry) as registry:
        schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    participants: dict[str, Callable[[Race], Awaitable[None]]] = {
        "publish_all": ours,
        "AuditLog.publish_all": blocking,
        "aiokafka.send, fastavro": aiokafka_fastavro,
        "aiokafka.send, encode": aiokafka_ours,
    }
    if PEERS.exists():
        participants["confluent, fastavro"] = confluent
    races = {(name, users): Race(settings, schema_id, count, users) for name in participants for users in USERS}
    for number in range(rounds):  # in turn, so that a busy minute strikes all alike
        for (name, _), race in list(races.items())[:: 1 if number % 2 == 0 else -1]:
            await participants[name](race)
    return [_described(race, name) for (name, _), race in races.items()] + _compared(races) + await latencies(settings)


def _described(race: Race, name: str) -> Row:
    cpu = statistics.median(race.cpu_seconds) * 1e6 / race.count
    return Row(f"{name}, {race.users} users", f"{race.rate():,.0f} events/s, {cpu:.1f} µs of CPU an event")


def _compared(races: Mapping[tuple[str, int], Race]) -> list[Row]:
    found = []
    for peer, target in TARGETS.items():
        for users in USERS:
            if (peer, users) in races:
                rates = [races[name, users].rate() for name in ("publish_all", peer)]
                what = f"`publish_all` beside {peer}, {users} users"
                found.append(at_least(what, rates[0] / rates[1], target, "times", peer=f"{rates[1]:,.0f} events/s"))
    return found


def main() -> None:
    """Start Kafka and the registry, and race."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not PEERS.exists():
        print("confluent-kafka is not there; `make bench-publish` installs it")
    with (
        watched() as watch,
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), port_base=free_port_base(), services=SERVICES) as stack,
    ):
        environment = stack.environment()
        settings = ProducerSettings(
            kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
            schema_registry_url=environment["SCHEMA_REGISTRY_URL"],
            publish_timeout_seconds=300,
        )
        rows = asyncio.run(race_all(settings, arguments.events, arguments.rounds))
    print(table(rows, watch, f"{arguments.events:,} events"))


if __name__ == "__main__":
    main()
