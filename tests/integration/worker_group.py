"""Where the worker's group stands, asked of Kafka: the worker's own pages tell of a moment ago."""

import asyncio

from aiokafka.protocol.group import LeaveGroupRequest

from deploy.local.stack.stack import LocalStack
from schemas.kafka_address import KafkaAddress
from stream.clients.kafka import group_members, open_admin
from stream.errors import RebuildRefused, Unavailable
from stream.health.probes import GroupProbe
from stream.rebuild.group import refuse_members
from stream.settings import WorkerSettings

GROUP = WorkerSettings.model_fields["consumer_group"].default
_SECONDS = 90


async def published(stack: LocalStack) -> None:
    """Return once the worker has committed every event that is there, and so has published it."""
    probe = GroupProbe(_kafka(stack), GROUP)
    try:
        async with asyncio.timeout(_SECONDS):
            while await _has_lag(probe):  # noqa: ASYNC110 - the broker tells nobody of a commit
                await asyncio.sleep(0.1)
    finally:
        await probe.close()


async def workers_stopped(stack: LocalStack) -> None:
    """Stop the worker, and return once its group has no member."""
    stack.stop_service("worker")
    await end_memberships(stack)
    async with asyncio.timeout(_SECONDS):
        while await _has_members(stack):  # noqa: ASYNC110 - nor of the end of a session
            await asyncio.sleep(0.2)


async def end_memberships(stack: LocalStack) -> None:
    """Take out of the group who was stopped: under a name of its own, a worker stays until its session has ended."""
    async with open_admin(_kafka(stack)) as admin:
        coordinator = await admin.find_coordinator(GROUP)
        for member in await group_members(admin, GROUP):
            await admin._send_request(LeaveGroupRequest(GROUP, member), coordinator)


async def _has_lag(probe: GroupProbe) -> bool:
    try:
        return any((await probe.look()).lag.values())
    except Unavailable:
        # A busy broker's answer may come later than a worker waits for it.
        return True


async def _has_members(stack: LocalStack) -> bool:
    try:
        await refuse_members(_kafka(stack), GROUP)
    except RebuildRefused:
        return True
    return False


def _kafka(stack: LocalStack) -> KafkaAddress:
    return KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])
