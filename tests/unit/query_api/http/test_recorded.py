"""The order `recorded`: what a machine reads that wants every line once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from query_api.log.cursor import MET_LIFETIME
from schemas.rows import row_offset
from tests.builders import NOW
from tests.unit.query_api.api import Api

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


async def read(api: Api, cursor: str | None, limit: int = 2, **filters: Any) -> tuple[list[str], str]:
    """The `event_id` of each line from *cursor* to the present end, and where to go on."""
    met: list[str] = []
    while True:
        place = {} if cursor is None else {"cursor": cursor}
        page = await api.page(order="recorded", limit=limit, **filters, **place)
        met += [line["event_id"] for line in page["data"]]
        cursor = str(page["page"]["next_cursor"])
        assert page["meta"]["complete_through"] is None or not page["page"]["has_more"]
        if not page["page"]["has_more"]:
            return met, cursor


def record(api: Api, offset: int, partition: int = 0, **fields: Any) -> str:
    values = {"recorded_at": NOW - MINUTE, "kafka_offset": offset, "kafka_partition": partition, **fields}
    return api.record(**values)


async def test_every_line_is_met_once_over_many_visits(api: Api) -> None:
    met: list[str] = []
    recorded: list[str] = []
    cursor: str | None = None
    for visit in range(5):
        recorded += [record(api, visit * 10 + number, partition) for number in range(3) for partition in (0, 1, 7)]
        lines, cursor = await read(api, cursor)
        met += lines

    assert sorted(met) == sorted(recorded)


async def test_a_line_that_is_late_by_its_time_is_met(api: Api) -> None:
    record(api, 1, occurred_at=NOW)
    _, cursor = await read(api, None)

    late = record(api, 2, occurred_at=NOW - 300 * DAY)

    assert (await read(api, cursor))[0] == [late]


async def test_a_partition_that_was_behind_is_met_though_its_lines_were_recorded_long_ago(api: Api) -> None:
    record(api, 100, partition=0)
    _, cursor = await read(api, None)

    behind = [record(api, offset, partition=1, recorded_at=NOW - 5 * DAY) for offset in range(3)]

    assert (await read(api, cursor))[0] == behind


async def test_nothing_is_given_of_an_insert_that_is_under_way(api: Api) -> None:
    """Of one late insert into two months, the reader sees one part."""
    before = record(api, 1)
    api.store.is_cut_off = True
    record(api, 5)
    page = await api.page(order="recorded")
    assert [line["event_id"] for line in page["data"]] == [before]
    assert page["meta"]["complete_through"] is None

    late = record(api, 3, occurred_at=NOW - 40 * DAY)
    api.store.is_cut_off = False
    last = record(api, 6)

    met, _ = await read(api, page["page"]["next_cursor"])
    assert (met[0], len(met), met[-1]) == (late, 3, last)


async def test_copies_are_one_line_whenever_they_come(api: Api) -> None:
    event_id = uuid4()
    record(api, 1, event_id=event_id, precedence=9)
    record(api, 1, event_id=event_id, precedence=9)
    lines, cursor = await read(api, None)
    record(api, 5, event_id=event_id, precedence=3)
    record(api, 1, event_id=event_id, precedence=9)

    assert lines == [str(event_id)]
    assert (await read(api, cursor))[0] == []


async def test_a_last_page_says_through_when_it_is_complete(api: Api) -> None:
    for number in range(3):
        record(api, number)

    first = await api.page(order="recorded", limit=2)
    last = await api.page(order="recorded", limit=2, cursor=first["page"]["next_cursor"])

    assert first["meta"]["complete_through"] is None
    assert last["meta"]["complete_through"] == "2026-11-24T09:30:37.412345Z"
    assert last["page"]["next_cursor"] is not None
    assert (await api.page())["meta"]["complete_through"] is None


async def test_a_line_that_a_brokers_clock_put_behind_the_walk_is_met(api: Api) -> None:
    """The broker's clock stepped back: the later record bears the earlier time."""
    first = record(api, 2, recorded_at=NOW)
    met, cursor = await read(api, None)
    behind = record(api, 3)

    assert met == [first]
    assert (await read(api, cursor))[0] == [behind]


async def test_lines_of_a_topic_that_was_made_anew_are_met_from_an_old_cursor_and_without_one(api: Api) -> None:
    before = [record(api, offset, recorded_at=NOW - 9 * MINUTE) for offset in range(6)]
    old, cursor = await read(api, None)
    after = [record(api, row_offset(1, offset), recorded_at=NOW - 2 * MINUTE) for offset in range(5)]

    assert old == before
    assert (await read(api, cursor))[0] == after
    assert (await read(api, None))[0] == [*before, *after]
    page = await api.page(order="recorded", limit=500)
    assert len(page["data"]) == 11
    assert page["meta"]["complete_through"] is not None


async def test_nothing_is_called_complete_while_an_insert_from_a_topic_made_anew_is_under_way(api: Api) -> None:
    record(api, 25, recorded_at=NOW - 9 * MINUTE)
    _, cursor = await read(api, None)
    api.store.is_cut_off = True
    record(api, row_offset(1, 1), recorded_at=NOW - 2 * MINUTE)

    page = await api.page(order="recorded", cursor=cursor)

    assert (page["data"], page["meta"]["complete_through"]) == ([], None)


async def test_filters_persons_and_retention_are_those_of_every_list(api: Api) -> None:
    record(api, 1, person_id="usr_ada", occurred_at=NOW - 366 * DAY)
    kept = record(api, 2, person_id="usr_gone")
    record(api, 3, person_id="usr_ada", space="globex")
    api.name("usr_gone", "gone@example.com", "Gone")
    api.delete("usr_gone", NOW)

    page = await api.page(order="recorded")

    assert [line["event_id"] for line in page["data"]] == [kept]
    assert page["data"][0]["affected_user"]["display_name"] == "Deleted User"
    assert (await read(api, None, affected_user="ref:deleted"))[0] == [kept]
    assert (await read(api, None, affected_user="usr_ada"))[0] == []


@pytest.mark.parametrize("changes", [{"order": "desc"}, {"channel": "ui"}, {"space": "globex"}])
async def test_a_cursor_serves_no_other_walk(api: Api, changes: dict[str, Any]) -> None:
    for number in range(3):
        record(api, number)
    recorded = (await api.page(order="recorded", limit=1))["page"]["next_cursor"]
    by_time = (await api.page(limit=1))["page"]["next_cursor"]

    asked: dict[str, Any] = {"order": "recorded", "cursor": recorded, **changes}
    assert (await api.get("/v1/activities", **asked)).status_code == 400
    assert (await api.get("/v1/activities", order="recorded", cursor=by_time)).status_code == 400


async def test_a_machine_may_be_down_for_thirty_days(api: Api) -> None:
    record(api, 1)
    _, cursor = await read(api, None)

    api.clock[0] = NOW + MET_LIFETIME - DAY
    assert (await api.get("/v1/activities", order="recorded", cursor=cursor)).status_code == 200
    api.clock[0] = NOW + MET_LIFETIME
    assert (await api.get("/v1/activities", order="recorded", cursor=cursor)).status_code == 400
