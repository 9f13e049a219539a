"""Three brokers and their controller, each a process: one can be frozen, killed, and robbed of its disk."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from deploy.local.java import kafka
from deploy.local.layout import HOST, REPOSITORY
from deploy.local.stack.processes import Child
from tests.faults.workers import wait_until
from tests.free_ports import free_port_base

BROKERS = (1, 2, 3)
_CONTROLLER = 9
_ANSWER_SECONDS = 60


class Cluster:
    """A cluster of three brokers. The controller is another process, which no test kills: brokers are what is lost."""

    def __init__(self, directory: Path, jars: Sequence[Path]) -> None:
        base = free_port_base()
        self._ports = {node: base + number for number, node in enumerate((*BROKERS, _CONTROLLER))}
        self._jars = jars
        self._nodes = {node: self._node(directory, node) for node in self._ports}
        self._children = {
            node: Child(kafka.command(broker, jars), {}, directory / f"{node}.log", cwd=REPOSITORY)
            for node, broker in self._nodes.items()
        }
        self._resources = ExitStack()

    @property
    def servers(self) -> str:
        """Every broker's address."""
        return ",".join(f"{HOST}:{self._ports[node]}" for node in BROKERS)

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for node in (_CONTROLLER, *BROKERS):
                started.callback(self._children[node].kill)
                self.start(node)
            self._resources = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    def start(self, node: int) -> None:
        """Start *node*, with an empty disk where it has none, and return when it serves."""
        child = self._children[node]
        kafka.prepare(self._nodes[node], self._jars)
        child.start()
        wait_until(lambda: "Kafka Server started" in child.output() or not child.is_running(), what=f"node {node}")
        assert child.is_running(), child.last_words()

    def lose(self, node: int) -> None:
        """SIGKILL to *node*, and nothing is left of its disk."""
        self._children[node].kill()
        shutil.rmtree(self._nodes[node].directory / "data")

    def freeze(self, node: int) -> None:
        """SIGSTOP: *node* answers nobody."""
        os.kill(self._pid(node), signal.SIGSTOP)

    def thaw(self, node: int) -> None:
        """SIGCONT."""
        os.kill(self._pid(node), signal.SIGCONT)

    def wait_for_replicas(self, topic: str, expected: Mapping[int, set[int]]) -> None:
        """Return when each of these partitions of *topic* has exactly these replicas in sync."""
        wait_until(lambda: {p: isr for p, (_, isr) in self.partitions(topic).items()} == expected, what="the replicas")

    def partitions(self, topic: str) -> dict[int, tuple[int, set[int]]]:
        """Leader and replicas in sync of each partition of *topic*; a leader of -1 is none."""
        return asyncio.run(self._partitions(topic))

    def give_up(self, topic: str) -> None:
        """Let whichever replica is there lead *topic*, as an operator does who has lost all those in sync."""
        asyncio.run(self._give_up(topic))

    async def _give_up(self, topic: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            anybody = {"unclean.leader.election.enable": "true"}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=anybody)])
        finally:
            await admin.close()

    async def _partitions(self, topic: str) -> dict[int, tuple[int, set[int]]]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                # It asks any broker, also one that is frozen.
                with suppress(KafkaError):
                    return await self._answered(topic)

    async def _answered(self, topic: str) -> dict[int, tuple[int, set[int]]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers, request_timeout_ms=2_000)
        try:
            await admin.start()
            (described,) = await admin.describe_topics([topic])
            return {found["partition"]: (found["leader"], set(found["isr"])) for found in described["partitions"]}
        finally:
            await admin.close()

    def _pid(self, node: int) -> int:
        pid = self._children[node].pid
        assert pid is not None
        return pid

    def _node(self, directory: Path, node: int) -> kafka.Broker:
        role, listener = ("controller", "CONTROLLER") if node == _CONTROLLER else ("broker", "PLAINTEXT")
        address = f"{listener}://{HOST}:{self._ports[node]}"
        options = {
            "process.roles": role,
            "node.id": str(node),
            "listeners": address,
            "advertised.listeners": address,
            "controller.quorum.bootstrap.servers": f"{HOST}:{self._ports[_CONTROLLER]}",
            "offsets.topic.replication.factor": str(len(BROKERS)),
            # How often the controller looks for what `give_up` allows; the default is five minutes.
            "unclean.leader.election.interval.ms": "1000",
        }
        joins = "--standalone" if node == _CONTROLLER else "--no-initial-controllers"
        return kafka.Broker(directory / f"node-{node}", 0, 0, options, (joins,))
