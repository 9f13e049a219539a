import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from python_calamine import CalamineWorkbook

from query_api.access.auth import Caller
from query_api.errors import StoreUnavailable
from query_api.http import export_xlsx
from query_api.http.export import BATCH_LINES
from query_api.http.export_formats import CSV_COLUMNS
from query_api.http.export_name import file_name
from query_api.http.export_people import Reading
from query_api.http.export_words import Language
from query_api.http.export_xlsx import XlsxFile
from query_api.log.access_log import Action
from query_api.log.activity_log import ShownLine
from query_api.log.filters import ActivityFilter, Selection
from query_api.log.reader import Line
from schemas.events import ActivityType, Channel
from schemas.person_ref import person_ref
from tests.builders import KEY, NOW
from tests.unit.query_api.api import SPACE, Api, ref_of, token
from tests.unit.query_api.http.test_problems import assert_problem

DAY = timedelta(days=1)
PATH = "/v1/activities/export"
EXPORTER = {"Authorization": f"Bearer {token(scope='audit:read audit:export')}"}


async def export(api: Api, export_format: str = "jsonl", **parameters: Any) -> httpx.Response:
    query = {"format": export_format, **{name.rstrip("_"): value for name, value in parameters.items()}}
    return await api.client.get(PATH, params=query, headers=EXPORTER)


def sheet(answer: httpx.Response) -> list[list[Any]]:
    """The rows of the workbook's sheet, the headings first."""
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_an_export_holds_the_lines_of_the_list_as_they_are_shown_there(api: Api) -> None:
    for number in range(60):
        channel, license_name = [("ui", "Data Reader"), ("api", None)][number % 2]
        api.record(f"usr_{number % 4}", f"usr_{number % 3}", channel=channel, new_license=license_name)
    api.name("usr_1", "ada@example.com", "Ada")
    api.delete("usr_2", NOW + DAY)
    filters: list[dict[str, Any]] = [
        {},
        {"order": "asc"},
        {"channel": "api", "affected_user": ["usr_1", "ref:deleted"]},
        {"admin": "usr_1"},
        {"license": "Data Reader"},
        {"to": "2026-01-01T00:00:00Z"},
    ]
    for asked in filters:
        answer = await export(api, **asked)

        assert [json.loads(line) for line in answer.text.splitlines()] == (await api.page(limit=500, **asked))["data"]
        assert [row["event_id"] for row in rows(await export(api, "csv", **asked))] == [
            line["event_id"] for line in (await api.page(limit=500, **asked))["data"]
        ]


async def test_a_csv_is_whole_and_names_its_columns(api: Api) -> None:
    event_id = api.record(
        admin_id="usr_gone",
        activity_type="admin_rights_update",
        admin_rights_granted=False,
        source_service="importer",
        import_row_number=42,
    )
    api.name("usr_ada", "ada@example.com", 'Ada, "the"\nCountess')
    api.delete("usr_gone", NOW)

    answer = await export(api, "csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    # The mark tells Excel that it is UTF-8.
    assert answer.content.splitlines(keepends=True)[0].decode() == "\ufeff" + ",".join(CSV_COLUMNS) + "\r\n"
    (row,) = rows(answer)
    shown = (await api.page())["data"][0]
    assert row == {
        "occurred_at": shown["occurred_at"],
        "activity_type": "admin_rights_update",
        "channel": "ui",
        "affected_user_id": "usr_ada",
        "affected_user_username": "ada@example.com",
        "affected_user_display_name": 'Ada, "the"\nCountess',
        "affected_user_deleted": "false",
        "affected_user_ref": str(ref_of("usr_ada")),
        "admin_id": "",
        "admin_username": "",
        "admin_display_name": "Deleted User",
        "admin_deleted": "true",
        "admin_ref": shown["admin"]["ref"],
        "previous_license": "",
        "new_license": "",
        "admin_rights_granted": "false",
        "source_service": "importer",
        "request_id": "",
        "import_id": "",
        "import_row_number": "42",
        "recorded_at": shown["recorded_at"],
        "event_id": event_id,
    }


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1", "\ufeff=1", "\tx", "\rx")),
        *((f"{separator}=1", f"'{separator}'=1") for separator in "\t\r\n"),
        ("x;=cmd|' /C calc'!A0;", "x;'=cmd|' /C calc'!A0;"),
        ("x,+1", "x,'+1"),
        ("x\t@SUM(A1)", "x\t'@SUM(A1)"),
        ('x\n "-1', "x\n \"'-1"),
        ("x|=1;=2", "x|'=1;'=2"),
        ("a-b; c=d", "a-b; c=d"),
    ],
)
async def test_no_cell_of_a_csv_is_a_formula_wherever_a_spreadsheet_splits_it(api: Api, text: str, cell: str) -> None:
    api.record("usr_ada", previous_license=text, request_id=text, source_service=text)
    api.name("usr_ada", text, text)

    answer = await export(api, "csv")

    (row,) = rows(answer)
    for column in "affected_user_username", "affected_user_display_name", "previous_license", "request_id":
        assert row[column] == cell
    (row,) = rows(await export(api, "csv", lang="en"))
    for column in "Affected user", "Username of the affected user", "Previous license", "Request ID":
        assert row[column] == cell


async def test_people_get_the_clocks_of_their_zone_and_the_words_of_their_language(api: Api) -> None:
    update: dict[str, Any] = {
        "activity_type": "user_license_update",
        "previous_license": "Data Reader",
        "new_license": None,
    }
    # Twice half past two: the clocks went back between.
    for hour, microsecond in (0, 999_999), (1, 0):
        at = datetime(2026, 10, 25, hour, 30, 0, microsecond, tzinfo=UTC)
        api.record("usr_ada", "usr_gone", occurred_at=at, **update)
    api.record("usr_ada", "usr_ada", activity_type="admin_rights_update", admin_rights_granted=True, channel="api")
    api.name("usr_ada", "ada@example.com", "Ada")
    api.delete("usr_gone", NOW)
    asked = {"tz": "Europe/Paris", "order": "asc"}

    found = rows(await export(api, "csv", lang="fr", **asked))

    changed = "Changement de licence|Ada|ada@example.com|Data Reader|(aucune)||Utilisateur supprimé||Interface web"
    granted = "Changement de droits d\N{RIGHT SINGLE QUOTATION MARK}admin|Ada|ada@example.com|||Accordés|Ada"
    assert ["|".join(list(row.values())[:11]) for row in found] == [
        f"2026-10-25 02:30:00|UTC+02:00|{changed}",
        f"2026-10-25 02:30:00|UTC+01:00|{changed}",
        f"2026-11-24 10:31:07|UTC+01:00|{granted}|ada@example.com|API",
    ]
    assert next(iter(found[0])) == "Date et heure (Europe/Paris)"
    # A workbook says the same; its first column is a time that Excel can sort and compute with.
    head, *body = sheet(await export(api, "xlsx", lang="fr", **asked))
    assert head == list(found[0])
    assert [[str(row[0]), *row[1:]] for row in body] == [list(row.values()) for row in found]
    assert all(isinstance(row[0], datetime) for row in body)


async def test_no_cell_of_a_workbook_is_a_formula_a_link_or_a_number(api: Api) -> None:
    texts = ["=1+1", "{=1}", "https://example.com", "0042", "@SUM(A1)"]
    for number, text in enumerate(texts):
        api.record(f"usr_{number}", request_id=text, source_service=text)
        api.name(f"usr_{number}", text, text)

    answer = await export(api, "xlsx", order="asc")

    head, *body = sheet(answer)
    for heading in "Affected user", "Username of the affected user", "Service", "Request ID":
        assert sorted(row[head.index(heading)] for row in body) == sorted(texts)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        xml = parts.read("xl/worksheets/sheet1.xml").decode()
        assert 'quotePrefix="1"' in parts.read("xl/styles.xml").decode()
    assert "<f>" not in xml
    assert "hyperlink" not in xml


async def test_a_line_of_json_lines_is_one_line_to_every_reader(api: Api) -> None:
    name = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"
    api.record("usr_ada")
    api.name("usr_ada", "ada@example.com", name)

    answer = await export(api)

    assert len(answer.content.decode().splitlines()) == 1
    assert answer.json()["affected_user"]["display_name"] == name


async def test_an_export_for_security_tools_has_an_event_for_each_line_of_the_list(api: Api) -> None:
    for number in range(3):
        api.record(f"usr_{number}", occurred_at=NOW - number * DAY)
    api.name("usr_1", "ada@example.com", "a\u2028b")
    api.delete("usr_2", NOW)

    answer = await export(api, "ocsf")

    events = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert [event["metadata"]["uid"] for event in events] == [line["event_id"] for line in (await api.page())["data"]]
    assert [event["user"].get("name") for event in events] == [None, "ada@example.com", None]
    assert {event["metadata"]["tenant_uid"] for event in events} == {SPACE}
    assert answer.headers["Content-Type"] == "application/jsonl"
    assert 'user-activity_acme_2025-11-24_2026-11-24.ocsf.jsonl"' in answer.headers["Content-Disposition"]


async def test_an_export_is_longer_than_a_batch_and_holds_one_batch_at_a_time(api: Api) -> None:
    recorded = [api.record(occurred_at=NOW - number * timedelta(seconds=1)) for number in range(BATCH_LINES + 10)]
    read: list[int] = []
    lines = api.store.lines

    async def counted(caller: Caller, selection: Selection) -> list[Line]:
        found = await lines(caller, selection)
        read.append(len(found))
        return found

    api.store.lines = counted  # type: ignore[method-assign]
    answer = await export(api)

    assert [json.loads(line)["event_id"] for line in answer.text.splitlines()] == recorded
    assert read == [BATCH_LINES, 10]


async def test_an_export_that_fails_on_the_way_breaks_off(api: Api) -> None:
    for number in range(BATCH_LINES + 1):
        api.record(occurred_at=NOW - number * timedelta(seconds=1))
    lines = api.store.lines

    async def failing(caller: Caller, selection: Selection) -> list[Line]:
        if selection.after is not None:
            raise StoreUnavailable("down")
        return await lines(caller, selection)

    api.store.lines = failing  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="broke off"):
        await export(api)


@pytest.mark.parametrize("export_format", ["csv", "jsonl"])
async def test_an_export_that_fails_at_once_is_a_problem(api: Api, export_format: str) -> None:
    api.store.failure = StoreUnavailable("down")

    assert_problem(await export(api, export_format), 503, "store-unavailable")


async def test_a_workbook_that_fails_on_the_way_is_a_problem_and_leaves_no_file(api: Api, tmp_path: Path) -> None:
    for number in range(BATCH_LINES + 1):
        api.record(occurred_at=NOW - number * timedelta(seconds=1))
    lines = api.store.lines

    async def failing(caller: Caller, selection: Selection) -> list[Line]:
        if selection.after is not None:
            assert list(tmp_path.iterdir())
            raise StoreUnavailable("down")
        return await lines(caller, selection)

    api.store.lines = failing  # type: ignore[method-assign]
    with patch("tempfile.tempdir", str(tmp_path)):
        assert_problem(await export(api, "xlsx"), 503, "store-unavailable")
    assert list(tmp_path.iterdir()) == []


async def test_a_workbook_with_too_many_lines_is_refused_whole(api: Api) -> None:
    for _ in range(3):
        api.record()
    with patch.object(export_xlsx, "MAX_LINES", 3):
        assert len(sheet(await export(api, "xlsx"))) == 4
        api.record()
        body = assert_problem(await export(api, "xlsx"), 422, "invalid-parameter")
    assert body["errors"][0]["code"] == "too_many_lines"


async def test_a_workbook_of_long_texts_is_refused_before_it_fills_the_temporary_directory(api: Api) -> None:
    """A full directory would be a fault of the service: 500, and an alert."""
    api.record(source_service="<" * 128)
    with patch.object(export_xlsx, "MAX_BYTES", 3_000):
        assert len(sheet(await export(api, "xlsx"))) == 2
        api.record(source_service="<" * 128)
        api.record(source_service="<" * 128)
        body = assert_problem(await export(api, "xlsx"), 422, "invalid-parameter")
    assert body["errors"][0]["code"] == "too_many_lines"
    assert not export_xlsx._turn.locked()


async def test_one_workbook_is_made_at_a_time(api: Api) -> None:
    """The temporary directory may have room for one only."""
    api.record()
    order: list[str] = []
    write = XlsxFile._write

    def noted(file: XlsxFile, lines: Sequence[ShownLine]) -> int:
        order.append("written")
        return write(file, lines)

    await export_xlsx._turn.acquire()
    with patch.object(XlsxFile, "_write", noted):
        waiting = asyncio.create_task(export(api, "xlsx"))
        while not api.access_log.accesses:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)
        assert (await export(api, "csv")).status_code == 200
        order.append("released")
        export_xlsx._turn.release()
        assert len(sheet(await waiting)) == 2
    assert order == ["released", "written"]
    assert not export_xlsx._turn.locked()


async def test_a_workbook_that_is_made_holds_up_no_other_however_slowly_it_is_taken(tmp_path: Path) -> None:
    with patch("tempfile.tempdir", str(tmp_path)), XlsxFile(Reading(Language.EN, ZoneInfo("UTC"))) as file:
        await file.add([])
        assert export_xlsx._turn.locked()
        content = await file.end()

        assert not export_xlsx._turn.locked()
        assert list(tmp_path.iterdir()) == []
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names == ["Sheet1"]


async def test_an_export_is_recorded_before_it_begins_and_refused_where_it_cannot_be(api: Api) -> None:
    api.record()
    await export(api, affected_user=["usr_ada", "ref:deleted"], from_="2026-11-01T00:00:00+01:00")

    (access,) = api.access_log.accesses
    assert (access.client_space_id, access.at, access.action) == (SPACE, NOW, Action.EXPORT)
    assert access.subject_ref == person_ref(KEY, SPACE, "grace")
    assert json.loads(access.filters) == {
        "affected_user": [str(ref_of("usr_ada")), "deleted"],
        "from": "2026-10-31T23:00:00+00:00",
        "order": "desc",
        "format": "jsonl",
    }
    await export(api, "xlsx", lang="fr")
    assert json.loads(api.access_log.accesses[-1].filters) == {"order": "desc", "format": "xlsx", "lang": "fr"}
    api.access_log.failure = StoreUnavailable("down")
    for export_format in "csv", "jsonl", "ocsf", "xlsx":
        assert_problem(await export(api, export_format), 503, "store-unavailable")


async def test_an_export_needs_its_scope(api: Api) -> None:
    answer = await api.get(PATH, format="csv")

    assert_problem(answer, 403, "forbidden")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="audit:export"'
    assert api.access_log.accesses == []


async def test_a_file_says_in_its_name_what_is_in_it_and_is_kept_by_no_cache(api: Api) -> None:
    api.name("usr_ada", "ada@example.com", "Ada Lovelace")
    answer = await export(
        api,
        "csv",
        from_="2026-11-01T00:00:00Z",
        to="2026-11-08T00:00:00Z",
        activity_type=["user_license_update", "user_creation"],
        channel="api",
        license="Données / Reader",
        affected_user=["usr_ada", "ref:deleted"],
        admin=["usr_1", "usr_2"],
    )
    everything = await export(api, "jsonl", admin_rights="granted")
    in_zone = await export(api, "jsonl", to="2026-11-07T23:00:00Z", tz="Europe/Paris")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="user-activity_acme_2026-11-01_2026-11-07_user_creation-user_license_update_api'
        '_Donn-es-Reader_1-user_deleted-users_2-admins.csv"'
    )
    assert everything.headers["Content-Type"] == "application/jsonl"
    assert "user-activity_acme_2025-11-24_2026-11-24_rights-granted.jsonl" in everything.headers["Content-Disposition"]
    assert "user-activity_acme_2025-11-24_2026-11-07.jsonl" in in_zone.headers["Content-Disposition"]


def test_a_file_system_takes_the_name_of_any_file() -> None:
    everything = ActivityFilter(
        activity_types=frozenset(ActivityType),
        channels=frozenset(Channel),
        licenses=frozenset(f"License {number}" for number in range(50)),
        admin_rights=frozenset({True, False}),
        affected_users=frozenset(map(UUID, map("{:032}".format, range(50)))),
        deleted_affected_users=True,
        deleted_admins=True,
    )
    name = file_name("s" * 128, everything, since=NOW - DAY, now=NOW, zone=ZoneInfo("UTC"), extension="ocsf.jsonl")

    assert len(name) < 256
    assert name.startswith("user-activity_sss")
    assert name.endswith(".ocsf.jsonl")


async def test_a_caller_runs_two_exports_at_once(api: Api) -> None:
    api.record()
    gate = asyncio.Event()
    lines = api.store.lines

    async def waiting(caller: Caller, selection: Selection) -> list[Line]:
        await gate.wait()
        return await lines(caller, selection)

    api.store.lines = waiting  # type: ignore[method-assign]
    running = [asyncio.create_task(export(api)) for _ in range(2)]
    while len(api.access_log.accesses) < 2:  # noqa: ASYNC110 - a list has no event
        await asyncio.sleep(0)
    third = await export(api)
    gate.set()

    assert {answer.status_code for answer in await asyncio.gather(*running)} == {200}
    assert_problem(third, 429, "rate-limited")
    assert (await export(api)).status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("", "format", "missing"),
        ("format=xls", "format", "invalid_value"),
        ("format=csv&lang=de", "lang", "invalid_value"),
        ("format=csv&lang=en&tz=Nowhere", "tz", "invalid_value"),
        ("format=jsonl&lang=en", "lang", "invalid_value"),
        ("format=ocsf&lang=en", "lang", "invalid_value"),
        ("format=csv&format=csv", "format", "repeated"),
        ("format=csv&order=recorded", "order", "invalid_value"),
        ("format=csv&limit=1", "limit", "unknown_parameter"),
        ("format=csv&cursor=x", "cursor", "unknown_parameter"),
    ],
)
async def test_an_export_that_cannot_be_made_is_refused(api: Api, query: str, parameter: str, code: str) -> None:
    answer = await api.client.get(f"{PATH}?{query}", headers=EXPORTER)

    body = assert_problem(answer, 422, "invalid-parameter")
    assert [(error["parameter"], error["code"]) for error in body["errors"]] == [(parameter, code)]


async def test_an_export_is_no_line_of_the_log(api: Api) -> None:
    await export(api)

    assert (await api.page())["data"] == []
