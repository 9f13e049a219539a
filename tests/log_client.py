"""The log as a client space's administrator reads it: over HTTP, page by page."""

import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

import httpx

from deploy.local.stack.stack import LocalStack
from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE, development_token
from query_api.settings import Settings
from tests.warm_processes import warm_processes

Line = dict[str, Any]
DEADLINE_SECONDS = 60.0


class LogClient:
    """Reads one client space of a running stack, under a development token for it."""

    def __init__(self, stack: LocalStack, client_space_id: str, *, page_size: int = 100) -> None:
        self._page_size = page_size
        names = {field.validation_alias for field in Settings.model_fields.values()}
        token = development_token(
            Settings.model_validate({name: value for name, value in stack.environment().items() if name in names}),
            client_space_id=client_space_id,
            subject="tests",
            scope=f"{READ_SCOPE} {EXPORT_SCOPE}",
            now=int(time.time()),
            expires_in_seconds=3600,
        )
        self._http = httpx.Client(
            base_url=stack.layout.endpoints()["query_api"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """One request, whatever its answer."""
        return self._http.get(path, params=parameters)

    def lines(self, **filters: Any) -> list[Line]:
        """Every line that *filters* leave, page after page, newest first unless they say otherwise."""
        return list(self.walk(**filters))

    def walk(self, **filters: Any) -> Iterator[Line]:
        """`lines`, with one page in memory at a time."""
        parameters = {"limit": self._page_size, **filters}
        while True:
            response = self.get("/v1/activities", **parameters)
            assert response.status_code == httpx.codes.OK, response.text
            page = response.json()
            yield from page["data"]
            if not page["page"]["has_more"]:
                return
            parameters["cursor"] = page["page"]["next_cursor"]

    def exports(self) -> list[bytes]:
        """The whole log as a file, in each format."""
        answers = [self.get("/v1/activities/export", format=name) for name in ("csv", "jsonl")]
        assert [answer.status_code for answer in answers] == [httpx.codes.OK] * len(answers)
        return [answer.content for answer in answers]

    def event_ids(self) -> list[str]:
        """The event id of each line."""
        return [line["event_id"] for line in self.lines()]

    def wait_for(self, condition: Callable[[list[Line]], bool]) -> list[Line]:
        """The lines, once *condition* holds for them."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            lines = self.lines()
            if condition(lines):
                return lines
            if time.monotonic() > deadline:
                raise AssertionError(f"after {DEADLINE_SECONDS} s the log has {len(lines)} lines and is not as awaited")
            time.sleep(0.1)

    def close(self) -> None:
        """End the connections."""
        self._http.close()


def run_command(stack: LocalStack, name: str, *arguments: str) -> str:
    """What one of the console scripts prints, run against *stack*; fails the test where it fails."""
    completed = try_command(stack, name, *arguments)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def try_command(stack: LocalStack, name: str, *arguments: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    """How one of the console scripts ends, run against *stack* with *said* as its standard input."""
    (script,) = entry_points(group="console_scripts", name=name)
    # Wide enough for every table.
    environment = {**stack.environment(), "COLUMNS": "200"}
    return warm_processes().run(script.value, list(arguments), environment, said)
