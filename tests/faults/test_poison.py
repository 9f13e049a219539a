"""Bad records are named, kept and skipped, however bad and however many: T12, T13, T17, T18."""

from dataclasses import replace

from schemas.codec import encode
from schemas.errors import Reason
from schemas.events import Person
from schemas.registry import HttpSchemaRegistry
from schemas.wire import frame
from tests.faults.conftest import StartTrial
from tests.faults.poison import FOREIGN_SCHEMAS, poison
from tests.faults.trial import Trial


def register_foreign(trial: Trial) -> dict[str, int]:
    """Register the schemas that are none of ours; their ids by name."""

    async def register() -> dict[str, int]:
        async with HttpSchemaRegistry(trial.environment["SCHEMA_REGISTRY_URL"]) as registry:
            return {
                name: await registry.register(f"faults-{number}", text)
                for number, (name, text) in enumerate(FOREIGN_SCHEMAS.items())
            }

    return trial.background.run(register())


def test_t12_every_poison_becomes_a_dead_letter_with_its_reason_and_its_neighbours_go_through(
    start_trial: StartTrial,
) -> None:
    """T12: the whole set between good records, in one partition. The schema has no floats, so no NaN."""
    trial = start_trial(partitions=None)
    victim = trial.source.next()
    values = poison(victim, trial.schema_id(), register_foreign(trial))
    expected: dict[int, Reason] = {}
    for value, reason in values.values():
        trial.publish(2)
        (offset,) = trial.publish_raw([value])
        expected[offset] = reason
    odd_but_valid = Person("usr_nul", "nul\x00@example.com", "N\x00ul \U0001f600")
    trial.publish([replace(trial.source.next(), affected_user=odd_but_valid)])
    trial.check()
    assert {offset: trial.dead_letters()[0, offset] for offset in expected} == {
        offset: reason.value for offset, reason in expected.items()
    }
    assert trial.stack.dead() == []


def test_t12_a_header_key_that_is_no_utf_8_stops_nobody(start_trial: StartTrial) -> None:
    """T12: the header is of no use to the worker, so the event becomes a line."""
    trial = start_trial(partitions=None)
    trial.publish(2)
    event = trial.source.next()
    trial.publish_with_unreadable_header(frame(trial.schema_id(), encode(event, now=event.occurred_at)))
    trial.ledger.acknowledge(event)
    trial.publish(2)
    trial.check()
    assert trial.stack.dead() == []


def test_t13_a_flood_of_poison_only_grows_the_dead_letters(start_trial: StartTrial, is_long: bool) -> None:
    """T13: nothing but poison for a while; the worker lives, and good records go on."""
    trial = start_trial(partitions=None)
    count = 5_000 if is_long else 300
    offsets = trial.publish_raw([b"\x07 poison"] * count)
    trial.publish(10)
    trial.check()
    assert trial.dead_letters().keys() == {(0, offset) for offset in offsets}
    assert trial.stack.dead() == []


def test_t18_every_codec_is_read(start_trial: StartTrial) -> None:
    """T18: gzip, snappy, lz4 and zstd, chosen by the producer; T16's topic is compressed by its own option."""
    trial = start_trial(partitions=None)
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        events = [trial.source.next() for _ in range(5)]
        schema_id = trial.schema_id()
        values: list[bytes | None] = [frame(schema_id, encode(event, now=event.occurred_at)) for event in events]
        trial.publish_raw(values, compression_type=codec)
        for event in events:
            trial.ledger.acknowledge(event)
    trial.check()
