"""What an account may do in Kafka: asked of the brokers, and granted by who may."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from schemas.kafka import Admin
from schemas.kafka_address import KafkaAddress
from schemas.kafka_rights import Operation, Resource, Right
from stream.clients.kafka import open_admin
from stream.clients.topic_id import authorized_operations
from stream.errors import AccessRefused

_ANY_HOST = "*"
_ALLOW = 3
_LITERAL = 3


async def grant(address: KafkaAddress, granted: Mapping[str, Sequence[Right]]) -> None:
    """Grant rights to principals, such as `User:audit-worker`; what one has already stays as it is.

    Raises `Unavailable`, or `AccessRefused` where this account may not: it needs `Alter` on the cluster.
    """
    async with open_admin(address, "granting rights") as admin:
        for principal, rights in granted.items():
            for right in rights:
                place = right.resource, right.name, _LITERAL
                request = CreateAclsRequest(*place, principal, _ANY_HOST, right.operation, _ALLOW)
                answer = await admin._send_request(request)  # noqa: SLF001 - aiokafka has the request, and no method for it
                for code, _message in answer.creation_responses:
                    if code:
                        raise for_code(code)


async def require_rights(admin: Admin, rights: Sequence[Right]) -> None:
    """Return where the account of *admin* has *rights* on topics. Raises `AccessRefused`, which names what it lacks.

    What cannot be told is not taken for missing: rights on groups, and topics that do not exist.
    """
    needed: dict[str, set[Operation]] = defaultdict(set)
    for right in rights:
        if right.resource is Resource.TOPIC:
            needed[right.name].add(right.operation)
    missing: list[Right] = []
    for topic, operations in needed.items():
        allowed = await authorized_operations(admin._client, topic)  # noqa: SLF001 - see `Connection`
        if allowed is not None:
            missing += [Right(Resource.TOPIC, topic, one) for one in sorted(operations) if not allowed & 1 << one]
    if missing:
        raise AccessRefused(
            f"Kafka: this account lacks {', '.join(map(str, missing))}; `audit-stream rights` lists what it needs"
        )
