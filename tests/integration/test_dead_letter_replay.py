"""Dead letters on a real broker: listed without values, and replayed once their cause is gone."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from deploy.local.stack.stack import LocalStack
from schemas.codec import encode
from schemas.errors import Reason
from schemas.kafka_address import KafkaAddress
from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC
from schemas.wire import frame
from stream.dead_letters.box import Place, open_box
from stream.pipeline.accept import Refused
from stream.pipeline.dead_letters import KafkaDeadLetters
from tests.builders import FakeRecord, a_chunk, an_event
from tests.faults.workers import wait_until
from tests.integration.worker_group import published
from tests.log_client import LogClient, run_command

ReadLog = Callable[[str], LogClient]
SECRET = "only-in-the-value@example.com"


async def send_poison(stack: LocalStack, client_space_id: str, *values: bytes) -> list[str]:
    """Append *values* to the events topic; the answer is their places, which are dead letters on return."""
    servers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
    async with AIOKafkaProducer(bootstrap_servers=servers) as raw:
        sent = [
            await raw.send_and_wait(EVENTS_TOPIC, value, key=f"{client_space_id}/usr_x".encode(), partition=1)
            for value in values
        ]
    places = [f"{record.partition}/{record.offset}" for record in sent]
    wait_until(lambda: set(places) <= {letter["place"] for letter in listed(stack)})
    return places


async def read_until(servers: str, condition: Callable[[Sequence[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(
        DEAD_LETTERS_TOPIC, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        async with asyncio.timeout(90):
            while not condition(found):
                found.append(await consumer.getone())
    return found


def listed(stack: LocalStack, *arguments: str) -> list[dict[str, object]]:
    output = run_command(stack, "audit-stream", "dead-letters", "list", "--json", *arguments)
    return [json.loads(line) for line in output.splitlines()]


async def test_a_list_names_place_reason_and_size_and_shows_no_value(stack: LocalStack, client_space_id: str) -> None:
    (place,) = await send_poison(stack, client_space_id, SECRET.encode())
    (letter,) = (found for found in listed(stack, "--reason", "wrong_magic") if found["place"] == place)
    assert {name: letter[name] for name in ("reason", "field", "copies")} == {
        "reason": "wrong_magic",
        "field": "",
        "copies": 1,
    }
    assert letter["size_bytes"] == len(SECRET) + len(f"{client_space_id}/usr_x")
    table = run_command(stack, "audit-stream", "dead-letters", "list")
    shown = run_command(stack, "audit-stream", "dead-letters", "show", place)
    assert not any(text in output for text in (SECRET, client_space_id) for output in (table, shown, str(letter)))
    assert "only-in-the-valu" in run_command(stack, "audit-stream", "dead-letters", "show", place, "--dump", "hex")


async def keep_good(stack: LocalStack, client_space_id: str, count: int) -> set[str]:
    """Good events as dead letters, as a worker with a bug that is mended now left them; the answer is their ids."""
    events = [an_event(client_space_id=client_space_id, occurred_at=datetime.now(UTC)) for _ in range(count)]
    keeper = KafkaDeadLetters(KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]))
    records = [
        FakeRecord(10**6 + n, frame(1, encode(event, now=event.occurred_at)), f"{client_space_id}/usr_ada".encode())
        for n, event in enumerate(events)
    ]
    chunk = a_chunk(*records, partition=1)
    await keeper.keep([(chunk, Refused(record, Reason.REFUSED_BY_STORE, "")) for record in records])
    await keeper.close()
    return {str(event.event_id) for event in events}


async def test_a_replay_of_what_is_mended_becomes_lines_and_a_second_replay_adds_none(
    stack: LocalStack, client_space_id: str, read_log: ReadLog
) -> None:
    expected = await keep_good(stack, client_space_id, 3)
    only = *(f"1/{10**6 + n}" for n in range(3)), "--reason", Reason.REFUSED_BY_STORE.value
    assert "would send: 3 " in run_command(stack, "audit-stream", "dead-letters", "replay", *only, "--dry-run")
    log = read_log(client_space_id)
    for _ in range(2):
        assert "sent 3 " in run_command(stack, "audit-stream", "dead-letters", "replay", *only)
        log.wait_for(lambda lines: len(lines) >= 3)
        await published(stack)
        assert sorted(log.event_ids()) == sorted(expected)


async def test_a_replay_of_one_place_keeps_key_value_and_partition_and_sends_no_other(
    stack: LocalStack, client_space_id: str
) -> None:
    places = await send_poison(stack, client_space_id, b"junk 1", b"junk 2")
    assert "sent 1 " in run_command(stack, "audit-stream", "dead-letters", "replay", places[1])
    servers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
    kept = await read_until(servers, lambda found: sum(record.value == b"junk 2" for record in found) == 2)
    first, second = (record for record in kept if record.value == b"junk 2")
    assert (first.key, dict(first.headers)["partition"]) == (second.key, dict(second.headers)["partition"])
    assert sum(record.value == b"junk 1" for record in kept) == 1


async def test_a_box_sees_its_places_as_the_worker_wrote_them_and_no_record_of_others(
    stack: LocalStack, client_space_id: str
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]) as raw:
        for headers in ([], [("partition", b"x"), ("offset", b"1")], [("partition", None)]):
            await raw.send_and_wait(DEAD_LETTERS_TOPIC, b"by hand", headers=headers)
    (place,) = await send_poison(stack, client_space_id, b"")
    async with open_box(KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"])) as box:
        found = [letter async for letter in box.letters()]
    partition, offset = map(int, place.split("/"))
    assert Place(partition, offset) in {letter.place for letter in found}
    assert all(letter.value != b"by hand" for letter in found)
