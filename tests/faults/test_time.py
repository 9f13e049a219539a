"""Clocks and time zones that are wrong, change or jump, and the edge of the retention: T22, T23, clock jumps."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.codec import encode
from schemas.kafka_address import KafkaAddress
from schemas.retention import retention_start
from schemas.wire import frame
from stream.clients.kafka import open_admin
from stream.clients.topics import topic_config
from tests.faults.conftest import StartTrial
from tests.faults.readers import Reader
from tests.faults.trial import Trial
from tests.faults.workers import wait_until

NEW_YORK = "America/New_York"
PARTS = ("producer", "worker", "query_api", "clickhouse")


def test_t22_a_line_is_shown_until_it_is_twelve_months_old_and_not_a_moment_longer(start_trial: StartTrial) -> None:
    """T22: the edge of the retention passes over a line, with merges before and after."""
    trial = start_trial(partitions=None)
    edge = retention_start(datetime.now(UTC)) + timedelta(seconds=8)
    ends_soon, stays = (trial.source.next(occurred_at=edge + timedelta(seconds=s)) for s in (0, 3600))
    trial.publish([ends_soon, stays])
    trial.settle()
    trial.sql.run("OPTIMIZE TABLE audit.activity_log FINAL")
    reader = Reader(trial.stack, trial.client_space_ids[0], page_size=7)
    both, one = [str(stays.event_id), str(ends_soon.event_id)], [str(stays.event_id)]
    is_before = retention_start(datetime.now(UTC)) < edge
    shown = reader.event_ids()
    if is_before and retention_start(datetime.now(UTC)) < edge:
        assert shown == both
    wait_until(lambda: retention_start(datetime.now(UTC)) >= edge, what="the edge")
    assert reader.event_ids() == one
    trial.sql.run("OPTIMIZE TABLE audit.activity_log FINAL")
    assert reader.event_ids() == one
    assert trial.sql.shown(trial.client_space_ids) == one
    reader.close()


@contextmanager
def in_new_york(trial: Trial, parts: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Let *parts* run under another time zone meanwhile; the answer is the worker's environment."""
    services = [part for part in parts if part in ("query_api", "clickhouse")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", NEW_YORK)
        for service in services:
            trial.stack.restart(service)
        if "producer" not in parts:
            patch.delenv("TZ")
        time.tzset()
        try:
            yield {"TZ": NEW_YORK} if "worker" in parts else {}
        finally:
            patch.undo()
            time.tzset()
            for service in services:
                trial.stack.restart(service)


def test_t23_instants_are_the_same_whatever_the_time_zone_of_any_part(start_trial: StartTrial, is_long: bool) -> None:
    """T23: New York for producer, worker, API and store (and, long, for each alone), in the hour that comes twice."""
    autumn = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    if autumn > datetime.now(UTC):
        autumn = autumn.replace(year=2025)
    for parts in [PARTS, *([(part,) for part in PARTS] if is_long else [])]:
        trial = start_trial()
        with in_new_york(trial, parts) as environment:
            trial.worker(**environment).start()
            trial.publish([trial.source.next(occurred_at=autumn + timedelta(minutes=30 * n)) for n in range(5)])
            trial.publish(5)
            trial.check()


@pytest.mark.faults_long("three workers one after the other; the broker's clock, which matters more, is short")
def test_a_worker_whose_clock_is_a_year_wrong_stores_the_same_rows(start_trial: StartTrial) -> None:
    """Clock jumps: nothing that the worker writes comes from its clock."""
    trial = start_trial(partitions=1)
    trial.publish(20)
    rows = []
    for days in (-400, 400, 0):
        worker = trial.worker("--clock-offset-seconds", str(days * 86_400)).start()
        trial.check()
        rows.append(rows_of(trial))
        worker.terminate(within_seconds=10)
        trial.use_new_group()
    assert rows[0] == rows[1] == rows[2]


def rows_of(trial: Trial) -> list[dict[str, object]]:
    """Every column of every line."""
    return trial.sql.rows(
        "SELECT * FROM audit.activity_log FINAL WHERE client_space_id = {space:String} ORDER BY event_id",
        space=trial.client_space_ids[0],
    )


def test_a_broker_whose_clock_jumps_back_and_forth_loses_and_doubles_nothing(start_trial: StartTrial) -> None:
    """Clock jumps: append times that are hours off, in no order, as the worker would meet them."""
    trial = start_trial(
        partitions=1,
        topic_options={
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": str(30 * 86_400_000),
        },
    )
    now = datetime.now(UTC)
    jumps = [timedelta(hours=hours) for hours in (0, 10, -10, 23, -20, 0)]
    events = [trial.source.next(occurred_at=now) for _ in jumps]
    schema_id = trial.schema_id()

    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=trial.servers) as producer:
            for event, jump in zip(events, jumps, strict=True):
                value = frame(schema_id, encode(event, now=now))
                appended = round((now + jump).timestamp() * 1000)
                await producer.send_and_wait(trial.topic, value, partition=0, timestamp_ms=appended)
                trial.ledger.acknowledge(event)
        # The records keep these times, as those of a broker whose clock jumped; the worker reads no `CreateTime` topic.
        await set_append_time(trial)

    trial.background.run(send())
    worker = trial.worker().start()
    wait_until(lambda: trial.is_settled() or worker.said("InvalidTimestampError"), what="an end or an error")
    assert not worker.said("InvalidTimestampError"), "the history topic refuses what the broker itself has dated"
    trial.check()
    assert trial.dead_letters() == {}


async def set_append_time(trial: Trial) -> None:
    """Let the broker date the topic's records from now on."""
    config = {"message.timestamp.type": "LogAppendTime"}
    async with open_admin(KafkaAddress(trial.servers)) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, trial.topic, config)])
        # The controller has answered; a worker asks the broker.
        while not config.items() <= (await topic_config(admin, trial.topic)).items():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
