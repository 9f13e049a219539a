"""File import: two lists or an action list become a repeatable sequence of events."""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producers import InvalidEvent, InvalidImport
from producers.file_import import FileImport, IdResolver, ImportRequest, MappingFileResolver
from schemas.codec import encode
from schemas.events import (
    ActivityType,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from tests.builders import ADMIN, NOW

CORPUS = Path(__file__).parents[2] / "corpus" / "imports"
LIST_HEADER = "user id,e-mail,first name,last name,license,admin access\n"
NO_ID_HEADER = "e-mail,first name,last name,license,admin access\n"
ACTION_HEADER = "activity,user id,e-mail,previous license,license,admin access,occurred at\n"
MICROSECOND = timedelta(microseconds=1)


class Files:
    """Imports of files with the given content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str, content: str) -> Path:
        path = self._folder / name
        path.write_text(content, encoding="utf-8", newline="")
        return path

    def lists(self, before: str, after: str, header: str = LIST_HEADER, **options: Any) -> FileImport:
        before_path, after_path = self.path("before.csv", header + before), self.path("after.csv", header + after)
        return an_import(after_path, before=before_path, **options)

    def actions(self, rows: str, header: str = ACTION_HEADER, **options: Any) -> FileImport:
        return an_import(self.path("actions.csv", header + rows), **options)


def an_import(file: Path, *, client_space_id: str = "acme", **options: Any) -> FileImport:
    request = ImportRequest(file, client_space_id=client_space_id, admin=ADMIN, service="importer", **options)
    return FileImport(request, clock=lambda: NOW)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def outcome(file_import: FileImport) -> tuple[list[str], list[tuple[str, ActivityType]]]:
    """The bad rows, and what the good ones say."""
    with file_import:
        events = [(event.affected_user.id, event.activity.activity_type) for event in file_import.events(NOW)]
        return [str(error) for error in file_import.bad_rows.first], events


def unusable(file_import: FileImport) -> str:
    with file_import:
        return str(file_import.unusable)


def test_two_lists_give_the_events_between_them() -> None:
    with an_import(CORPUS / "after.csv", before=CORPUS / "before.csv") as file_import:
        assert file_import.bad_rows.total == 0
        events = list(file_import.events(NOW))
        assert sum(file_import.survey().counts.values()) == len(events)
    ada = Person("u-1", "ada@example.com", "Ada Lovelace")
    alan = Person("u-2", "alan@example.com", "Alan Turing")
    barbara = Person("u-5", "barbara@example.com", "Barbara Liskov")
    assert [(event.affected_user, event.activity, event.occurred_at - NOW) for event in events] == [
        (ada, AdminRightsUpdate(granted=False), 0 * MICROSECOND),
        (alan, UserLicenseUpdate("Data Reader", "Data Steward"), 0 * MICROSECOND),
        (Person("u-3"), UserDeletion(), 0 * MICROSECOND),
        (barbara, UserCreation(), 0 * MICROSECOND),
        (barbara, UserLicenseUpdate(None, "Data Steward"), 1 * MICROSECOND),
        (barbara, AdminRightsUpdate(granted=True), 2 * MICROSECOND),
    ]


def test_an_action_list_gives_one_event_a_row_in_the_order_of_the_rows() -> None:
    with an_import(CORPUS / "actions.csv") as file_import:
        assert file_import.bad_rows.total == 0
        events = list(file_import.events(NOW))
    margaret = Person("u-6", "margaret@example.com", "Margaret Hamilton")
    assert [(event.affected_user, event.activity, event.occurred_at) for event in events] == [
        (margaret, UserCreation(), datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (margaret, UserLicenseUpdate(None, "Data Reader"), NOW + 3 * MICROSECOND),
        (margaret, AdminRightsUpdate(granted=True), NOW + 4 * MICROSECOND),
        (Person("u-3"), UserDeletion(), datetime(2026, 1, 31, 9, 45, 0, 250_000, tzinfo=UTC)),
    ]


def test_the_digest_of_an_import_depends_on_every_value(files: Files) -> None:
    row = "user_license_update,u1,a@x.de,Data Reader,Data Steward,,2026-01-31T09:30:00Z\n"
    texts = [row, "\n" + row, row + "user_deletion,u2,,,,,\n", "user_deletion,u2,,,,,\n" + row]
    values = ["user_deletion", "u2", "b@x.de", "", "Data Viewer", "yes", "2026-01-31T09:30:00.000001Z"]
    for place, value in enumerate(values):
        cells = row.strip().split(",")
        cells[place] = value
        texts.append(",".join(cells) + "\n")
    digests = []
    for text in [*texts, row]:
        with files.actions(text) as file_import:
            digests.append(file_import.survey().digest)
    # Admin access is no part of a license update.
    assert (len(set(digests)), digests[-1], digests[-3]) == (len(texts) - 1, digests[0], digests[0])


def test_every_event_says_which_row_of_which_file_it_comes_from() -> None:
    with an_import(CORPUS / "after.csv", before=CORPUS / "before.csv") as file_import:
        sources = {(event.source, event.affected_user.id) for event in file_import.events(NOW) if event.source}
        assert {source.import_id for source, _ in sources} == {file_import.import_id(NOW)}
    rows = {user_id: source.row_number for source, user_id in sources}
    assert rows == {"u-1": 5, "u-2": 4, "u-3": 4, "u-5": 2}
    digests = {user_id: source.file_sha256 for source, user_id in sources}
    assert digests["u-1"] == digests["u-5"] != digests["u-3"]


@pytest.mark.parametrize("names", [("after.csv", "before.csv"), ("actions.csv", None)])
def test_the_same_import_gives_the_same_events_and_all_of_them_can_be_published(names: tuple[str, str | None]) -> None:
    def run(**options: Any) -> list[Event]:
        before = None if names[1] is None else CORPUS / names[1]
        with an_import(CORPUS / names[0], before=before, **options) as file_import:
            return list(file_import.events(NOW))

    events = run()
    assert run() == events
    assert len({event.event_id for event in events}) == len(events)
    assert {event.event_id.version for event in events} == {5}
    assert {event.channel for event in events} == {Channel.FILE_IMPORT}
    assert all(encode(event, now=NOW) for event in events)
    assert {e.event_id for e in run(client_space_id="other")}.isdisjoint(e.event_id for e in events)


def test_another_file_is_another_import(files: Files) -> None:
    ids = set()
    for name in ("Ada", "Augusta"):
        with files.lists("", f"u1,ada@x.org,{name},L,,no\n") as file_import:
            ids |= {event.event_id for event in file_import.events(NOW)}
    assert len(ids) == 2


GOOD = "u9,z@x.org,Z,Z,,no\n"


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("u1,ada,A,L,,no", "e-mail: not an e-mail address"),
        ("u1,,A,L,,no", "e-mail: blank"),
        ("u1,a@x.org,A,L,,", "admin access: neither yes, true or 1 nor no, false or 0"),
        ("u1,a@x.org,A,L,,maybe", "admin access: neither yes, true or 1 nor no, false or 0"),
        (f"u1,a@x.org,A,L,{'x' * 129},no", "license: longer than 128 characters"),
        (f"u1,{'a' * 320}@x,A,L,,no", "e-mail: longer than 320 characters"),
        (f"u1,a@x.org,{'a' * 200},{'b' * 56},,no", "last name: first and last name are longer than 256 characters"),
    ],
)
def test_a_bad_row_of_a_user_list_is_named_and_its_user_left_out_of_both_lists(
    files: Files, row: str, place: str
) -> None:
    bad = [f"list after (after.csv), row 2, {place}"]
    assert outcome(files.lists("u1,a@x.org,A,L,,no\n", f"{row}\n{GOOD}")) == (bad, [("u9", "user_creation")])
    bad = [f"list before (before.csv), row 2, {place}"]
    assert outcome(files.lists(f"{row}\n", f"u1,a@x.org,A,L,,yes\n{GOOD}")) == (bad, [("u9", "user_creation")])


def test_a_user_named_twice_is_a_bad_row_that_names_both(files: Files) -> None:
    after = f"u1,a@x.org,A,L,,no\n{GOOD}u1,a@x.org,A,L,,yes\nu1,A@x.org,B,L,,yes\n"
    bad = [f"list after (after.csv), row {row}, user id: the same user as in row 2" for row in (4, 5)]
    assert outcome(files.lists("", after)) == (bad, [("u9", "user_creation")])


@pytest.mark.parametrize("row", [",a@x.org,A,L,,no", "u1,a@x.org,A", f"{'u' * 257},a@x.org,A,L,,no", '"u1,a'])
def test_a_bad_row_whose_user_cannot_be_told_makes_the_lists_unusable(files: Files, row: str) -> None:
    everybody = "u1,a@x.org,A,L,,no\n"
    assert unusable(files.lists(everybody, f"{GOOD}{row}\n")).startswith("list after (after.csv), row 3")
    assert unusable(files.lists(f"{GOOD}{row}\n", everybody)).startswith("list before (before.csv), row 3")


def test_spellings_of_admin_access_and_license_are_understood(files: Files) -> None:
    after = "".join(
        f"u{n},a{n}@x.org,A,L,,{word}\n" for n, word in enumerate(["yes", "TRUE", "1", "No", "false", " 0 "])
    )
    with files.lists("", after) as file_import:
        assert file_import.survey().counts == {ActivityType.USER_CREATION: 6, ActivityType.ADMIN_RIGHTS_UPDATE: 3}


def test_an_empty_list_after_does_not_delete_everybody(files: Files) -> None:
    with pytest.raises(InvalidImport, match="every user"):
        outcome(files.lists(GOOD, ""))
    assert outcome(files.lists("", "")) == ([], [])


@pytest.mark.parametrize("column", ["e-mail", "first name", "last name", "license", "admin access"])
def test_a_user_list_needs_its_columns(files: Files, column: str) -> None:
    header = LIST_HEADER.replace(f",{column}", "")
    with pytest.raises(InvalidImport, match=rf"list before \(before.csv\): missing column\(s\) {column}$"):
        outcome(files.lists("", "", header))


def test_lists_and_action_lists_are_not_mistaken_for_one_another(files: Files) -> None:
    with pytest.raises(InvalidImport, match="needs the list before"):
        outcome(files.actions("", LIST_HEADER))
    with pytest.raises(InvalidImport, match="takes no list before"):
        outcome(files.lists("", "", ACTION_HEADER))
    with pytest.raises(InvalidImport, match="do not belong here: activity"):
        outcome(an_import(files.path("a.csv", LIST_HEADER), before=files.path("b.csv", f"activity,{LIST_HEADER}")))


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("promotion,u1,,,,,", "activity: not one of user_creation, user_deletion"),
        (",u1,,,,,", "activity: not one of"),
        ("user_creation,u1,,,,,", "e-mail: blank"),
        ("user_deletion,,,,,,", "user id: blank"),
        ("user_license_update,u1,,A,A,,", "license: the same as the previous license"),
        ("user_license_update,u1,,,,,", "license: the same as the previous license"),
        ("admin_rights_update,u1,,,,,", "admin access: neither"),
        ("user_deletion,u1,,,,,2026-01-31", "occurred at: not a time like"),
        ("user_deletion,u1,,,,,2026-01-31T09:30:00", "occurred at: not a time like"),
        ("user_deletion,u1,,,,,2026-01-31T09:30:00.1234567Z", "occurred at: not a time like"),
        ("user_deletion,u1,,,,,2026-02-30T09:30:00Z", "occurred at: no such time"),
        ("user_deletion,u1,,,,,1999-12-31T23:59:59Z", "occurred at: out of range"),
        ("user_deletion,u1,,,,,2126-01-31T09:30:00Z", "occurred at: out of range"),
    ],
)
def test_a_bad_row_of_an_action_list_is_named_and_its_neighbors_count(files: Files, row: str, place: str) -> None:
    bad, good = outcome(files.actions(f"user_deletion,u0,,,,,\n{row}\nUser deleted,u2,,,,,\n"))
    assert [error.startswith(f"action list (actions.csv), row 3, {place}") for error in bad] == [True]
    assert good == [("u0", "user_deletion"), ("u2", "user_deletion")]


def test_actions_that_are_older_than_the_log_are_told(files: Files) -> None:
    """They would be counted as imported, and no line would ever show them."""
    old, young = NOW - timedelta(days=367), NOW - timedelta(days=364)
    rows = "".join(f"user_deletion,u{n},,,,,{at.isoformat()}\n" for n, at in enumerate([old, young]))
    rows += f"user_deletion,u0,,,,,{old.isoformat()}\n"  # a bad row, by the first: it is not imported
    with files.actions(rows) as file_import:
        assert file_import.warnings == ["1 action(s) took place before the last 12 months: the log shows none"]


def test_a_license_update_needs_the_column_of_the_previous_license(files: Files) -> None:
    bad, _ = outcome(files.actions("license updated,u1,Data Reader\n", "action,id,license\n"))
    assert bad == ["action list (actions.csv), row 2, previous license: the column is missing"]


def test_a_list_without_ids_takes_the_normalized_e_mail_and_says_so(files: Files) -> None:
    row = " Zoe\u0308@X.org ,Zoë,L,Data Reader,no\n"
    with files.lists(row, row.replace("Reader", "Steward"), NO_ID_HEADER) as file_import:
        (event,) = file_import.events(NOW)
        assert ["the e-mail is the user id" in warning for warning in file_import.warnings] == [True]
    assert event.affected_user == Person("zoë@x.org", "Zoe\u0308@X.org", "Zoë L")


def test_a_resolver_makes_one_person_of_a_list_without_ids_and_a_list_with_them(files: Files) -> None:
    class Platform(IdResolver):
        def resolve(self, email: str) -> str | None:
            return {"a@x.org": "u1"}.get(email)

    before = files.path("before.csv", f"{NO_ID_HEADER}A@X.ORG,A,L,,no\nb@x.org,B,L,,no\n")
    after = files.path("after.csv", f"{LIST_HEADER}u1,a@x.org,A,L,,yes\nu2,b@x.org,B,L,,no\n")
    with an_import(after, before=before, resolver=Platform()) as file_import:
        assert str(file_import.unusable) == "list before (before.csv), row 3, e-mail: no user id is known for it"
    before = files.path("before.csv", f"{NO_ID_HEADER}A@X.ORG,A,L,,no\n")
    bad, events = outcome(an_import(after, before=before, resolver=Platform()))
    assert (bad, events) == ([], [("u1", "admin_rights_update"), ("u2", "user_creation")])
    with pytest.raises(InvalidImport, match="--id-mapping"):
        outcome(an_import(after, before=before))


def test_a_mapping_file_gives_the_ids(files: Files) -> None:
    mapping = files.path("ids.csv", "user id;e-mail\nu1;A@x.org\nu1;a@X.org\n")
    with closing(MappingFileResolver(mapping)) as resolver:
        rows = "user deleted,a@x.org\nuser deleted,b@x.org\n"
        bad, good = outcome(files.actions(rows, "activity,e-mail\n", resolver=resolver))
    assert bad == ["action list (actions.csv), row 3, e-mail: no user id is known for it"]
    assert good == [("u1", "user_deletion")]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("a@x.org,u1\nA@x.org,u2\n", "row 3, user id: another id"),
        ("a@x.org,\n", "row 2, user id: blank"),
        (",u1\n", "row 2, e-mail: blank"),
        ("a@x.org\n", "row 2: 1 cells under 2 columns"),
        ('"', "row 2: a quote that is opened"),
    ],
)
def test_a_doubtful_mapping_file_is_refused(files: Files, rows: str, reason: str) -> None:
    with pytest.raises(InvalidImport, match=rf"id mapping \(ids.csv\), {reason}"):
        MappingFileResolver(files.path("ids.csv", f"e-mail,user id\n{rows}"))


def test_a_request_that_breaks_the_contract_is_refused_before_its_files_are_read() -> None:
    with pytest.raises(InvalidEvent, match="client_space_id: blank"):
        outcome(an_import(Path("nowhere"), client_space_id=""))


def test_bad_rows_are_all_counted_and_the_first_hundred_named(files: Files) -> None:
    with files.actions("user_deletion,,,,,,\n" * 250) as file_import:
        assert (file_import.bad_rows.total, len(file_import.bad_rows.first)) == (250, 100)


def test_memory_does_not_grow_with_the_lists(files: Files) -> None:
    count = 40_000

    def rows(license_of_every_hundredth: str) -> Iterator[str]:
        yield LIST_HEADER
        for number in range(count):
            user = number * 7919 % count  # no order that a sort could lean on
            license_name = license_of_every_hundredth if user % 100 == 0 else "Data Reader"
            yield f"user-{user:07},user-{user:07}@example.com,First{user},Last{user},{license_name},no\n"

    before, after = files.path("b.csv", "".join(rows(""))), files.path("a.csv", "".join(rows("Data Steward")))
    tracemalloc.start()
    try:
        with an_import(after, before=before) as file_import:
            assert sum(1 for _ in file_import.events(NOW)) == count // 100
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
