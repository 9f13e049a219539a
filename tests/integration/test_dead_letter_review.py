"""Dead letters on a real broker: listed without values, replayed once their cause is gone, discarded, and counted."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack.stack import LocalStack
from schemas.codec import encode
from schemas.errors import Reason
from schemas.kafka_address import KafkaAddress
from schemas.topics import EVENTS_TOPIC
from schemas.wire import frame
from stream.dead_letters.review import DeadLetter, KafkaDeadLetterBox, Place, Selection, close_letters
from stream.pipeline.accept import Refused
from stream.pipeline.dead_letters import KafkaDeadLetters
from tests.builders import FakeRecord, a_chunk, an_event
from tests.integration.test_faults import read_until, wait_until
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


def listed(stack: LocalStack, *arguments: str) -> list[dict[str, object]]:
    output = run_command(stack, "audit-stream", "dead-letters", "list", "--json", *arguments)
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture(autouse=True)
def none_is_open(stack: LocalStack) -> None:
    """Other tests leave dead letters behind."""
    run_command(stack, "audit-stream", "dead-letters", "discard", "--yes")


async def test_a_list_names_place_reason_and_size_and_shows_no_value(stack: LocalStack, client_space_id: str) -> None:
    (place,) = await send_poison(stack, client_space_id, SECRET.encode())
    (letter,) = listed(stack)
    assert {name: letter[name] for name in ("place", "reason", "field", "copies", "open")} == {
        "place": place,
        "reason": "wrong_magic",
        "field": "",
        "copies": 1,
        "open": True,
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


async def test_a_replay_of_what_is_mended_becomes_lines_and_a_second_replay_sends_nothing(
    stack: LocalStack, client_space_id: str, read_log: ReadLog
) -> None:
    expected = await keep_good(stack, client_space_id, 3)
    assert "would send: 3 " in run_command(stack, "audit-stream", "dead-letters", "replay", "--dry-run")
    assert "sent 3 " in run_command(stack, "audit-stream", "dead-letters", "replay")
    log = read_log(client_space_id)
    log.wait_for(lambda lines: len(lines) == 3)
    assert "sent 0 " in run_command(stack, "audit-stream", "dead-letters", "replay")
    assert sorted(log.event_ids()) == sorted(expected)


async def test_a_replay_killed_between_sending_and_remembering_and_run_again_shows_each_line_once(
    stack: LocalStack, client_space_id: str, read_log: ReadLog
) -> None:
    expected = await keep_good(stack, client_space_id, 5)
    servers, group = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"], "user-management-audit-log.dead-letter-review"

    async def send_and_die(letters: Sequence[DeadLetter]) -> None:
        await box.replay(letters)
        raise ConnectionError

    async with KafkaDeadLetterBox(KafkaAddress(servers), group) as box:
        with pytest.raises(ConnectionError):
            await close_letters(box, Selection(), send_and_die)
    assert "sent 5 " in run_command(stack, "audit-stream", "dead-letters", "replay")
    log = read_log(client_space_id)
    log.wait_for(lambda lines: len(lines) >= 5)
    wait_until(lambda: worker_is_through(stack))
    assert sorted(log.event_ids()) == sorted(expected)


def worker_is_through(stack: LocalStack) -> bool:
    """Whether the worker has committed all that there is."""
    return bool(httpx.get(stack.layout.endpoints()["worker"] + "/readyz").json()["lag_records"] == 0)


async def test_replays_keep_key_value_and_partition_and_remember_each_across_runs(
    stack: LocalStack, client_space_id: str
) -> None:
    places = await send_poison(stack, client_space_id, b"junk 1", b"junk 2", b"junk 3")
    assert "sent 2 " in run_command(stack, "audit-stream", "dead-letters", "replay", "--max", "2")
    wait_until(lambda: len(listed(stack)) == 3)
    assert listed(stack)[0]["place"] == places[2]
    servers = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
    kept = await read_until(servers, lambda found: sum(record.value == b"junk 2" for record in found) == 2)
    first, second = (record for record in kept if record.value == b"junk 2")
    assert (first.key, dict(first.headers)["partition"]) == (second.key, dict(second.headers)["partition"])


async def test_a_discard_sends_nothing_and_closes_only_its_reason(stack: LocalStack, client_space_id: str) -> None:
    junk, unknown = await send_poison(stack, client_space_id, b"junk", b"\x00\x7f\xff\xff\xff?")
    assert "discarded 1 " in run_command(
        stack, "audit-stream", "dead-letters", "discard", "--reason", "wrong_magic", "--yes"
    )
    assert [letter["place"] for letter in listed(stack)] == [unknown]
    assert {letter["place"]: letter["open"] for letter in listed(stack, "--all")}[junk] is False


async def test_a_box_sees_its_places_as_the_worker_wrote_them(stack: LocalStack, client_space_id: str) -> None:
    (place,) = await send_poison(stack, client_space_id, b"")
    async with KafkaDeadLetterBox(
        KafkaAddress(stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]), f"look-{client_space_id}"
    ) as box:
        found = [letter async for letter in box.letters()]
    partition, offset = map(int, place.split("/"))
    assert Place(partition, offset) in {letter.place for letter in found}
