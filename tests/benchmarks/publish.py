"""Publishing to acknowledged Kafka, beside what a user would write: `make bench-publish`.

Against one Kafka and one registry on loopback (`acks=all`): our publisher, our blocking client, one `aiokafka.send` an
event, and confluent-kafka with fastavro where `.local/benchmarks-venv` has it (`make bench` makes it). Each publishes
the same number of events, of one user (one partition) and of many. Then the latency of single verbs.
"""

import argparse
import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.local.layout import REPOSITORY
from deploy.local.stack.stack import LocalStack
from producers import AuditLog, KafkaPublisher, Person, ProducerSettings, UiEvents, UiSession
from producers.publisher import record_key
from schemas.avro_schemas import current_event_schema_text
from schemas.codec import encode
from schemas.events import Event
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from schemas.wire import frame
from tests.free_ports import free_port_base

SERVICES = ("kafka", "schema_registry", "topics")
PEERS = REPOSITORY / ".local" / "benchmarks-venv" / "bin" / "python"
CONFLUENT = Path(__file__).with_name("publish_confluent.py")
ADMIN = Person("usr_grace", "grace@example.com", "Grace Hopper")
LATENCIES = 500


@dataclass(frozen=True)
class Race:
    """What all participants get."""

    settings: ProducerSettings
    schema_id: int
    count: int
    users: int

    def events(self) -> list[Event]:
        """Creations of *users* users, in turn."""
        verbs = UiEvents(client_space_id="bench", admin=ADMIN, service="bench")
        return [
            verbs.user_created(Person(f"usr_{number % self.users}", f"{number % self.users}@example.com"))
            for number in range(self.count)
        ]


async def ours(race: Race) -> float:
    """`KafkaPublisher.publish_all`."""
    async with KafkaPublisher(race.settings) as publisher:
        await publisher.publish(race.events()[0])
        events = race.events()
        started = time.perf_counter()
        await publisher.publish_all(events)
        return time.perf_counter() - started


async def blocking(race: Race) -> float:
    """`AuditLog.publish_all`."""
    return await asyncio.to_thread(_blocking, race)


def _blocking(race: Race) -> float:
    with AuditLog(race.settings) as log:
        log.publish(race.events()[0])
        events = race.events()
        started = time.perf_counter()
        log.publish_all(events)
        return time.perf_counter() - started


async def aiokafka_send(race: Race) -> float:
    """One awaited `send` an event, and then every acknowledgement."""
    servers = race.settings.kafka_bootstrap_servers
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(EVENTS_TOPIC, b"first")
        events, now = race.events(), datetime.now(UTC)
        started = time.perf_counter()
        waiting = []
        for event in events:
            value = frame(race.schema_id, encode(event, now=now))
            waiting.append(await producer.send(EVENTS_TOPIC, value, record_key(event)))
        await asyncio.gather(*waiting)
        return time.perf_counter() - started


async def confluent(race: Race) -> float:
    """confluent-kafka with fastavro, in the environment of the peers."""
    given = [race.settings.kafka_bootstrap_servers, str(race.schema_id), str(race.count), str(race.users)]
    command = [str(PEERS), str(CONFLUENT), *given]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    return float(done.stdout)


async def latencies(race: Race) -> list[float]:
    """Seconds of single verbs, one after the other."""
    found = []
    async with KafkaPublisher(race.settings) as publisher:
        session = UiSession(publisher, client_space_id="bench", admin=ADMIN, service="bench")
        await session.user_created(Person("usr_1"))
        for number in range(LATENCIES):
            started = time.perf_counter()
            await session.user_created(Person(f"usr_{number}"))
            found.append(time.perf_counter() - started)
    return found


async def race_all(settings: ProducerSettings, count: int, rounds: int) -> None:
    """Run and print the medians."""
    async with HttpSchemaRegistry(settings.registry) as registry:
        schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    participants: dict[str, Callable[[Race], Awaitable[float]]] = {
        "publish_all": ours,
        "AuditLog.publish_all": blocking,
        "aiokafka.send": aiokafka_send,
    }
    if PEERS.exists():
        participants["confluent, fastavro"] = confluent
    print(f"{'events/s, acknowledged':22} {'one user':>10} {'1000 users':>11}")
    races = [Race(settings, schema_id, count, users) for users in (1, 1000)]
    for name, run in participants.items():
        rates = [count / statistics.median([await run(race) for _ in range(rounds)]) for race in races]
        print(f"{name:22} {rates[0]:10,.0f} {rates[1]:11,.0f}", flush=True)
    found = sorted(await latencies(races[0]))
    print(f"one verb: p50 {found[len(found) // 2] * 1e3:.1f} ms, p99 {found[len(found) * 99 // 100] * 1e3:.1f} ms")


def main() -> None:
    """Start Kafka and the registry, and race."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), port_base=free_port_base(), services=SERVICES) as stack,
    ):
        environment = stack.environment()
        settings = ProducerSettings(
            kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
            schema_registry_url=environment["SCHEMA_REGISTRY_URL"],
            publish_timeout_seconds=300,
        )
        asyncio.run(race_all(settings, arguments.events, arguments.rounds))


if __name__ == "__main__":
    main()
