"""A file import to acknowledged Kafka, beside what a user would write: `make bench-import`.

Three runs a round, each in a process of its own, against one Kafka and one registry on loopback: an action list and two
user lists by `audit-produce import`, and the action list by `csv.DictReader` with fastavro and one awaited send for
each event. Printed are rows a second from start to acknowledgement, CPU µs a row (both with the start of the process)
and peak memory. Bounded by `--rows` and `--rounds`.
"""

import argparse
import asyncio
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from deploy.local.stack.stack import LocalStack
from schemas.avro_schemas import current_event_schema_text
from schemas.codec import encode
from schemas.events import Channel, Event, Person, UserCreation
from schemas.registry import HttpSchemaRegistry
from schemas.topics import EVENTS_SUBJECT, EVENTS_TOPIC
from schemas.wire import frame
from tests.benchmarks.machine import watched
from tests.benchmarks.table import Row, at_least, at_most, table
from tests.free_ports import free_port_base

SERVICES = ("kafka", "schema_registry", "topics")
COMMAND = [str(Path(sys.executable).with_name("audit-produce")), "import"]
WHO = ["--client-space", "bench", "--admin-id", "usr_bench"]
PARTICIPANTS = ("import, actions", "import, two lists", "csv.DictReader, send")
KILOBYTE = 1024
TARGET_ROWS_PER_SECOND = 30_000
TARGET_MEGABYTES = 150


@dataclass(frozen=True)
class Run:
    """One run: seconds, CPU seconds, and peak memory in MB."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def write_files(folder: Path, rows: int) -> None:
    """An action list of *rows* creations; two user lists of half as many, which differ in each hundredth license."""
    with (folder / "actions.csv").open("w", encoding="utf-8") as file:
        file.write("activity,user id,e-mail,first name,last name\n")
        for number in range(rows):
            file.write(f"user_creation,u-{number:08},user{number:08}@example.com,First{number},Last{number}\n")
    for name, license_name in (("before", "Data Reader"), ("after", "Data Steward")):
        with (folder / f"{name}.csv").open("w", encoding="utf-8") as file:
            file.write("user id,e-mail,first name,last name,license,admin access\n")
            for number in range(rows // 2):
                chosen = license_name if number % 100 == 0 else "Data Reader"
                file.write(f"u-{number:08},user{number:08}@example.com,First{number},Last{number},{chosen},no\n")


async def naive(path: Path, servers: str, registry_url: str) -> None:
    """What a user would write: read a row, encode its event, send it, wait for the acknowledgement of all."""
    now, admin = datetime.now(UTC), Person("usr_bench")
    async with HttpSchemaRegistry(registry_url) as registry:
        schema_id = await registry.register(EVENTS_SUBJECT, current_event_schema_text())
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        waiting = []
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                user = Person(row["user id"], row["e-mail"], f"{row['first name']} {row['last name']}")
                event = Event(uuid4(), now, "bench", Channel.FILE_IMPORT, admin, user, UserCreation())
                value = frame(schema_id, encode(event, now=now))
                waiting.append(await producer.send(EVENTS_TOPIC, value, f"bench/{user.id}".encode()))
        await asyncio.gather(*waiting)


def run(participant: str, folder: Path, environment: dict[str, str]) -> Run:
    """One run of *participant* as a process of its own."""
    options = [*WHO, "--state-dir", tempfile.mkdtemp(dir=folder)]
    commands = {
        "import, actions": [*COMMAND, str(folder / "actions.csv"), *options],
        "import, two lists": [*COMMAND, str(folder / "after.csv"), "--before", str(folder / "before.csv"), *options],
        "csv.DictReader, send": [
            sys.executable,
            "-m",
            "tests.benchmarks.imports",
            "--naive",
            str(folder / "actions.csv"),
        ],
    }
    started = time.monotonic()
    process = subprocess.Popen(commands[participant], env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{participant} ended with {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KILOBYTE)


def main() -> None:
    """Run and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--naive", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.naive is not None:
        servers, registry_url = os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ["SCHEMA_REGISTRY_URL"]
        asyncio.run(naive(arguments.naive, servers, registry_url))
        return
    runs: dict[str, list[Run]] = {name: [] for name in PARTICIPANTS}
    with (
        watched() as watch,
        tempfile.TemporaryDirectory() as name,
        LocalStack(Path(name) / "stack", port_base=free_port_base(), services=SERVICES) as stack,
    ):
        folder = Path(name)
        write_files(folder, arguments.rows)
        for number in range(arguments.rounds):
            for participant in PARTICIPANTS[:: 1 if number % 2 == 0 else -1]:
                runs[participant].append(run(participant, folder, stack.environment()))
                print(participant, runs[participant][-1], flush=True)
    print(table(rows(runs, arguments.rows), watch, f"{arguments.rows:,} rows"))


def rows(runs: dict[str, list[Run]], count: int) -> list[Row]:
    """The medians, beside the last participant's."""
    found = []
    *ours, peer = PARTICIPANTS
    peer_rate = f"{_rate(runs[peer], count):,.0f} rows/s"
    for name in ours:
        found.append(at_least(name, _rate(runs[name], count), TARGET_ROWS_PER_SECOND, "rows/s", peer=peer_rate))
        found.append(at_most(f"{name}, peak memory", _megabytes(runs[name]), TARGET_MEGABYTES, "MB"))
    for name, those in runs.items():
        cpu = statistics.median(each.cpu_seconds for each in those) * 1e6 / count
        found.append(Row(f"{name}, CPU", f"{cpu:.1f} µs a row; {_megabytes(those):.0f} MB"))
    return found


def _rate(runs: list[Run], count: int) -> float:
    return count / statistics.median(each.seconds for each in runs)


def _megabytes(runs: list[Run]) -> float:
    return max(each.megabytes for each in runs)


if __name__ == "__main__":
    main()
