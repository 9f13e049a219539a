"""What we rely on in faust-streaming beyond its documentation; an upgrade that moves any of it fails here."""

import asyncio
import base64
import inspect
from importlib.metadata import version
from types import SimpleNamespace
from typing import cast

import faust
import mode
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust import streams
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver
from faust.types.enums import ProcessingGuarantee

from stream.fetch.consumer_thread import ConsumerThread
from stream.fetch.membership import GroupMembership
from stream.fetch.transport import MAX_CHUNK_RECORDS
from stream.pipeline.pipeline import Pipeline
from tests.builders import KEY


def test_the_version_is_the_one_whose_source_was_read() -> None:
    assert version("faust-streaming") == "0.15.3"


def test_the_cython_iterator_is_there() -> None:
    # The pure-Python one acknowledges events of an earlier generation.
    assert streams._CStreamIterator is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "parameters"), [("_wait_next_records", ["self", "timeout"]), ("_commit", ["self", "offsets"])]
)
def test_the_private_methods_of_the_consumer_are_as_they_were(name: str, parameters: list[str]) -> None:
    method = getattr(driver.Consumer, name)
    assert inspect.iscoroutinefunction(method)
    assert list(inspect.signature(method).parameters) == parameters


def test_the_consumer_drops_what_is_below_the_offset_that_it_read_last() -> None:
    assert "offset >= r_offset" in inspect.getsource(driver.Consumer._drain_messages)


def test_the_stream_can_be_told_to_acknowledge_nothing() -> None:
    assert callable(faust.Stream.noack)


@pytest.fixture
def stream_app(monkeypatch: pytest.MonkeyPatch) -> faust.App:
    """The worker's app, built but not started."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CLICKHOUSE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AUDIT_PSEUDONYMIZATION_KEY", base64.b64encode(KEY).decode())
    from stream.app import app  # noqa: PLC0415 - it reads its settings when it is imported

    return app


def test_faust_tracks_no_offset_of_the_events_topic_itself(stream_app: faust.App) -> None:
    from stream.app import events  # noqa: PLC0415 - as above

    assert events.acks is False
    assert str(stream_app.conf.processing_guarantee) == str(ProcessingGuarantee.AT_LEAST_ONCE)


def test_a_consumer_that_has_not_started_holds_no_partition() -> None:
    """The app's services run by then: while Kafka is awaited, the eraser has its turns."""
    thread = driver.AIOKafkaConsumerThread.__new__(driver.AIOKafkaConsumerThread)
    thread._consumer = None
    assert GroupMembership(cast("faust.App", SimpleNamespace(consumer=thread))).assigned() == set()


async def test_the_worker_reads_committed_transactions_only(stream_app: faust.App) -> None:
    """Faust does so in its exactly-once mode alone; what is set here is what aiokafka gives to its fetcher."""
    thread = ConsumerThread.__new__(ConsumerThread)
    thread.app, thread.consumer = stream_app, cast("driver.Consumer", SimpleNamespace(in_transaction=False))
    consumer = thread._create_worker_consumer(cast("driver.Transport", stream_app.transport))
    assert consumer._isolation_level == "read_committed"
    assert "isolation_level=self._isolation_level" in inspect.getsource(type(consumer).start)
    await consumer.stop()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (driver.Consumer, "_new_consumer_thread"),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
        (driver.AIOKafkaConsumerThread, "_commit"),
        (GroupCoordinator, "fetch_committed_offsets"),
        (GroupCoordinator, "request_rejoin"),
        (AIOKafkaClient, "force_metadata_update"),
        (AIOKafkaClient, "get_random_node"),
        (AIOKafkaClient, "send"),
    ],
)
def test_the_private_methods_that_the_thread_calls_are_there(owner: type, name: str) -> None:
    assert callable(getattr(owner, name))


def test_the_settings_that_keep_an_outage_from_becoming_a_deadlock(stream_app: faust.App) -> None:
    conf = stream_app.conf
    assert conf.stream_wait_empty is False
    assert conf.broker_max_poll_interval > 7 * 24 * 3600
    assert conf.topic_disable_leader is True
    assert conf.topic_allow_declare is False
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.broker_session_timeout <= 10


def test_the_settings_that_bound_what_a_backlog_unpacks(stream_app: faust.App) -> None:
    conf = stream_app.conf
    assert conf.broker_max_poll_records <= 2 * MAX_CHUNK_RECORDS
    assert conf.stream_buffer_maxsize * MAX_CHUNK_RECORDS <= 20_000


async def test_what_is_on_its_way_to_the_agent_stays_when_the_flow_is_resumed(stream_app: faust.App) -> None:
    """Two rebalances in a row resume it twice, and the generation in between may be the present one."""
    stream = stream_app.stream(stream_app.channel())
    stream_app.flow_control.resume()
    await cast("faust.Channel[str]", stream.channel).queue.put("a chunk")
    stream_app.flow_control.resume()
    assert cast("faust.Channel[str]", stream.channel).queue.qsize() == 1


def test_no_web_server_is_started_even_when_the_command_line_asks_for_one(stream_app: faust.App) -> None:
    stream_app.conf.web_enabled = True
    assert list(cast("BootStrategy", stream_app.boot_strategy).web_server()) == []


async def test_a_service_starts_its_dependencies_one_after_the_other() -> None:
    """So whatever stands behind the wait for Kafka waits with it."""
    gate, is_waiting, started = asyncio.Event(), asyncio.Event(), []

    class Dependency(mode.Service):
        def __init__(self, name: str, gate: asyncio.Event | None = None) -> None:
            self.name, self.gate = name, gate
            super().__init__()

        async def on_start(self) -> None:
            if self.gate is not None:
                is_waiting.set()
                await self.gate.wait()
            started.append(self.name)

    app = mode.Service()
    for dependency in (Dependency("worker"), Dependency("wait", gate), Dependency("consumer")):
        app.add_dependency(dependency)
    starting = asyncio.ensure_future(app.start())
    await is_waiting.wait()
    for _ in range(100):
        # One that does not wait for it would have its turns.
        await asyncio.sleep(0)
    assert started == ["worker"]
    gate.set()
    await starting
    assert started == ["worker", "wait", "consumer"]
    await app.stop()


def test_kafka_is_awaited_before_anything_that_faust_adds_at_its_start(stream_app: faust.App) -> None:
    assert [type(service).__name__ for service in stream_app._children] == ["Worker", "KafkaAwaited"]


async def test_the_pipeline_ends_before_the_consumer_that_it_commits_with(
    stream_app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust tells of a shutdown before it stops a service, and a commit without a consumer would end with an error."""
    from stream.app import worker  # noqa: PLC0415 - as above
    from stream.worker import Worker  # noqa: PLC0415 - as above

    begun, ended = asyncio.Event(), asyncio.Event()

    async def run(_: Pipeline) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def add_nothing(*_: object) -> None:
        """Its services would serve pages and ask ClickHouse."""

    monkeypatch.setattr(Pipeline, "run", run)
    monkeypatch.setattr(worker, "add_runtime_dependency", add_nothing)
    monkeypatch.setattr("stream.worker.gc", SimpleNamespace(freeze=lambda: None, set_threshold=lambda _: None))
    monkeypatch.setattr("stream.worker.sys", SimpleNamespace(setswitchinterval=lambda _: None))
    await worker.on_start()
    working = asyncio.ensure_future(Worker._work(worker))
    await begun.wait()

    await stream_app.on_before_shutdown.send()

    assert ended.is_set()
    assert "await self.on_before_shutdown.send()" in inspect.getsource(faust.App.on_stop)
    with pytest.raises(asyncio.CancelledError):
        await working
    await worker.on_shutdown()
