from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.http.models import ChartModel
from query_api.log.buckets import MAX_BUCKETS, Interval, TooManyBuckets, bucket_starts
from tests.builders import NOW
from tests.unit.query_api.api import Api, token
from tests.unit.query_api.http.test_problems import assert_problem

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def starts(zone: str, since: str, until: str, interval: Interval = Interval.DAY) -> list[str]:
    """Where buckets start, by the zone's own clock."""
    place = ZoneInfo(zone)
    found = bucket_starts(datetime.fromisoformat(since), datetime.fromisoformat(until), interval, place)
    return [start.astimezone(place).isoformat() for start in found]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", "2026-03-29", 23),
        ("Europe/Paris", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/Havana", "2026-11-01", 25),  # midnight comes twice
        ("Africa/Cairo", "2026-04-24", 23),  # midnight is skipped
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Asia/Kathmandu", "2026-04-05", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(zone: str, day: str, hours: float) -> None:
    place = ZoneInfo(zone)
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=place)

    start, end = bucket_starts(noon, noon + DAY, Interval.DAY, place)

    assert start.astimezone(place).date() == noon.date()
    assert end - start == timedelta(hours=hours)


def test_the_hour_that_comes_twice_is_two_buckets() -> None:
    assert starts("Europe/Paris", "2026-10-25T00:30Z", "2026-10-25T02:01Z", Interval.HOUR) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_hours_are_whole_by_the_zones_clock() -> None:
    assert starts("Asia/Kathmandu", "2026-04-04T12:30Z", "2026-04-04T13:16Z", Interval.HOUR) == [
        "2026-04-04T18:00:00+05:45",
        "2026-04-04T19:00:00+05:45",
    ]


def test_weeks_start_on_monday_and_months_on_their_first() -> None:
    assert starts("Europe/Paris", "2026-03-25T00:00Z", "2026-04-05T00:00Z", Interval.WEEK) == [
        "2026-03-23T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
    ]
    assert starts("Europe/Paris", "2026-03-31T22:00Z", "2026-05-01T00:00Z", Interval.MONTH) == [
        "2026-04-01T00:00:00+02:00",
        "2026-05-01T00:00:00+02:00",
    ]


_instants = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given one
_zones = st.sampled_from(
    ["UTC", "Europe/Paris", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut"]
)


@given(_instants, st.timedeltas(HOUR, 40 * DAY), st.sampled_from(Interval), _zones)
def test_buckets_follow_one_another_and_cover_the_range(
    since: datetime, length: timedelta, interval: Interval, zone: str
) -> None:
    try:
        found = bucket_starts(since, since + length, interval, ZoneInfo(zone))
    except TooManyBuckets:
        assert length > MAX_BUCKETS * HOUR * 0.9
        return

    assert found == sorted(set(found))
    assert found[0] <= since
    assert len(found) == 1 or found[1] > since
    assert found[-1] < since + length


async def test_lines_are_counted_by_bucket_and_type(api: Api) -> None:
    api.record(occurred_at=NOW)
    api.record(occurred_at=NOW - 2 * DAY)
    api.record(occurred_at=NOW - 2 * DAY, activity_type="user_deletion")
    api.record(occurred_at=NOW - 9 * DAY)

    body = (await api.get("/v1/activities/stats", tz="Europe/Paris", from_="2026-11-22T00:00:00+01:00")).json()

    assert body == {
        "interval": "day",
        "tz": "Europe/Paris",
        "buckets": [
            {
                "start": "2026-11-22T00:00:00+01:00",
                "total": 2,
                "by_activity_type": {"user_creation": 1, "user_deletion": 1},
            },
            {"start": "2026-11-23T00:00:00+01:00", "total": 0, "by_activity_type": {}},
            {"start": "2026-11-24T00:00:00+01:00", "total": 1, "by_activity_type": {"user_creation": 1}},
        ],
        "total": 3,
    }


async def test_a_line_falls_into_the_day_of_the_zone_that_was_asked_for(api: Api) -> None:
    api.record(occurred_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))

    for zone, day in (("UTC", "2026-11-20"), ("Asia/Tokyo", "2026-11-21"), ("America/Lima", "2026-11-20")):
        body = (await api.get("/v1/activities/stats", tz=zone, from_="2026-11-19T00:00:00Z")).json()

        assert [bucket["start"][:10] for bucket in body["buckets"] if bucket["total"]] == [day]


async def test_counts_take_the_filters_of_the_list(api: Api) -> None:
    for number in range(40):
        api.record(f"usr_{number % 3}", f"usr_{number % 2}", channel=["ui", "api"][number % 2])
    api.delete("usr_2", NOW + DAY)
    filters: list[dict[str, Any]] = [
        {},
        {"channel": "api"},
        {"affected_user": "usr_1"},
        {"affected_user": "usr_2"},
        {"affected_user": ["ref:deleted", "usr_1"]},
        {"admin": "usr_0", "affected_user": "ref:deleted"},
        {"activity_type": "user_deletion"},
        {"to": "2026-11-01T00:00:00Z"},
    ]
    for asked in filters:
        body = (await api.get("/v1/activities/stats", **asked)).json()

        assert body["total"] == len(await api.found(**asked))


async def test_a_facet_counts_what_each_value_would_show_beside_the_other_filters(api: Api) -> None:
    licenses = [None, "Data Reader", "Data Steward"]
    for number in range(60):
        kind = ["user_creation", "user_license_update"][number % 2]
        before, after = (licenses[number % 3], licenses[(number // 2) % 3]) if number % 2 else (None, None)
        api.record(
            f"usr_{number % 3}",
            activity_type=kind,
            channel=["ui", "api"][number // 3 % 2],
            previous_license=before,
            new_license=after,
            occurred_at=NOW - number * 8 * DAY,
        )
    api.record("usr_1", space="globex", channel="file_import")
    api.delete("usr_2", NOW + DAY)
    others: list[dict[str, Any]] = [
        {},
        {"channel": "api"},
        {"license": ["Data Reader", "Data Steward"], "activity_type": "user_license_update"},
        {"license": "Data Steward", "channel": ["ui", "api"]},
        {"affected_user": "usr_1", "activity_type": "user_creation"},
        {"affected_user": "usr_2"},
        {"affected_user": "ref:deleted", "channel": "ui"},
        {"from": "2026-09-01T00:00:00Z", "to": "2026-11-01T00:00:00Z", "license": "Nobody's"},
        {"from": "2027-03-01T00:00:00Z"},
    ]
    values = {"activity_type": ["user_creation", "user_license_update"], "channel": ["ui", "api", "file_import"]}
    for asked in others:
        body = (await api.get("/v1/activities/stats", **asked, facet=["license", "channel", "activity_type"])).json()

        ChartModel.model_validate(body)
        assert sorted(body["facets"]) == ["activity_type", "channel", "license"]
        for name, known in {**values, "license": ["Data Reader", "Data Steward"]}.items():
            shown = {value: len(await api.found(**{**asked, name: value}, limit=500)) for value in known}
            assert body["facets"][name] == {value: count for value, count in shown.items() if count}, (name, asked)


async def test_of_very_many_licenses_those_with_the_most_lines_and_those_asked_for_are_counted(api: Api) -> None:
    for number in range(1_001):
        api.record(
            activity_type="user_license_update", new_license=f"L{number:04}", occurred_at=NOW - number * HOUR / 10
        )
    for _ in range(2):
        api.record(activity_type="user_license_update", new_license="L0900")

    async def facet(*asked: str) -> tuple[list[str], list[str]]:
        body = (await api.get("/v1/activities/stats", facet="license", license=list(asked))).json()
        ChartModel.model_validate(body)
        return list(body["facets"]["license"]), body["cut_facets"]

    most = [*(f"L{number:04}" for number in range(99)), "L0900"]
    assert await facet() == (most, ["license"])
    assert await facet("L0500", "L0001") == ([*most[:-1], "L0500", "L0900"], ["license"])
    meta = (await api.get("/v1/meta")).json()
    assert (meta["licenses"][-1], len(meta["licenses"]), meta["has_more_licenses"]) == ("L0999", 1_000, True)


async def test_facets_are_answered_where_they_are_asked_for(api: Api) -> None:
    api.record()

    assert "facets" not in (await api.get("/v1/activities/stats")).json()
    body = (await api.get("/v1/activities/stats", facet=["channel", "channel"])).json()
    assert (body["facets"], body["cut_facets"]) == ({"channel": {"ui": 1}}, [])


async def test_copies_and_what_is_older_than_retention_are_not_counted(api: Api) -> None:
    event_id = uuid4()
    for precedence in range(3):
        api.record(event_id=event_id, precedence=precedence)
    api.record(occurred_at=NOW - 366 * DAY)

    body = (await api.get("/v1/activities/stats", facet="channel")).json()

    assert (body["total"], body["facets"]) == (1, {"channel": {"ui": 1}})
    assert body["buckets"][0]["start"] == "2025-11-24T00:00:00+00:00"
    assert body["buckets"][-1]["start"] == "2026-11-24T00:00:00+00:00"


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize(
    "asked",
    [
        {"from_": "9999-12-31T00:00:00Z"},
        {"from_": "9999-12-31T23:59:59.999999Z", "tz": "Pacific/Kiritimati"},
        {"from_": "9999-12-30T00:00:00Z", "to": "9999-12-31T00:00:00Z", "tz": "Pacific/Niue"},
        {"from_": "2027-03-01T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
        {"from_": "0001-01-01T00:00:00Z", "to": "2024-02-29T00:00:00Z"},
    ],
)
async def test_a_range_without_any_line_has_no_bucket(api: Api, interval: str, asked: dict[str, str]) -> None:
    api.record()

    answer = await api.get("/v1/activities/stats", interval=interval, **asked)

    assert answer.status_code == 200
    assert (answer.json()["total"], answer.json()["buckets"]) == (0, [])


@pytest.mark.parametrize("path", ["/v1/activities", "/v1/activities/stats", "/v1/users", "/v1/activities/export"])
@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "instant",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T23:59:59Z",
        "2299-12-31T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
async def test_no_instant_is_too_much_for_a_path(api: Api, path: str, name: str, instant: str) -> None:
    api.record()
    query = {name: instant, **({"format": "csv"} if path.endswith("export") else {})}
    headers = {"Authorization": f"Bearer {token(scope='audit:read audit:export')}"}

    answer = await api.client.get(path, params=query, headers=headers)

    assert answer.status_code in (200, 422), answer.text


async def test_a_line_ahead_of_the_clock_is_counted(api: Api) -> None:
    api.record(occurred_at=NOW + timedelta(hours=20))

    body = (await api.get("/v1/activities/stats", from_="2026-11-24T00:00:00Z")).json()

    assert [bucket["total"] for bucket in body["buckets"]] == [0, 1]


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("interval=hour", "interval", "out_of_range"),
        ("interval=minute", "interval", "invalid_value"),
        ("tz=Mars/Olympus", "tz", "invalid_value"),
        ("tz=../../etc/passwd", "tz", "invalid_value"),
        ("tz=", "tz", "invalid_value"),
        ("facet=admin", "facet", "invalid_value"),
        ("tz=UTC&tz=UTC", "tz", "repeated"),
        ("limit=5", "limit", "unknown_parameter"),
        ("from=2026-11-24T09:31:07", "from", "naive_datetime"),
    ],
)
async def test_counts_that_cannot_be_made_are_refused(api: Api, query: str, parameter: str, code: str) -> None:
    body = assert_problem(await api.get(f"/v1/activities/stats?{query}"), 422, "invalid-parameter")

    assert [(error["parameter"], error["code"]) for error in body["errors"]] == [(parameter, code)]


async def test_all_spellings_of_an_instant_select_the_same(api: Api) -> None:
    inside = api.record(occurred_at=NOW)
    api.record(occurred_at=NOW - timedelta(microseconds=1))
    for spelling in (
        "2026-11-24T09:31:07.412345Z",
        "2026-11-24t09:31:07.412345z",
        "2026-11-24T10:31:07.412345+01:00",
        "2026-11-24T15:16:07.412345+05:45",
        "2026-11-23T21:31:07.412345-12:00",
        "2026-11-24T09:31:07.412345-00:00",
    ):
        assert await api.found(from_=spelling) == {inside}
        assert (await api.get("/v1/activities/stats", from_=spelling)).json()["total"] == 1
