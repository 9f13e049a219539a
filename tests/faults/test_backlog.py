"""Much to do for a worker that comes late, and a long life: the backlog, and T25."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from uuid import UUID

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from schemas.codec import encode
from schemas.wire import frame
from tests.faults.conftest import StartTrial
from tests.faults.readers import Reader
from tests.faults.trial import Trial
from tests.faults.workers import Worker

MAX_WORKER_BYTES = 700e6
PARTITIONS = 4
EVENTS = 2_000_000
SOAK_SECONDS = 600


@pytest.mark.faults_long("a backlog that tells anything about memory takes minutes")
def test_a_backlog_met_by_a_worker_that_starts_late_is_worked_off_in_bounded_memory(start_trial: StartTrial) -> None:
    """Two million events, all of them acknowledged before the worker starts."""
    trial = start_trial(partitions=PARTITIONS)
    count = EVENTS
    trial.background.run(send_many(trial, count, trial.schema_id()), seconds=1200)
    worker = trial.worker().start()
    peak = peak_until_settled(trial, worker, seconds=600)
    reader = Reader(trial.stack, trial.client_space_ids[0], page_size=100)
    exported = numbers_of(reader.exported())
    assert len(exported) == count
    assert exported == set(range(count))
    # The pages show what the export has; as many of them as there is time for.
    paged = numbers_of(line["event_id"] for line in islice(reader.walk(), 5_000))
    assert len(paged) == 5_000
    assert paged <= exported
    reader.close()
    assert trial.watch.samples.ahead == []
    assert peak < MAX_WORKER_BYTES, f"{peak / 1e6:.0f} MB"
    (found,) = trial.sql.rows(
        "SELECT count() AS lines FROM audit.activities WHERE client_space_id = {space:String}",
        space=trial.client_space_ids[0],
    )
    assert found["lines"] == count


async def send_many(trial: Trial, count: int, schema_id: int) -> None:
    """Write *count* events, numbered by their ids, and return when all are acknowledged."""
    template = replace(trial.source.next(), event_id=UUID(int=0))
    # The datum begins with the id: one byte of length, then its text.
    value = frame(schema_id, encode(template, now=template.occurred_at))
    head, tail = value[:6], value[42:]
    async with AIOKafkaProducer(
        bootstrap_servers=trial.servers, linger_ms=20, max_batch_size=256 * 1024, compression_type="lz4"
    ) as producer:
        last = []
        for number in range(count):
            value = head + str(UUID(int=number)).encode() + tail
            last.append(await producer.send(trial.topic, value, partition=number % PARTITIONS))
            if len(last) >= 10_000:
                for acknowledged in last:
                    await acknowledged
                last = []
        for acknowledged in last:
            await acknowledged


def peak_until_settled(trial: Trial, worker: Worker, *, seconds: float) -> float:
    """The largest resident size of *worker* until everything is committed."""
    process, peak, deadline = psutil.Process(worker.pid), 0.0, time.monotonic() + seconds
    while not trial.is_settled():
        assert time.monotonic() < deadline, "the backlog is not worked off"
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.2)
    return peak


def numbers_of(event_ids: Iterable[str]) -> set[int]:
    """The numbers that *event_ids* stand for; fails where one comes twice."""
    numbers: set[int] = set()
    for event_id in event_ids:
        number = UUID(event_id).int
        assert number not in numbers, f"event {number} is shown twice"
        numbers.add(number)
    return numbers


@pytest.mark.faults_long("a leak shows after minutes")
def test_t25_a_worker_under_steady_load_grows_neither_in_memory_nor_in_open_files(start_trial: StartTrial) -> None:
    """T25: ten minutes after a minute of warm-up; a slope means a leak."""
    trial = start_trial(partitions=None)
    process = psutil.Process(trial.stack.child("worker").pid)
    sizes: list[float] = []
    files: list[float] = []
    with trial.load(per_second=150):
        time.sleep(60)
        for _ in range(SOAK_SECONDS):
            sizes.append(process.memory_info().rss)
            files.append(process.num_fds())
            time.sleep(1)
    trial.check()
    third = SOAK_SECONDS // 3
    assert mean(sizes[-third:]) - mean(sizes[:third]) < 20e6
    assert mean(files[-third:]) - mean(files[:third]) < 5


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)
