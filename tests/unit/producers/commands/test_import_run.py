"""Running an import: its time is fixed first, and running it again doubles nothing."""

import asyncio
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from producers import Acknowledgement, DeliveryUnknown, InvalidEvent, InvalidImport, Person, PublishFailed
from producers.commands.import_run import OnError, RunOptions, Summary, run_import
from producers.commands.progress import Progress
from producers.errors import ProducerError
from producers.file_import import EmailAsId, FileImport, ImportRequest
from producers.file_import.import_record import ImportRecords, new_act
from producers.file_import.which_run import AlreadyImported, Run
from producers.in_memory import Fault, InMemoryPublisher
from schemas.events import Event
from tests.builders import ADMIN, NOW

CORPUS = Path(__file__).parents[3] / "corpus" / "imports"
IMPORT_ID = UUID(int=5)
LATER = NOW + timedelta(days=2)
SILENT = Progress(Console(file=io.StringIO()))


@pytest.fixture
def publisher() -> InMemoryPublisher:
    return InMemoryPublisher()


async def run(
    publisher: InMemoryPublisher,
    options: RunOptions,
    *,
    now: object = NOW,
    file: Path = CORPUS / "actions.csv",
    **request_options: Any,
) -> Summary:
    given = {"client_space_id": "acme", "admin": ADMIN, "service": "importer", **request_options}
    request = ImportRequest(file, **given)
    with FileImport(request) as file_import:
        return await run_import(file_import, lambda: publisher, options, progress=SILENT, clock=lambda: now)  # type: ignore[arg-type,return-value]


async def test_an_import_that_is_done_is_not_published_again_until_somebody_says_what_is_meant(
    publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    first = await run(publisher, RunOptions(tmp_path))
    with pytest.raises(AlreadyImported, match=r"2026-11-24T09:31:07.*all 4 event\(s\).*--again.*--repeat"):
        await run(publisher, RunOptions(tmp_path), now=LATER)
    assert (first.run, first.published, len(publisher.events)) == (Run.FIRST, 4, 4)


async def test_the_same_events_are_published_once_more_on_request(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    first = await run(publisher, RunOptions(tmp_path))
    again = await run(publisher, RunOptions(tmp_path, repeat=True), now=LATER)
    assert publisher.events[:4] == publisher.events[4:]
    assert (again.run, again.published) == (Run.REPEATED, 4)
    assert first.occurred_at == again.occurred_at == NOW


async def test_a_change_that_took_place_again_is_another_import(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    files = {}
    for name in ("a", "b"):
        license_name = {"a": "Data Reader", "b": "Data Steward"}[name]
        files[name] = tmp_path / f"{name}.csv"
        text = f"user id,e-mail,first name,last name,license,admin access\nu1,a@x.de,A,L,{license_name},no\n"
        files[name].write_text(text, encoding="utf-8")
    state = tmp_path / "state"
    for step, (before, after) in enumerate([("a", "b"), ("b", "a"), ("a", "b")]):
        request = ImportRequest(
            files[after], client_space_id="acme", admin=ADMIN, service="importer", before=files[before]
        )
        with FileImport(request) as file_import:
            options = RunOptions(state, again=step == 2)
            now = NOW + timedelta(hours=step)
            summary = await run_import(file_import, lambda: publisher, options, progress=SILENT, clock=lambda: now)  # noqa: B023
    assert summary.run is Run.AGAIN
    assert len({event.event_id for event in publisher.events}) == 3
    assert [event.occurred_at for event in publisher.events] == [NOW + timedelta(hours=step) for step in range(3)]
    assert len({event.source.import_id for event in publisher.events if event.source}) == 3


async def test_again_is_refused_while_the_last_import_is_not_done_or_has_that_time(
    publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    publisher.fail_at[2] = "lost"
    with pytest.raises(PublishFailed):
        await run(publisher, RunOptions(tmp_path))
    with pytest.raises(InvalidImport, match="did not end"):
        await run(publisher, RunOptions(tmp_path, again=True), now=LATER)
    await run(publisher, RunOptions(tmp_path), now=LATER)
    with pytest.raises(InvalidImport, match="needs another"):
        await run(publisher, RunOptions(tmp_path, again=True, imported_at=NOW), now=LATER)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"admin": Person("another")}, "admin"), ({"resolver": EmailAsId(), "service": "other"}, "id mapping, service")],
)
async def test_other_options_with_the_same_files_are_refused_by_name(
    options: dict[str, Any], named: str, publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    await run(publisher, RunOptions(tmp_path))
    with pytest.raises(InvalidImport, match=f"with other options: {named}"):
        await run(publisher, RunOptions(tmp_path, repeat=True), now=LATER, **options)
    assert len(publisher.events) == 4
    again = await run(publisher, RunOptions(tmp_path, again=True), now=LATER, **options)
    assert again.published == 4


async def test_the_record_holds_nobodys_id_or_name(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    await run(publisher, RunOptions(tmp_path))
    (record,) = tmp_path.iterdir()
    text = record.read_text("utf-8")
    assert not any(word in text for word in (ADMIN.id, "grace", "u-6", "margaret"))


@pytest.mark.parametrize(("fault", "error"), [("lost", PublishFailed), ("done", DeliveryUnknown)])
async def test_a_run_that_broke_off_is_completed_by_the_next_at_the_same_time(
    fault: Fault, error: type[ProducerError], publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    publisher.fail_at[2] = fault
    with pytest.raises(error):
        await run(publisher, RunOptions(tmp_path))
    resumed = await run(publisher, RunOptions(tmp_path), now=LATER)
    assert len({(event.event_id, event.occurred_at) for event in publisher.events}) == 4
    assert (resumed.run, resumed.earlier, resumed.published) == (Run.RESUMED, 2, 2)


async def test_an_interruption_leaves_a_note_of_how_far_it_came(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    publish, calls = publisher.publish, 0

    async def interrupted(event: Event) -> Acknowledgement:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise asyncio.CancelledError
        return await publish(event)

    publisher.publish = interrupted  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await run(publisher, RunOptions(tmp_path))
    resumed = await run(publisher, RunOptions(tmp_path), now=LATER)
    assert (resumed.run, resumed.earlier, resumed.published, len(publisher.events)) == (Run.RESUMED, 3, 1, 4)


async def test_an_event_that_proves_invalid_amid_the_publishing_is_no_usage_error(
    publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(hours=25)
    with pytest.raises(ExceptionGroup) as caught:
        await run(publisher, RunOptions(tmp_path, imported_at=tomorrow))
    assert [type(error) for error in caught.value.exceptions] == [InvalidEvent]


async def test_the_operators_time_holds_on_every_machine(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    for machine in ("one", "other"):
        await run(publisher, RunOptions(tmp_path / machine, imported_at=NOW), now=LATER)
    assert publisher.events[:4] == publisher.events[4:]
    await run(publisher, RunOptions(tmp_path / "one", imported_at=NOW, repeat=True), now=LATER)
    assert publisher.events[:4] == publisher.events[8:]


async def test_a_time_for_which_the_log_shows_nothing_is_told(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    old, young = NOW - timedelta(days=367), NOW - timedelta(days=364)
    for days, imported_at in enumerate((old, young)):
        summary = await run(publisher, RunOptions(tmp_path / str(days), imported_at=imported_at, dry_run=True))
        told = [text for text in summary.warnings if "--occurred-at is before the last 12 months" in text]
        assert bool(told) is (imported_at is old)


async def test_a_time_that_contradicts_the_first_run_is_refused(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    await run(publisher, RunOptions(tmp_path))
    with pytest.raises(InvalidImport, match="imported with the time 2026-11-24T09:31:07"):
        await run(publisher, RunOptions(tmp_path, imported_at=LATER), now=LATER)
    assert len(publisher.events) == 4


async def test_a_dry_run_publishes_and_records_nothing(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    summary = await run(publisher, RunOptions(tmp_path, dry_run=True))
    assert (sum(summary.events.values()), summary.published, publisher.events) == (4, 0, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("on_error", "published"), [(OnError.ABORT, 0), (OnError.SKIP, 1)])
async def test_bad_rows_stop_the_good_ones_unless_they_are_to_be_skipped(
    on_error: OnError, published: int, publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    file = tmp_path / "actions.csv"
    file.write_text("activity,user id\nuser_deletion,u1\nuser_deletion,\n", encoding="utf-8")
    summary = await run(publisher, RunOptions(tmp_path, on_error=on_error), file=file)
    assert (summary.published, len(publisher.events), summary.bad_rows.total) == (published, published, 1)


async def test_rows_without_boundaries_are_never_skipped(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    file.write_text('activity,user id\nuser_deletion,u1\nuser_deletion,"u2\nuser_deletion,u3"\n', encoding="utf-8")
    summary = await run(publisher, RunOptions(tmp_path, on_error=OnError.SKIP), file=file)
    assert (summary.published, publisher.events, summary.run) == (0, [], None)


def test_of_two_first_runs_at_once_both_get_the_same_act(tmp_path: Path) -> None:
    records = ImportRecords(tmp_path / "new", IMPORT_ID)
    acts = [records.begin(new_act(1, now, 4, b"digest", {})) for now in (NOW, LATER)]
    assert acts[0] == acts[1] == records.last()
    assert acts[0].occurred_at == NOW
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{IMPORT_ID}.1.json"]


def test_a_record_that_cannot_be_read_stops_the_import(tmp_path: Path) -> None:
    (tmp_path / f"{IMPORT_ID}.1.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidImport, match="cannot be read"):
        ImportRecords(tmp_path, IMPORT_ID).last()


def test_a_state_directory_that_cannot_be_written_stops_the_import(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidImport, match="state directory"):
        ImportRecords(tmp_path / "file", IMPORT_ID).begin(new_act(1, NOW, 4, b"digest", {}))


def test_progress_is_a_line_every_ten_seconds_where_there_is_no_terminal() -> None:
    seconds: Iterator[float] = iter(range(0, 100, 3))
    output = io.StringIO()
    progress = Progress(Console(file=output), now=lambda: next(seconds))
    progress.rejected = lambda: 3
    with progress.phase("publishing", total=12) as advance:
        for _ in range(12):
            advance(1)
    assert output.getvalue().splitlines() == [
        "publishing: 4 of 12, 0/s, 3 rejected",
        "publishing: 8 of 12, 0/s, 3 rejected",
        "publishing: 12 of 12, 0/s, 3 rejected",
    ]


def test_progress_is_json_on_request() -> None:
    seconds: Iterator[float] = iter(range(0, 100, 6))
    lines: list[str] = []
    progress = Progress(Console(file=io.StringIO()), now=lambda: next(seconds), write_json=lines.append)
    with progress.phase("reading rows") as advance:
        advance(100)
        advance(100)
    assert [json.loads(line) for line in lines] == [
        {"type": "progress", "phase": "reading rows", "done": 200, "total": None, "rate": 17, "rejected": 0}
    ]
