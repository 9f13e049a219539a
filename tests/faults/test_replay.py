"""Records are read again, come twice, late or out of order, or straddle a month: T14, T15, T16."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from schemas.codec import encode
from schemas.events import Event, Person, UserCreation, UserLicenseUpdate
from schemas.wire import frame
from tests.faults.conftest import StartTrial
from tests.faults.trial import Trial
from tests.faults.workers import wait_until


def test_t14_a_topic_read_again_and_again_shows_what_it_showed(start_trial: StartTrial, is_long: bool) -> None:
    """T14: fresh groups over an old topic, in other batches; a deleted or reset group is no different."""
    trial = start_trial()
    trial.publish(300)
    trial.publish_raw([b"\x07 poison"])
    for batch_records in [1000, 7, 100, 33, 1][: 5 if is_long else 1]:
        worker = trial.worker("--batch-records", str(batch_records)).start()
        trial.check()
        trial.kill(worker)
        trial.use_new_group()
    # The oldest records leave the topic long before their lines leave the log.
    trial.delete_records({0: 20, 1: 1})
    trial.sql.run("OPTIMIZE TABLE audit.activity_log FINAL")
    trial.worker().start()
    trial.check()


def test_t15_copies_late_events_and_wrong_clocks_are_treated_by_rule(start_trial: StartTrial) -> None:
    """T15: duplicates, shuffled, late and early; the same id with another payload or at another time.

    The first account of an event is its line, and a record that contradicts it is a dead letter. An event older than
    the retention is no line and no dead letter. One that is more than a day ahead of the broker is a dead letter.
    """
    trial = start_trial(partitions=None)
    now = datetime.now(UTC)
    events = [trial.source.next() for _ in range(100)]
    late = [trial.source.next(occurred_at=now - timedelta(days=days)) for days in (1, 335)]
    early = trial.source.next(occurred_at=now + timedelta(hours=1))
    trial.publish([*events, *late, early])
    copies = trial.rng.sample(events, 10) + late
    trial.rng.shuffle(copies)
    trial.publish(copies)
    forged = replace(events[0], activity=UserLicenseUpdate("Data Reader", "Forged"), admin=Person("usr_mallory"))
    too_old = trial.source.next(occurred_at=now - timedelta(days=396))
    another_time = replace(events[1], occurred_at=events[1].occurred_at + timedelta(milliseconds=1))
    trial.publish_unseen([forged, another_time, too_old])
    (far_ahead,) = trial.publish_raw(
        [raw(trial, trial.source.next(occurred_at=now + timedelta(days=3650)), at=now + timedelta(days=3650))]
    )
    trial.check()
    reasons = dict(trial.dead_letters())
    assert reasons.pop((0, far_ahead)) == "out_of_range"
    assert list(reasons.values()) == ["conflicting_event", "conflicting_event"]


def raw(trial: Trial, event: Event, *, at: datetime) -> bytes:
    """*event* as a producer whose clock shows *at* would write it."""
    return frame(trial.schema_id(), encode(event, now=at))


def test_t16_a_batch_across_the_end_of_a_month_is_whole_after_any_kill(start_trial: StartTrial, is_long: bool) -> None:
    """T16: one insert, two parts; the worker dies beside it, and the server within. The topic compresses."""
    trial = start_trial(partitions=1, topic_options={"compression.type": "zstd"})
    trial.publish(list(around_the_end_of_a_month(trial, 60)))
    for point in ("between_inserts", "after_insert") if is_long else ("between_inserts",):
        worker = trial.worker("--fail", f"{point}=1").start()
        wait_until(lambda: not worker.is_running(), what=point)  # noqa: B023 - used within the iteration
        trial.tally.kills += 1
    trial.worker("--batch-records", "20").start()
    for _ in range(5 if is_long else 1):
        stored = trial.stored()
        trial.publish(list(around_the_end_of_a_month(trial, 60)))
        trial.wait_until_stored(stored + 1)
        trial.kill("clickhouse")
        trial.stack.start_service("clickhouse")
    trial.check()


def around_the_end_of_a_month(trial: Trial, count: int) -> Iterator[Event]:
    """Creations in the last microseconds of a month and in the first of the next one."""
    this_month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for number in range(count):
        at = this_month + timedelta(microseconds=number - count // 2)
        yield replace(trial.source.next(occurred_at=at), activity=UserCreation())
