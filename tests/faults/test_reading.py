"""Readers while the table changes under them, and readers who stop reading: T20, T21, T34."""

import threading
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from tests.faults.conftest import StartTrial
from tests.faults.readers import Reader, Sql
from tests.faults.trial import Trial
from tests.faults.workers import wait_until

API_STOP_SECONDS = 15
LOG = "audit.activity_log"


def test_t20_pages_have_no_copies_and_no_holes_before_within_and_after_merges(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T20: five copies of every row with merges stopped, then a storm of merges while pages are read."""
    trial = start_trial(partitions=None, page_size=7)
    lines = 200 if is_long else 60
    trial.publish(lines)
    trial.settle()
    trial.sql.run(f"SYSTEM STOP MERGES {LOG}")
    try:
        for _ in range(4):
            trial.sql.run(
                f"INSERT INTO {LOG} SELECT * FROM {LOG} FINAL WHERE client_space_id = '{trial.client_space_ids[0]}'"
                " SETTINGS insert_deduplicate = 0"
            )
        (raw,) = trial.sql.rows(
            f"SELECT count() AS rows FROM {LOG} WHERE client_space_id = {{space:String}}",
            space=trial.client_space_ids[0],
        )
        assert raw["rows"] == 5 * lines
        trial.check()
    finally:
        trial.sql.run(f"SYSTEM START MERGES {LOG}")
    with merging(trial):
        for _ in range(20 if is_long else 2):
            assert trial.verdict().is_clean
    trial.check()


class merging:  # noqa: N801 - it reads as what happens meanwhile
    """Merges everything again and again meanwhile."""

    def __init__(self, trial: Trial) -> None:
        self._url = trial.environment["CLICKHOUSE_URL"]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._merge)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _merge(self) -> None:
        sql = Sql(self._url)
        while not self._is_over.is_set():
            sql.run(f"OPTIMIZE TABLE {LOG} FINAL")
        sql.close()


def test_t21_a_walk_over_lines_of_one_instant_meets_each_exactly_once_while_more_come(
    start_trial: StartTrial, is_long: bool
) -> None:
    """T21: many lines of one microsecond, seven a page, inserts going on."""
    trial = start_trial(partitions=None)
    instant = trial.source.next().occurred_at
    events = [trial.source.next(occurred_at=instant) for _ in range(500 if is_long else 150)]
    trial.publish(events)
    trial.settle()
    reader = Reader(trial.stack, trial.client_space_ids[0], page_size=7)
    with trial.load(per_second=30):
        seen = Counter(line["event_id"] for line in reader.lines())
        # Towards the newest line, and no further than those of the instant: it would have to outrun the load.
        end = (instant + timedelta(microseconds=1)).isoformat()
        backwards = Counter(line["event_id"] for line in reader.lines(order="asc", to=end))
    reader.close()
    wanted = Counter(str(event.event_id) for event in events)
    for walk in (seen, backwards):
        assert Counter({event_id: count for event_id, count in walk.items() if event_id in wanted}) == wanted
        assert max(walk.values()) == 1
    trial.check()


@pytest.mark.faults_long("a download stalls for half a minute; tests/contract/test_server.py shortens that")
def test_t34_stalled_downloads_are_broken_off_and_keep_no_api_from_ending(start_trial: StartTrial) -> None:
    """T34: two clients stop reading, and hold all places of their caller; then one does while the API is stopped."""
    trial = start_trial(partitions=None)
    trial.publish(20)
    trial.settle()
    space = f"{trial.client_space_ids[0]}-many"
    trial.sql.run(
        f"INSERT INTO {LOG} SELECT * REPLACE (generateUUIDv4() AS event_id, '{space}' AS client_space_id) FROM"
        f" (SELECT * FROM {LOG} WHERE client_space_id = '{trial.client_space_ids[0]}') ARRAY JOIN range(1000) AS copy"
    )
    reader = Reader(trial.stack, space, page_size=7)
    stalled = [reader.exported() for _ in range(2)]
    assert all(next(download) for download in stalled), "each has begun"
    assert status_of_export(reader) == httpx.codes.TOO_MANY_REQUESTS
    wait_until(lambda: status_of_export(reader) == httpx.codes.OK, what="a free place")
    stalled.append(reader.exported())
    assert next(stalled[-1])
    assert trial.stack.child("query_api").stop(API_STOP_SECONDS), "it was killed"
    trial.stack.start_service("query_api")
    for download in stalled:
        download.close()
    reader.close()
    trial.check()


def status_of_export(reader: Reader) -> int:
    """The answer to an export without lines."""
    return reader.get("/v1/activities/export", format="jsonl", **{"from": "2199-01-01T00:00:00Z"}).status_code
