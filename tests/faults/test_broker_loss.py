"""A broker and its disk are lost under load: what the brokers acknowledged is on another disk."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.console import Reporter
from deploy.local.stack.services import fetch_programs
from producers import KafkaPublisher, ProducerSettings
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC, MIN_INSYNC_REPLICAS
from stream.clients.topics import create_topics, topic_differences
from tests.fakes.stream import InMemoryRegistry
from tests.faults.background import Background
from tests.faults.cluster import BROKERS, Cluster
from tests.faults.ledger import EventSource, Ledger, publish_steadily
from tests.faults.readers import Tail
from tests.faults.trial import create_topic, publishing_to
from tests.faults.workers import wait_until

pytestmark = pytest.mark.faults_long("four Java processes, and half a minute until they are ready")

EVENTS_BETWEEN = 100
PUBLISH_SECONDS = 60.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), fetch_programs(Reporter().download).kafka_jars) as started:
        asyncio.run(create_topics(KafkaAddress(started.servers), replicas=len(BROKERS)))
        yield started


class Load:
    """Events published to *topic* all the while, and what became of them."""

    def __init__(self, cluster: Cluster, topic: str, ledger: Ledger) -> None:
        self.cluster, self.topic, self.ledger = cluster, topic, ledger

    def more(self) -> None:
        """Return when so many more events were acknowledged."""
        enough = len(self.ledger.acknowledged) + EVENTS_BETWEEN
        wait_until(lambda: len(self.ledger.acknowledged) >= enough, what="acknowledgements")

    async def missing(self) -> set[str]:
        """Acknowledged events that no reader finds in the topic."""
        tail = Tail(self.cluster.servers, self.topic)
        try:
            ends = await tail.ends()
            await tail.read(dict.fromkeys(ends, 0), ends)
        finally:
            await tail.close()
        return self.ledger.acknowledged.keys() - set(tail.contents.values())


@contextmanager
def load_on(cluster: Cluster, topic: str, path: Path, seed: str) -> Iterator[Load]:
    """Publish steadily, by a publisher with every setting of its own, until the block ends."""
    source = EventSource(["broker-loss"], random.Random(seed))  # noqa: S311 - nothing here is secret
    settings = ProducerSettings(
        kafka_bootstrap_servers=cluster.servers,
        schema_registry_url="http://localhost:9",
        publish_timeout_seconds=PUBLISH_SECONDS,
    )
    ledger, is_over = Ledger(path / "ledger.jsonl"), False

    async def run() -> None:
        async with KafkaPublisher(settings, registry=InMemoryRegistry()) as publisher:
            await publish_steadily(publisher, ledger, source, per_second=200, is_over=lambda: is_over)

    with publishing_to(topic), Background() as background:
        running: Future[None] = background.spawn(run())
        try:
            yield Load(cluster, topic, ledger)
        finally:
            is_over = True
            running.result(PUBLISH_SECONDS * 2)
            ledger.close()


def test_the_declared_topics_have_their_replicas(cluster: Cluster) -> None:
    assert asyncio.run(topic_differences(KafkaAddress(cluster.servers), replicas=len(BROKERS))) == []


def test_each_broker_in_turn_loses_its_disk_and_no_acknowledged_event_is_lost(
    cluster: Cluster, tmp_path: Path, seed: str
) -> None:
    everywhere = {partition: set(BROKERS) for partition in cluster.partitions(EVENTS_TOPIC)}
    with load_on(cluster, EVENTS_TOPIC, tmp_path, seed) as load:
        for victim in BROKERS:
            load.more()
            cluster.lose(victim)
            # Writers need no second broker back: two of three are enough.
            load.more()
            cluster.start(victim)
            cluster.wait_for_replicas(EVENTS_TOPIC, everywhere)
    assert asyncio.run(load.missing()) == set()


@pytest.mark.parametrize("in_sync", [1, 2])
def test_the_last_broker_in_sync_is_lost(cluster: Cluster, tmp_path: Path, seed: str, in_sync: int) -> None:
    """With `min.insync.replicas` of 1 it alone has acknowledged, and that is lost; with 2 nothing was acknowledged."""
    topic = f"loss-{in_sync}"
    asyncio.run(create_topic(cluster.servers, topic, 1, {MIN_INSYNC_REPLICAS: str(in_sync)}, replicas=len(BROKERS)))
    with load_on(cluster, topic, tmp_path, seed) as load:
        load.more()
        leader = cluster.partitions(topic)[0][0]
        others = set(BROKERS) - {leader}
        for other in others:
            cluster.freeze(other)
        wait_until(lambda: cluster.partitions(topic)[0][1] == {leader}, what="the end of the others")
        if in_sync == 1:
            load.more()
        cluster.lose(leader)
        for other in others:
            cluster.thaw(other)
        cluster.start(leader)
        if in_sync == 1:
            cluster.give_up(topic)
        wait_until(lambda: cluster.partitions(topic)[0][0] in BROKERS, what="a leader")
        load.more()
    missing = asyncio.run(load.missing())
    if in_sync == 1:
        assert len(missing) >= EVENTS_BETWEEN
    else:
        assert missing == set()
