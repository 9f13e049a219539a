"""An upstream service installs the small wheel beside what it has, and its events become lines."""

from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("upstream")
    return environment_with(build_wheel(folder / "dist"), folder / "venv")


def test_a_service_with_modules_of_the_same_names_and_an_older_pydantic_publishes(
    python: Path, tmp_path: Path, stack_environment: dict[str, str], client_space_id: str, read_log: ReadLog
) -> None:
    for name, text in {**OWN_MODULES, "service.py": SERVICE}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run([str(python), "service.py", client_space_id], tmp_path, stack_environment)
    (line,) = read_log(client_space_id).wait_for(lambda found: len(found) == 1)
    assert line["affected_user"]["username"] == "ada@example.com"
