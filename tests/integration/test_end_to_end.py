"""The whole way of an event: through an adapter, Kafka, the worker and ClickHouse, and back out of the query API."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.local.stack.stack import LocalStack
from producers import ApiRequest, KafkaPublisher, Person, UiSession
from producers.commands.cli import ExitCode
from tests.integration.import_that_breaks_off import NOTE_EVERY_EVENTS
from tests.log_client import Line, LogClient, run_command

ADMIN = Person("usr_grace", "grace@example.com", "Grace Hopper")
ADMIN_FILE = 'id = "usr_grace"\nusername = "grace@example.com"\ndisplay_name = "Grace Hopper"\n'
HEADER = "user id,e-mail,first name,last name,license,admin access\n"

ReadLog = Callable[[str], LogClient]


def a_ui_session(publisher: KafkaPublisher, client_space_id: str) -> UiSession:
    return UiSession(publisher, client_space_id=client_space_id, admin=ADMIN, service="user-service")


def an_api_request(publisher: KafkaPublisher, client_space_id: str) -> ApiRequest:
    return ApiRequest(publisher, client_space_id=client_space_id, token_owner=ADMIN, request_id="req-7", service="scim")


def import_lists(stack: LocalStack, folder: Path, client_space_id: str, *options: str, before: str, after: str) -> str:
    """Run `audit-produce import` on two user lists."""
    (folder / "before.csv").write_text(HEADER + before, encoding="utf-8")
    (folder / "after.csv").write_text(HEADER + after, encoding="utf-8")
    (folder / "admin.toml").write_text(ADMIN_FILE, encoding="utf-8")
    return run_command(
        stack,
        "audit-produce",
        "import",
        str(folder / "after.csv"),
        *("--before", str(folder / "before.csv")),
        *options,
        *("--client-space", client_space_id),
        *("--admin", str(folder / "admin.toml")),
        *options,
    )


async def act_through(adapter: UiSession | ApiRequest, user: Person) -> None:
    """All four activities, one after the other, on *user*."""
    await adapter.user_created(user)
    await adapter.license_updated(user, previous_license=None, new_license="Data Reader")
    await adapter.admin_rights_updated(user, granted=True)
    await adapter.user_deleted(user)


async def test_all_four_activities_come_back_through_all_three_channels(
    stack: LocalStack, publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog, tmp_path: Path
) -> None:
    await act_through(a_ui_session(publisher, client_space_id), Person("usr_ui", "ui@example.com"))
    await act_through(an_api_request(publisher, client_space_id), Person("usr_api", "api@example.com"))
    import_lists(
        stack,
        tmp_path,
        client_space_id,
        before="usr_gone,gone@example.com,Old,Hand,,no\nusr_up,up@example.com,Up,Graded,Data Reader,no\n",
        after="usr_up,up@example.com,Up,Graded,Data Steward,yes\nusr_new,new@example.com,New,Comer,,no\n",
    )
    lines = read_log(client_space_id).wait_for(lambda found: len(found) >= 12)
    assert Counter((line["channel"], line["activity_type"]) for line in lines) == Counter(
        (channel, activity)
        for channel in ("ui", "api", "file_import")
        for activity in ("user_creation", "user_deletion", "user_license_update", "admin_rights_update")
    )
    assert {line["admin"]["username"] for line in lines} == {"grace@example.com"}
    assert [line["occurred_at"] for line in lines] == sorted((line["occurred_at"] for line in lines), reverse=True)


async def test_a_line_tells_who_did_what_to_whom_and_how(
    publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    user = Person("usr_ada", "ada@example.com", "Ada Lovelace")
    request = an_api_request(publisher, client_space_id)
    await request.license_updated(user, previous_license="Data Explorer", new_license=None)
    await request.admin_rights_updated(user, granted=False)
    log = read_log(client_space_id)
    rights, license_update = log.wait_for(lambda found: len(found) == 2)
    assert license_update["changes"] == [{"field": "license", "before": "Data Explorer", "after": None}]
    assert rights["changes"] == [{"field": "admin_rights", "before": True, "after": False}]
    assert without_ref(license_update["affected_user"]) == {
        "id": "usr_ada",
        "username": "ada@example.com",
        "display_name": "Ada Lovelace",
        "deleted": False,
        "current": None,
    }
    assert license_update["admin"]["display_name"] == "Grace Hopper"
    assert license_update["source"]["request_id"] == "req-7"
    assert license_update["source"]["service"] == "scim"
    detail = log.get(f"/v1/activities/{license_update['event_id']}")
    assert detail.status_code == httpx.codes.OK
    assert detail.json()["data"] == license_update


def without_ref(person: Line) -> Line:
    return {name: value for name, value in person.items() if name != "ref"}


async def test_a_deleted_person_is_deleted_user_as_affected_user_and_as_admin(
    publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    leaver = Person("usr_leaver", "leaver@example.com", "Lea Ver")
    await a_ui_session(publisher, client_space_id).user_created(leaver)
    await UiSession(publisher, client_space_id=client_space_id, admin=leaver, service="user-service").user_created(
        Person("usr_other", "other@example.com")
    )
    log = read_log(client_space_id)
    before = log.wait_for(lambda found: len(found) == 2)
    assert before[0]["admin"]["display_name"] == "Lea Ver"
    await a_ui_session(publisher, client_space_id).user_deleted(leaver)
    after = log.wait_for(lambda found: len(found) == 3)
    deleted = {"id": None, "username": None, "display_name": "Deleted User", "deleted": True, "current": None}
    assert [without_ref(line["affected_user"]) for line in (after[0], after[2])] == [deleted, deleted]
    assert without_ref(after[1]["admin"]) == deleted
    assert after[1]["affected_user"]["username"] == "other@example.com"
    raw = log.get("/v1/activities").text
    assert "leaver" not in raw.lower()
    assert "Lea Ver" not in raw
    # Their old id finds nothing, exactly like an unknown one; their ref still leads to what they did.
    assert log.lines(affected_user="usr_leaver") == log.lines(admin="usr_leaver") == log.lines(admin="usr_nobody") == []
    assert [line["event_id"] for line in log.lines(admin=f"ref:{after[1]['admin']['ref']}")] == [after[1]["event_id"]]


async def test_filters_are_or_within_a_parameter_and_and_between_parameters(
    publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    ada, bob = Person("usr_ada", "ada@example.com"), Person("usr_bob", "bob@example.com")
    ui, api = a_ui_session(publisher, client_space_id), an_api_request(publisher, client_space_id)
    await ui.user_created(ada)
    await api.user_created(bob)
    await api.license_updated(ada, previous_license=None, new_license="Data Reader")
    log = read_log(client_space_id)
    log.wait_for(lambda found: len(found) == 3)

    def found(**filters: object) -> list[tuple[str, str]]:
        return [(line["activity_type"], line["affected_user"]["id"]) for line in log.lines(**filters)]

    assert found(activity_type="user_creation") == [("user_creation", "usr_bob"), ("user_creation", "usr_ada")]
    assert found(affected_user=["usr_ada", "usr_bob"], channel="ui") == [("user_creation", "usr_ada")]
    assert found(affected_user="usr_ada", channel=["ui", "api"], order="asc") == [
        ("user_creation", "usr_ada"),
        ("user_license_update", "usr_ada"),
    ]
    assert found(admin="usr_nobody") == []


async def test_two_client_spaces_never_see_each_other(
    publisher: KafkaPublisher, client_space_id: str, read_log: ReadLog
) -> None:
    other_space = client_space_id + "-other"
    same_person = Person("usr_ada", "ada@example.com")
    for space in (client_space_id, other_space):
        for _ in range(3):
            await a_ui_session(publisher, space).license_updated(
                same_person, previous_license=None, new_license=f"License of {space}"
            )
    mine, theirs = read_log(client_space_id), read_log(other_space)
    my_lines = mine.wait_for(lambda found: len(found) == 3)
    their_lines = theirs.wait_for(lambda found: len(found) == 3)
    assert {line["changes"][0]["after"] for line in my_lines} == {f"License of {client_space_id}"}
    assert {line["changes"][0]["after"] for line in their_lines} == {f"License of {other_space}"}
    assert {line["affected_user"]["ref"] for line in my_lines}.isdisjoint(
        line["affected_user"]["ref"] for line in their_lines
    )
    assert mine.get(f"/v1/activities/{their_lines[0]['event_id']}").status_code == httpx.codes.NOT_FOUND
    assert mine.lines(affected_user=f"ref:{their_lines[0]['affected_user']['ref']}") == []
    their_cursor = theirs.get("/v1/activities", limit=1).json()["page"]["next_cursor"]
    refused = mine.get("/v1/activities", limit=1, cursor=their_cursor)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert mine.get("/v1/activities", client_space_id=other_space).status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def test_repeating_an_import_shows_no_line_twice(
    stack: LocalStack, client_space_id: str, read_log: ReadLog, tmp_path: Path
) -> None:
    lists = {"before": "", "after": "usr_1,one@example.com,O,Ne,Data Reader,yes\nusr_2,two@example.com,T,Wo,,no\n"}
    import_lists(stack, tmp_path, client_space_id, **lists)
    log = read_log(client_space_id)
    once = [line["event_id"] for line in log.wait_for(lambda found: len(found) == 4)]
    import_lists(stack, tmp_path, client_space_id, "--repeat", **lists)
    # A line that comes after the second import shows that the worker is past it.
    import_lists(stack, tmp_path, client_space_id, before=lists["after"], after="usr_1,one@example.com,O,Ne,,yes\n")
    again = [line["event_id"] for line in log.wait_for(lambda found: len(found) >= 6)]
    assert (len(again), again[2:]) == (6, once)


async def test_an_import_that_is_killed_and_then_interrupted_gives_exactly_the_lines_of_one_run(
    stack: LocalStack, client_space_id: str, read_log: ReadLog, tmp_path: Path
) -> None:
    rows = [f"user_creation,usr_{number},user{number}@example.com,U,{number}\n" for number in range(2_000)]
    file = tmp_path / "actions.csv"
    file.write_text("activity,user id,e-mail,first name,last name\n" + "".join(rows), encoding="utf-8")

    def options(space: str) -> list[str]:
        given = {"client-space": space, "admin-id": ADMIN.id, "state-dir": str(tmp_path / space)}
        return [
            "import",
            str(file),
            "--json",
            *(part for name, value in given.items() for part in (f"--{name}", value)),
        ]

    def broken_off_by(name: str) -> int:
        command = [sys.executable, "-m", "tests.integration.import_that_breaks_off", name, *options(client_space_id)]
        environment = {**os.environ, **stack.environment()}
        return subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode

    assert broken_off_by("SIGKILL") == -signal.SIGKILL
    assert broken_off_by("SIGINT") == ExitCode.INTERRUPTED
    ended = json.loads(run_command(stack, "audit-produce", *options(client_space_id)).splitlines()[-1])
    whole_space = f"{client_space_id}-whole"
    run_command(stack, "audit-produce", *options(whole_space))

    assert (ended["run"], ended["published_earlier"] + ended["published"]) == ("resumed", len(rows))
    assert ended["published_earlier"] >= 2 * NOTE_EVERY_EVENTS, "each run went on where the one before it was"
    logs = [read_log(space) for space in (client_space_id, whole_space)]
    broken_off, whole = ([shown(line) for line in log.wait_for(lambda found: len(found) >= len(rows))] for log in logs)
    assert broken_off == whole
    assert len(whole) == len(rows)


def shown(line: Line) -> dict[str, object]:
    """What *line* says, without what differs between two client spaces."""
    person = {name: line["affected_user"][name] for name in ("id", "username", "display_name")}
    return {"user": person, "row": line["source"]["row_number"], "activity_type": line["activity_type"]}


@pytest.mark.parametrize("path", ["/v1/activities", "/v1/activities/00000000-0000-0000-0000-000000000000"])
def test_without_a_token_nothing_is_read(stack: LocalStack, path: str) -> None:
    response = httpx.get(stack.layout.endpoints()["query_api"] + path)
    assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
