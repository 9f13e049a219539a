"""Running an import: its time is fixed first, and running it again doubles nothing."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from producers import DeliveryUnknown, InvalidImport, PublishFailed
from producers.errors import ProducerError
from producers.file_import import FileImport, ImportRequest, settle_time
from producers.import_run import OnError, RunOptions, Summary, run_import
from producers.progress import Progress
from tests.builders import ADMIN, NOW
from tests.fakes.publisher import Fault, InMemoryPublisher

CORPUS = Path(__file__).parents[2] / "corpus" / "imports"
IMPORT_ID = UUID(int=5)
LATER = NOW + timedelta(days=2)
SILENT = Progress(Console(file=io.StringIO()))


@pytest.fixture
def publisher() -> InMemoryPublisher:
    return InMemoryPublisher()


async def run(
    publisher: InMemoryPublisher, options: RunOptions, *, now: object = NOW, file: Path = CORPUS / "actions.csv"
) -> Summary:
    request = ImportRequest(file, client_space_id="acme", admin=ADMIN, service="importer")
    with FileImport(request) as file_import:
        return await run_import(file_import, lambda: publisher, options, progress=SILENT, clock=lambda: now)  # type: ignore[arg-type,return-value]


async def test_the_same_import_run_later_publishes_the_same_events(
    publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    first = await run(publisher, RunOptions(tmp_path))
    again = await run(publisher, RunOptions(tmp_path), now=LATER)
    assert publisher.events[:4] == publisher.events[4:]
    assert (first.published, again.published) == (4, 4)
    assert (first.ran_before, again.ran_before) == (False, True)
    assert first.occurred_at == again.occurred_at == NOW


@pytest.mark.parametrize(("fault", "error"), [("lost", PublishFailed), ("done", DeliveryUnknown)])
async def test_a_run_that_broke_off_is_completed_by_the_next_at_the_same_time(
    fault: Fault, error: type[ProducerError], publisher: InMemoryPublisher, tmp_path: Path
) -> None:
    publisher.fail_at[2] = fault
    with pytest.raises(error):
        await run(publisher, RunOptions(tmp_path))
    await run(publisher, RunOptions(tmp_path), now=LATER)
    assert len({(event.event_id, event.occurred_at) for event in publisher.events}) == 4


async def test_the_operators_time_holds_on_every_machine(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    for machine in ("one", "other"):
        await run(publisher, RunOptions(tmp_path / machine, imported_at=NOW), now=LATER)
    assert publisher.events[:4] == publisher.events[4:]


async def test_a_time_that_contradicts_the_first_run_is_refused(publisher: InMemoryPublisher, tmp_path: Path) -> None:
    await run(publisher, RunOptions(tmp_path))
    with pytest.raises(InvalidImport, match="ran before with the time 2026-11-24T09:31:07"):
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
    file.write_text('activity,user id\nuser_deletion,u1\nuser_deletion,"u2\n', encoding="utf-8")
    summary = await run(publisher, RunOptions(tmp_path, on_error=OnError.SKIP), file=file)
    assert (summary.published, publisher.events, summary.publishable) == (0, [], False)


def test_the_first_time_of_an_import_is_kept_to_the_microsecond(tmp_path: Path) -> None:
    for now in (NOW, LATER):
        assert settle_time(tmp_path / "new", IMPORT_ID, given=None, now=now) == NOW
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{IMPORT_ID}.json"]


def test_a_record_that_cannot_be_read_stops_the_import(tmp_path: Path) -> None:
    (tmp_path / f"{IMPORT_ID}.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidImport, match="cannot be read"):
        settle_time(tmp_path, IMPORT_ID, given=None, now=NOW)


def test_a_state_directory_that_cannot_be_written_stops_the_import(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidImport, match="state directory"):
        settle_time(tmp_path / "file", IMPORT_ID, given=None, now=NOW)


def test_progress_is_a_line_every_ten_seconds_where_there_is_no_terminal() -> None:
    seconds: Iterator[float] = iter(range(0, 100, 3))
    output = io.StringIO()
    progress = Progress(Console(file=output), now=lambda: next(seconds))
    with progress.phase("publishing", total=12) as advance:
        for _ in range(12):
            advance()
    assert output.getvalue().splitlines() == ["publishing: 4 of 12", "publishing: 8 of 12", "publishing: 12 of 12"]
