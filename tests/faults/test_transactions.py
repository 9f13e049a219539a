"""Transactional producers: T17."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from schemas.codec import encode
from schemas.events import Event, Person, UserCreation, UserDeletion, UserLicenseUpdate
from schemas.kafka_address import KafkaAddress
from schemas.wire import frame
from stream.health import probes
from tests.faults.conftest import StartTrial
from tests.faults.trial import Trial
from tests.faults.workers import wait_until


class Aborted(Exception):
    """Ends a transaction without its effect."""


def test_t17_what_a_transaction_aborts_is_neither_a_line_nor_an_erasure(start_trial: StartTrial) -> None:
    """T17: an aborted deletion of a living person, between events that hold."""
    trial = start_trial(partitions=1)
    created = replace(trial.source.next(), activity=UserCreation())
    update = replace(trial.source.next(), affected_user=created.affected_user, activity=UserLicenseUpdate(None, "X"))
    deletion = replace(trial.source.next(), affected_user=Person(created.affected_user.id), activity=UserDeletion())
    trial.publish([created])
    with pytest.raises(Aborted):
        trial.background.run(transact(trial, [trial.source.next(), trial.source.next(), deletion], abort=True))
    worker = trial.worker().start()
    wait_until(lambda: lags(trial)[1] == {0: 0}, what="no lag: what was aborted is nothing to do")
    trial.background.run(transact(trial, [update, trial.source.next()]))
    wait_for_end(trial, 8)
    trial.publish(3)
    trial.check()
    assert worker.is_running()


def test_t17_what_is_behind_an_open_transaction_waits_for_it_and_is_no_lag(start_trial: StartTrial) -> None:
    """T17: nobody is shown what may still be aborted, and no watchdog takes the worker for stuck meanwhile."""
    trial = start_trial(partitions=1)
    trial.publish(2)
    worker = trial.worker().start()
    trial.wait_until_stored(2)
    wait_until(lambda: trial.committed() == {0: 2}, what="a commit: until then the stored records are lag")
    open_ = Transaction(trial)
    first = trial.source.next()
    trial.background.run(open_.begin([first]))
    trial.publish(4)
    assert lags(trial) == [{0: 0}, {0: 0}], "what must not be read yet is nothing to do"
    assert trial.stored() == 2
    trial.background.run(open_.commit())
    wait_for_end(trial, 8)
    trial.publish(1)
    trial.check()
    assert worker.is_running()


def test_t17_the_marker_that_a_transaction_leaves_is_passed_over(start_trial: StartTrial) -> None:
    """T17: a marker is a hole between records, and nothing to do behind the last one."""
    trial = start_trial(partitions=1)
    trial.publish(5)
    trial.background.run(transact(trial, [trial.source.next()]))
    wait_for_end(trial, 7)
    assert lags(trial) == [{0: 7}, {0: 7}], "records that nobody works off are lag, however often it is asked"
    worker = trial.worker().start()
    wait_until(lambda: trial.committed() == {0: 6}, what="a commit")
    assert lags(trial) == [{0: 1}, {0: 0}], "the marker is nothing to do, and no reason to call a worker stuck"
    trial.publish(5)
    trial.check()
    assert worker.is_running()
    assert worker.said("no records here")


def wait_for_end(trial: Trial, end: int) -> None:
    """Return when the topic ends there, its last marker included.

    The broker writes a marker after it has answered. Behind the last record it would be no hole, and nobody commits it.
    """
    wait_until(lambda: trial.ends() == {0: end}, what="the marker")


async def transact(trial: Trial, events: Sequence[Event], *, abort: bool = False) -> None:
    """Send *events* in one transaction. Those that are not aborted are in the ledger."""
    async with transactional(trial) as producer:
        async with producer.transaction():
            await send(trial, producer, events)
            if abort:
                raise Aborted
        for event in events:
            trial.ledger.acknowledge(event)


class Transaction:
    """A transaction that stays open as long as a test wants."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._resources = AsyncExitStack()
        self._events: list[Event] = []

    async def begin(self, events: Sequence[Event]) -> None:
        """Send *events*, and leave the transaction open."""
        producer = await self._resources.enter_async_context(transactional(self._trial))
        await self._resources.enter_async_context(producer.transaction())
        self._events += events
        await send(self._trial, producer, events)

    async def commit(self) -> None:
        """Let it take effect."""
        await self._resources.aclose()
        for event in self._events:
            self._trial.ledger.acknowledge(event)


@asynccontextmanager
async def transactional(trial: Trial) -> AsyncIterator[AIOKafkaProducer]:
    """A transactional producer."""
    async with AIOKafkaProducer(bootstrap_servers=trial.servers, transactional_id=trial.topic) as producer:
        yield producer


async def send(trial: Trial, producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
    """Send *events* to the first partition."""
    schema_id = await trial.find_schema_id()
    for event in events:
        await producer.send_and_wait(trial.topic, frame(schema_id, encode(event, now=event.occurred_at)), partition=0)


def lags(trial: Trial) -> list[Mapping[int, int]]:
    """What a worker's probe says about the trial's topic, the first and the second time."""

    async def ask() -> list[Mapping[int, int]]:
        probe = probes.GroupProbe(KafkaAddress(trial.servers), trial.group)
        try:
            return [(await probe.look()).lag, (await probe.look()).lag]
        finally:
            await probe.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "EVENTS_TOPIC", trial.topic)
        patch.setattr(probes, "PROBE_SECONDS", 60.0)
        return trial.background.run(ask())
