"""An upstream service installs the small wheel beside what it has, and its events become lines."""

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deploy.local.layout import REPOSITORY
from producers.event_json import to_json
from tests.builders import an_event
from tests.faults.workers import wait_until
from tests.free_ports import free_port
from tests.log_client import LogClient
from tests.upstream_wheel import build_wheel, environment_with, run

ReadLog = Callable[[str], LogClient]

OWN_MODULES = {
    "schemas.py": "UserIn = dict\n",
    "stream.py": "TOPIC = 'its own'\n",
    "producers.py": "NAMES = ['Acme']\n",
}
SERVICE = """
import asyncio, sys
import pydantic
import producers, schemas, stream  # the service's own
from user_management_audit import KafkaPublisher, Person, UiSession, load_settings

async def main(client_space_id):
    async with KafkaPublisher(load_settings()) as publisher:
        admin = Person("usr_grace", "grace@example.com")
        ui = UiSession(publisher, client_space_id=client_space_id, admin=admin, service="users")
        await ui.user_created(Person("usr_ada", "ada@example.com"))

assert (schemas.UserIn, stream.TOPIC, producers.NAMES) == (dict, "its own", ["Acme"])
assert pydantic.VERSION.startswith("2.11."), pydantic.VERSION
asyncio.run(main(sys.argv[1]))
"""


PAGE = REPOSITORY / "producers" / "README.md"
INTAKE_PAGE = REPOSITORY / "producers" / "intake" / "README.md"
INTAKE = {
    "AUDIT_INTAKE_TOKEN_KEY": base64.b64encode(b"k" * 32).decode(),
    "AUDIT_INTAKE_TOKEN_ISSUER": "https://platform.example.com",
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("upstream")
    return environment_with(build_wheel(folder / "dist"), folder / "venv")


def test_every_part_of_the_wheel_can_be_imported_with_its_extras(python: Path, tmp_path: Path) -> None:
    parts = ("commands.cli", "outbox.command", "intake.app", "asgi", "django", "scim", "file_import", "pytest_plugin")
    # pytest is the service's own; any module of that name will do here.
    stand_in = "class fixture:\n    def __init__(self, function): pass\n"
    (tmp_path / "pytest.py").write_text(stand_in, encoding="utf-8")
    program = "".join(f"import user_management_audit.{part}\n" for part in parts)
    run(
        [
            str(python),
            "-c",
            program + "from user_management_audit.intake.json_schema import json_schema\njson_schema()",
        ],
        tmp_path,
    )


def test_a_service_with_modules_of_the_same_names_and_an_older_pydantic_publishes(
    python: Path, tmp_path: Path, stack_environment: dict[str, str], client_space_id: str, read_log: ReadLog
) -> None:
    for name, text in {**OWN_MODULES, "service.py": SERVICE}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run([str(python), "service.py", client_space_id], tmp_path, stack_environment)
    (line,) = read_log(client_space_id).wait_for(lambda found: len(found) == 1)
    assert line["affected_user"]["username"] == "ada@example.com"


@pytest.mark.parametrize(("number", "lines"), [(0, 4), (1, 3)], ids=["async", "blocking"])
def test_a_program_of_the_page_runs_as_shown(  # noqa: PLR0913, PLR0917 - one argument per fixture
    python: Path,
    tmp_path: Path,
    stack_environment: dict[str, str],
    client_space_id: str,
    read_log: ReadLog,
    number: int,
    lines: int,
) -> None:
    program = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]
    run([str(python), "-c", program.replace("acme", client_space_id)], tmp_path, stack_environment)
    read_log(client_space_id).wait_for(lambda found: len(found) == lines)


FORKS = """
import os
from user_management_audit.activities import live_stamp

live_stamp()
if not all(os.fork() for _ in range(4)):
    ids = "".join(f"{live_stamp().event_id}\\n" for _ in range(100))
    os.write(1, ids.encode())
    os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def test_forked_processes_never_make_the_same_event_ids(python: Path, tmp_path: Path) -> None:
    ids = run([str(python), "-c", FORKS], tmp_path).split()
    # The random part: two processes need not make an id in the same millisecond here.
    assert len({event_id[14:] for event_id in ids}) == len(ids) == 400


@pytest.fixture
def intake(stack_environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of `audit-produce serve`, which runs."""
    port, script = free_port(), Path(sys.executable).with_name("audit-produce")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(script), "serve", "--port", str(port)],
            env={**os.environ, **stack_environment, **INTAKE},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(lambda: answers(port) or server.poll() is not None, what="the intake")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            # uvicorn ends in order, and then by the signal itself.
            assert server.wait(60) == -signal.SIGTERM


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False


def test_events_over_http_become_lines_once(
    intake: str, python: Path, tmp_path: Path, client_space_id: str, read_log: ReadLog
) -> None:
    (sign,) = re.findall(r"```python\n(.*?)```", INTAKE_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    token = run([str(python), "-c", sign.replace("acme", client_space_id)], tmp_path, INTAKE).strip()
    headers = {"authorization": f"Bearer {token}"}
    now = datetime.now(UTC)
    body = [to_json(an_event(client_space_id=client_space_id, occurred_at=now)) for _ in range(2)]
    for _ in range(2):  # a repetition is the same events
        answer = httpx.post(f"{intake}/v1/events", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
    last = to_json(an_event(client_space_id=client_space_id, occurred_at=datetime.now(UTC)))
    assert httpx.post(f"{intake}/v1/events", json=last, headers=headers, timeout=60).status_code == 200
    # The last one shows that the worker is past the repetition: all are of one user, hence of one partition.
    lines = read_log(client_space_id).wait_for(lambda found: any(x["event_id"] == last["event_id"] for x in found))
    assert {line["event_id"] for line in lines} == {event["event_id"] for event in [*body, last]}
    assert len(lines) == 3
