"""The worker against what a user would write instead: `make bench`, or `python -m tests.benchmarks.ingest.race`.

One topic, prefilled; the same ClickHouse; a fresh process, database and consumer group for every run; the order rotates
from round to round. The slow peers sit out each second round: their targets are far, and they take most of the time. A
run counts only if the stored set is exact: every event once. Reported are events a second between the first and the
last stored line, peak memory, and CPU seconds per million events: the participant's, from its start on, ClickHouse's
and Kafka's. Bounded: `--events`, `--rounds`, and five minutes a run; all traffic stays on loopback.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from aiokafka import AIOKafkaProducer
from clickhouse_connect.driver.client import Client

from deploy.local.layout import REPOSITORY
from deploy.local.stack.stack import INFRASTRUCTURE, LocalStack
from schemas.avro_schemas import current_event_schema_text
from schemas.clickhouse_client import connect
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from stream.clients.migrate import migrate
from tests.benchmarks.ingest.events import now, records
from tests.benchmarks.machine import cpu_seconds, round_trip, watched
from tests.benchmarks.table import Row, at_least, at_most, table
from tests.free_ports import free_port_base

PEERS_PYTHON = REPOSITORY / ".local" / "benchmarks-venv" / "bin" / "python"
WORKER_FAUST = Path(sys.executable).with_name("faust")
PEERS = Path(__file__).with_name("peers")
SLOW = frozenset({"stock Faust, take()", "quixstreams", "sentry-arroyo"})
TARGETS = {"aiokafka loop": 1.1, "confluent-kafka loop": 1.1, "stock Faust, take()": 4}
"""How many times as many events a second this worker is to store."""
TARGET_MICROSECONDS, TARGET_MEGABYTES, TARGET_SHARE_OF_BOUND = 60, 200, 0.3
RUN_SECONDS = 300
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """One participant's run. *exact* says whether every event was stored once."""

    participant: str
    events_per_second: float
    cpu_seconds_per_million: float
    clickhouse_cpu_seconds_per_million: float
    kafka_cpu_seconds_per_million: float
    peak_megabytes: float
    exact: bool


def participants() -> dict[str, list[str]]:
    """Each participant's command."""
    worker = [str(WORKER_FAUST), "-A", "stream.app", "worker", "-l", "info"]
    peers = {
        "stock Faust, take()": "stock_faust.py",
        "aiokafka loop": "aiokafka_loop.py",
        "confluent-kafka loop": "confluent_loop.py",
        "quixstreams": "quix.py",
        "sentry-arroyo": "arroyo_loop.py",
    }
    commands = {name: [str(PEERS_PYTHON), str(PEERS / script)] for name, script in peers.items()}
    commands["stock Faust, take()"] += ["worker", "-l", "warn", "--without-web"]
    return {"this worker": worker, **commands}


async def prefill(servers: str, registry_url: str, count: int) -> None:
    """Fill the events topic with *count* events."""
    async with HttpSchemaRegistry(registry_url) as registry:
        schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    async with AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", linger_ms=20, max_batch_size=256_000
    ) as producer:
        waiting = []
        for key, value in records(schema_id, count, end=now()):
            waiting.append(await producer.send(EVENTS_TOPIC, value, key=key))
            if len(waiting) == 20_000:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)


def run(participant: str, command: list[str], stack: LocalStack, client: Client, count: int) -> Run:
    """Let *participant* work until *count* lines are stored, or its time is over."""
    servers = [stack.child(server).pid or 0 for server in ("clickhouse", "kafka")]
    name = f"race_{time.monotonic_ns()}"
    list(migrate(client, name))
    variables = {**os.environ, **stack.environment(), "AUDIT_CLICKHOUSE_DATABASE": name, "AUDIT_CONSUMER_GROUP": name}
    # As `stream/README.md` tells to run the worker; for all alike.
    variables |= {"RACE_GROUP": name, "MALLOC_ARENA_MAX": "2"}
    # Without its bytecode a process compiles what it imports: a second of its start, at every start.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    before = [cpu_seconds(server) for server in servers]
    with _process(command, variables) as process:
        peak = _Peak(process)
        first_time, first_rows, last_time, rows = _watch(client, name, count, peak, is_over=lambda: _has_ended(process))
        cpu = peak.cpu_seconds
        of_servers = [cpu_seconds(server) - spent for server, spent in zip(servers, before, strict=True)]
    exact = client.query(f"SELECT count(), uniqExact(event_id) FROM {name}.activity_log FINAL").result_rows[0]
    client.command(f"DROP DATABASE {name}")
    rate = (rows - first_rows) / max(last_time - first_time, 1e-9)
    own, clickhouse, kafka = (seconds / max(rows, 1) * 1e6 for seconds in (cpu, *of_servers))
    return Run(participant, rate, own, clickhouse, kafka, peak.megabytes, tuple(exact) == (count, count))


class _Peak:
    """CPU and peak memory of a process, as last seen: they are gone when it is."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = psutil.Process(process.pid)
        self.cpu_seconds = 0.0
        self.megabytes = 0.0

    def look(self) -> None:
        self.cpu_seconds = cpu_seconds(self._process.pid)
        self.megabytes = max(self.megabytes, self._process.memory_info().rss / 1e6)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _watch(
    client: Client, database: str, count: int, peak: _Peak, *, is_over: Callable[[], bool]
) -> tuple[float, int, float, int]:
    """When the first lines were there and how many, when the last were and how many."""
    started = time.monotonic()
    first: tuple[float, int] | None = None
    while True:
        rows = int(str(client.command(f"SELECT count() FROM {database}.activity_log")))
        seen = time.monotonic()
        if is_over():
            raise RuntimeError(f"it ended by itself with {rows} of {count} events stored; see race.log")
        peak.look()
        if rows and first is None:
            first = (seen, rows)
        if rows >= count or seen - started > RUN_SECONDS:
            return (*(first or (seen, 0)), seen, rows)
        time.sleep(POLL_SECONDS)


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    log = Path(tempfile.gettempdir()) / "race.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd=REPOSITORY, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def upper_bound(client: Client, registry_url: str, schema_id: int, count: int, folder: Path) -> float:
    """Events a second when ClickHouse itself reads the same bytes, as `AvroConfluent` from a file, without Kafka."""
    file = folder / "events.avro"
    with file.open("wb") as output:
        for _, value in records(schema_id, count, end=now()):
            output.write(value)
    client.command("CREATE DATABASE IF NOT EXISTS bound")
    client.command(
        "CREATE OR REPLACE TABLE bound.lines (event_id UUID, occurred_at DateTime64(6, 'UTC'), client_space_id"
        " LowCardinality(String), channel LowCardinality(String), `admin.id` String, `affected_user.id` String)"
        " ENGINE = MergeTree ORDER BY (client_space_id, occurred_at, event_id)"
    )
    started = time.monotonic()
    client.command(
        f"INSERT INTO bound.lines SELECT * FROM file('{file}', 'AvroConfluent', 'event_id UUID, occurred_at"
        " DateTime64(6), client_space_id String, channel String, `admin.id` String, `affected_user.id` String')",
        settings={"format_avro_schema_registry_url": registry_url, "max_threads": 1},
    )
    seconds = time.monotonic() - started
    stored = int(str(client.command("SELECT uniqExact(event_id) FROM bound.lines")))
    if stored != count:
        raise RuntimeError(f"{stored} of {count} events stored")
    return count / seconds


def main() -> None:
    """Race, and print each run and the medians; `--json` for a file of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=250_000, help="1000000 for the full race, some 45 minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=participants(), metavar="NAME", help="some of the participants")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    commands = {n: c for n, c in participants().items() if not arguments.only or n in arguments.only}
    runs: list[Run] = []
    with (
        watched() as watch,
        tempfile.TemporaryDirectory() as folder,
        LocalStack(Path(folder), port_base=free_port_base(), services=INFRASTRUCTURE) as stack,
    ):
        environment = stack.environment()
        trip = round_trip(environment["CLICKHOUSE_URL"])
        asyncio.run(
            prefill(environment["KAFKA_BOOTSTRAP_SERVERS"], environment["SCHEMA_REGISTRY_URL"], arguments.events)
        )
        client = connect(environment["CLICKHOUSE_URL"], timeout_seconds=RUN_SECONDS)
        for number in range(arguments.rounds):
            for name in order(list(commands), number):
                runs.append(run(name, commands[name], stack, client, arguments.events))
                print(json.dumps(asdict(runs[-1])), flush=True)
        found = rows(runs, list(commands))
        ours = statistics.median(run.events_per_second for run in runs if run.participant == next(iter(commands)))
        found.append(_bound(client, environment, ours, arguments.events, Path(folder)))
    print(table(found, watch, trip, f"{arguments.events:,} events"))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(r) for r in runs], indent=1), encoding="utf-8")


def order(names: list[str], number: int) -> list[str]:
    """Who runs in this round, and when: each round begins with another participant."""
    running = [name for name in names if number % 2 == 0 or name not in SLOW]
    turn = 2 * number % max(1, len(running))
    return running[turn:] + running[:turn]


def _bound(client: Client, environment: Mapping[str, str], ours: float, count: int, folder: Path) -> Row:
    what = "events/s beside ClickHouse alone, which reads `AvroConfluent` from a file"
    try:
        rate = upper_bound(client, environment["SCHEMA_REGISTRY_URL"], 1, count, folder)
    except Exception as error:  # noqa: BLE001 - the bound is a remark beside the race; it must not end it
        return Row(what, f"not measured, {type(error).__name__}: {str(error)[:300]}")
    return at_least(what, ours / rate, TARGET_SHARE_OF_BOUND, "times", peer=f"{rate:,.0f} events/s")


def rows(runs: list[Run], names: list[str]) -> list[Row]:
    """Of the first of *names*, beside the others, and then of each."""

    def median(name: str, of: Callable[[Run], float]) -> float:
        return statistics.median(of(run) for run in runs if run.participant == name)

    ours, found = names[0], []
    for peer in names[1:]:
        rates = [median(name, lambda run: run.events_per_second) for name in (ours, peer)]
        times = rates[0] / max(rates[1], 1)
        what, figure = f"events/s beside {peer}", f"{rates[0]:,.0f} events/s, {times:.2f} times"
        target = f"≥ {TARGETS[peer]} times" if peer in TARGETS else ""
        found.append(Row(what, figure, f"{rates[1]:,.0f} events/s", target, times >= TARGETS.get(peer, 0)))
    cpu = median(ours, _all_cpu)
    costs = ", ".join(f"{peer} {median(peer, _all_cpu):.0f}" for peer in names[1:])
    found.append(at_most("CPU of all processes for an event", cpu, TARGET_MICROSECONDS, "µs", peer=costs))
    held = ", ".join(f"{peer} {median(peer, lambda run: run.peak_megabytes):.0f}" for peer in names[1:])
    megabytes = median(ours, lambda run: run.peak_megabytes)
    found.append(at_most("peak memory", megabytes, TARGET_MEGABYTES, "MB", peer=held))
    return found + [_described(name, [run for run in runs if run.participant == name]) for name in names]


def _all_cpu(run: Run) -> float:
    return run.cpu_seconds_per_million + run.clickhouse_cpu_seconds_per_million + run.kafka_cpu_seconds_per_million


def _described(name: str, runs: list[Run]) -> Row:
    rates = [run.events_per_second for run in runs]
    shares = {
        "own": [run.cpu_seconds_per_million for run in runs],
        "ClickHouse": [run.clickhouse_cpu_seconds_per_million for run in runs],
        "Kafka": [run.kafka_cpu_seconds_per_million for run in runs],
    }
    cpu = ", ".join(f"{part} {statistics.median(seconds):.0f}" for part, seconds in shares.items())
    exact = "exact" if all(run.exact for run in runs) else "**not exact**"
    return Row(name, f"{min(rates):,.0f} to {max(rates):,.0f} events/s in {len(runs)} runs; CPU µs: {cpu}; {exact}")


if __name__ == "__main__":
    main()
