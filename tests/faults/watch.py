"""Samples the committed offsets throughout a run, and looks each time whether all below them is durable."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.faults.oracle import Place, commits_ahead
from tests.faults.readers import Sql, Tail

_PAUSE_SECONDS = 0.1
_ATTEMPT_SECONDS = 10
_NEWEST = 2_000
"""Of a partition of which more is committed between two samples, only so many are looked at, or no sample would end.

A commit that comes too early names the newest records first.
"""
_OUTAGES = (KafkaError, OSError, TimeoutError, httpx.TransportError, AssertionError)
"""What the samples' own connections see while a test breaks things; a sample is then taken later."""


async def attempt(step: Callable[[], Awaitable[None]]) -> bool:
    """Do *step*; `False` where an outage ended it, or it took too long."""
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            await step()
    except _OUTAGES:
        return False
    except asyncio.CancelledError:
        # aiokafka cancels whoever waits for a connection that breaks. That is an outage, unless we are to end.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return False
    return True


@dataclass
class Samples:
    """What the samples have seen so far."""

    count: int = 0
    committed: dict[int, int] = field(default_factory=dict)
    ahead: list[Place] = field(default_factory=list)


class CommitWatch:
    """Watches *group* on the topic of *tail*, from *first* on, until it is told to stop."""

    def __init__(self, servers: str, group: str, tail: Tail, sql: Sql, first: dict[int, int]) -> None:
        self._servers = servers
        self._group = group
        self._tail = tail
        self._sql = sql
        self._checked = dict(first)
        self._admin: AIOKafkaAdminClient | None = None
        self.samples = Samples()

    def use_group(self, group: str) -> None:
        """Watch *group* from now on."""
        self._group = group
        self.samples.committed = {}

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Sample until *is_over*."""
        try:
            while not is_over():
                await self.sample()
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            await self._close_admin()

    async def sample(self) -> bool:
        """Take one sample; `False` where an outage does not allow it now."""
        if await attempt(self._sample):
            return True
        await attempt(self._close_admin)
        await attempt(self._tail.close)
        return False

    async def _sample(self) -> None:
        group = self._group
        committed = await self._committed()
        # Everything below is read after the offsets were: what is durable by now excuses them, what is not does not.
        starts = {p: max(self._checked.get(p, 0), end - _NEWEST) for p, end in committed.items()}
        await self._tail.read(starts, committed)
        new = [
            content
            for partition, end in committed.items()
            for offset in range(starts[partition], end)
            if (content := self._tail.contents.get((partition, offset))) is not None
        ]
        stored = await asyncio.to_thread(self._sql.stored, new)
        await self._tail.read_dead_letters()
        samples = self.samples
        samples.ahead += commits_ahead(committed, starts, self._tail.contents, stored, self._tail.dead_letters)
        samples.count += 1
        if group == self._group:
            # Else the test has gone on to another group meanwhile, of which this says nothing.
            samples.committed = committed
        for partition, end in committed.items():
            self._checked[partition] = max(self._checked.get(partition, 0), end)

    async def _committed(self) -> dict[int, int]:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, request_timeout_ms=5_000)
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin
        offsets = await self._admin.list_consumer_group_offsets(self._group)
        return {
            p.partition: found.offset
            for p, found in offsets.items()
            if p.topic == self._tail.topic and found.offset >= 0
        }

    async def _close_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()
