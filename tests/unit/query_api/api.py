"""The query API in process, over a store in memory: what its tests share."""

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt

from query_api.app import create_app
from query_api.settings import Settings
from schemas.person_ref import person_ref
from schemas.rows import CREATED, ERASED, ActivityRow, PersonNameRow
from tests.builders import KEY, NOW, a_lifetime
from tests.fakes.reader import InMemoryAccessLog, InMemoryLogReader

SECRET = b"s" * 32
ISSUER = "https://login.example.com"
SPACE = "acme"


def settings_for(**values: Any) -> Settings:
    """Settings for development, whatever the environment says."""
    defaults = {
        "AUDIT_ENVIRONMENT": "development",
        "CLICKHOUSE_URL": "http://127.0.0.1:8123",
        "AUDIT_PSEUDONYMIZATION_KEY": encoded(KEY),
        "AUDIT_CURSOR_KEY": encoded(b"c" * 32),
        "AUDIT_DEVELOPMENT_TOKEN_SECRET": encoded(SECRET),
        "AUDIT_TOKEN_ISSUER": ISSUER,
    }
    return Settings.model_validate({**defaults, **values})


def encoded(key: bytes) -> str:
    """*key* as a setting holds it."""
    return base64.b64encode(key).decode()


def claims(**values: Any) -> dict[str, Any]:
    """A valid token's claims; a value of `None` leaves one out.

    Some are made when tests are collected, and the last test of a run comes long after.
    """
    now = int(time.time())
    defaults = {
        "iss": ISSUER,
        "aud": "audit",
        "sub": "grace",
        "client_space_id": SPACE,
        "scope": "profile audit:read",
        "iat": now,
        "exp": now + 86_400,
    }
    return {name: value for name, value in {**defaults, **values}.items() if value is not None}


def token(**values: Any) -> str:
    """A token that the development settings accept, unless *values* say otherwise."""
    return jwt.encode(claims(**values), SECRET, algorithm="HS256")


def ref_of(person_id: str, space: str = SPACE) -> UUID:
    """The stored ref of a person."""
    return person_ref(KEY, space, person_id)


@dataclass
class Api:
    """A client of the API, the store behind it, and its clock."""

    client: httpx.AsyncClient
    store: InMemoryLogReader
    clock: list[datetime] = field(default_factory=lambda: [NOW])
    access_log: InMemoryAccessLog = field(default_factory=InMemoryAccessLog)

    async def get(self, path: str, space: str = SPACE, **parameters: Any) -> httpx.Response:
        """The answer to a caller of *space*. `from_` stands for `from`."""
        query = {name.rstrip("_"): value for name, value in parameters.items()}
        headers = {"Authorization": f"Bearer {token(client_space_id=space)}"}
        return await self.client.get(path, params=query or None, headers=headers)

    async def page(self, space: str = SPACE, **parameters: Any) -> dict[str, Any]:
        """The body of a page."""
        answer = await self.get("/v1/activities", space, **parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def found(self, **parameters: Any) -> set[str]:
        """The `event_id` of each line of a page."""
        return {line["event_id"] for line in (await self.page(**parameters))["data"]}

    def record(self, person_id: str = "usr_ada", admin_id: str = "usr_admin", space: str = SPACE, **fields: Any) -> str:
        """Store a line, and return its `event_id`."""
        row = ActivityRow(
            client_space_id=space,
            occurred_at=NOW,
            event_id=uuid4(),
            activity_type="user_creation",
            channel="ui",
            admin_ref=ref_of(admin_id, space),
            affected_user_ref=ref_of(person_id, space),
            previous_license=None,
            new_license=None,
            admin_rights_granted=None,
            source_service=None,
            request_id=None,
            import_id=None,
            import_file_sha256=None,
            import_row_number=None,
            recorded_at=max(NOW, fields.get("occurred_at", NOW)),
            kafka_partition=0,
            kafka_offset=1,
            schema_id=7,
            precedence=1,
        )._replace(**fields)
        self.store.insert([row])
        return str(row.event_id)

    def name(self, person_id: str, username: str, display_name: str, seen: datetime = NOW) -> None:
        """Store a name."""
        row = PersonNameRow(SPACE, ref_of(person_id), person_id, username, display_name, seen, seen)
        self.store.insert(names=[row])

    def delete(self, person_id: str, at: datetime) -> None:
        """Store the end of a life, and forget the names of it as the worker does."""
        self.store.insert(lifetimes=[a_lifetime(SPACE, ref_of(person_id), ERASED, at)])
        self.store.names = [row for row in self.store.names if row.person_id != person_id]

    def create(self, person_id: str, at: datetime) -> None:
        """Store the beginning of a life."""
        self.store.insert(lifetimes=[a_lifetime(SPACE, ref_of(person_id), CREATED, at)])


@asynccontextmanager
async def running_api(**settings: Any) -> AsyncIterator[Api]:
    """The API over an empty store."""
    store, clock, accesses = InMemoryLogReader(), [NOW], InMemoryAccessLog()
    app = create_app(settings_for(**settings), store, lambda: clock[0], accesses)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://audit.example.com") as client:
        yield Api(client, store, clock, accesses)
