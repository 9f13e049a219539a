"""What a reader asks for in the benchmark of reading, and what the peers are asked instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from clickhouse_connect.driver.client import Client

from tests.benchmarks.read_data import Log, user_ref
from tests.benchmarks.read_peers import PAGE_LINES, naive, naive_stats

LIST, STATS, USERS = "/v1/activities", "/v1/activities/stats", "/v1/users"
DEEP_PAGE = 1_000
_LONGEST_PAGE = 500
_PAGE_MS, _FILTER_MS, _RARE_PERSON_MS, _SEARCH_MS = 10, 15, 20, 15


@dataclass(frozen=True, slots=True)
class Case:
    """A request of the API, and what the peer is asked instead (nothing where *conditions* is `None`).

    *target_ms* is for the median.
    """

    name: str
    path: str
    parameters: Mapping[str, Any]
    conditions: Mapping[str, str] | None = None
    offset: int = 0
    target_ms: int | None = None

    def ask(self, client: httpx.Client) -> Any:
        """The API's answer. Raises where it refuses."""
        answer = client.get(self.path, params=self.parameters or None)
        answer.raise_for_status()
        return answer.json()

    def ask_peer(self, client: Client) -> int:
        """The peer's number of rows."""
        if self.path == STATS:
            return naive_stats(client)
        return naive(client, self.conditions or {}, self.offset)


def cases(log: Log, key: bytes, cursor: str) -> list[Case]:
    """What is measured. *cursor* leads to page `DEEP_PAGE`."""
    many, few = 0, log.largest_users // 2
    kind, channel = {"activity_type": "admin_rights_update"}, {"channel": "file_import"}
    day = {"from": f"{log.quiet_day}T00:00:00Z", "to": f"{log.quiet_day}T23:59:59Z"}
    return [
        Case("first page", LIST, {}, {}, target_ms=_PAGE_MS),
        Case(f"page {DEEP_PAGE} by cursor", LIST, {"cursor": cursor}, {}, PAGE_LINES * (DEEP_PAGE - 1), _PAGE_MS),
        Case("activity type, 5 %", LIST, kind, kind, target_ms=_FILTER_MS),
        Case("channel, 10 %", LIST, channel, channel, target_ms=_FILTER_MS),
        Case("affected user, most lines", LIST, _user(many), _user_ref(key, many), target_ms=_FILTER_MS),
        Case("affected user, few lines", LIST, _user(few), _user_ref(key, few), target_ms=_RARE_PERSON_MS),
        Case("admin", LIST, {"admin": "usr_0"}, {"admin_ref": str(user_ref(key, 0))}, target_ms=_FILTER_MS),
        Case("everybody deleted", LIST, {"affected_user": "ref:deleted"}, target_ms=_FILTER_MS),
        Case("one day", LIST, day, target_ms=_FILTER_MS),
        Case("counts of a year by day", STATS, {"tz": "Europe/Paris"}, {}),
        Case("users", USERS, {}),
        Case("users, searched", USERS, {"q": "77"}, target_ms=_SEARCH_MS),
    ]


def cursor_of_deep_page(client: httpx.Client) -> str:
    """The cursor of page `DEEP_PAGE`, reached as a caller would who takes long pages."""
    place: dict[str, Any] = {}
    lines = PAGE_LINES * (DEEP_PAGE - 1)
    for limit in [_LONGEST_PAGE] * (lines // _LONGEST_PAGE) + [lines % _LONGEST_PAGE]:
        cursor = Case("", LIST, {"limit": limit, **place}).ask(client)["page"]["next_cursor"]
        place = {"cursor": cursor}
    return str(place["cursor"])


def _user(number: int) -> dict[str, str]:
    return {"affected_user": f"usr_{number}"}


def _user_ref(key: bytes, number: int) -> dict[str, str]:
    return {"affected_user_ref": str(user_ref(key, number))}
