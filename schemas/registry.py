"""The schema registry, through the part of Confluent's HTTP API that every compatible registry serves.

The client libraries at hand take every HTTP 404 for "no such schema". A wrong base URL, or a proxy that is up before
its registry, answers 404 too, and the worker would dead-letter good records by the thousand. A node that lags behind
its registry answers 40403 for a new id. So a denial is believed only if it is about the id, and after a while.
"""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

from schemas.avro_schemas import AvroSchema, parse_event_schema
from schemas.errors import IncompatibleSchema, InvalidEvent, Reason, RegistryUnavailable, UnknownSchemaId
from schemas.topics import EVENTS_SUBJECT

COMPATIBILITY = "FULL_TRANSITIVE"
"""Every version reads every other: producers, workers and records in Kafka may be any mix of versions."""

BELIEVED_AFTER_SECONDS = 10.0
"""For how long the registry must deny an id before the id is unknown. A node lags behind its registry for less."""

MAX_SCHEMA_ID = 2**31 - 1
"""Registries number schemas with a signed 32-bit integer. The wire format has room for greater numbers."""

_MAX_DENIED = 10_000
_SCHEMA_NOT_FOUND = 40403
_HTTP_CONFLICT = 409
_HTTP_ERRORS = 400
_HTTP_SERVER_ERRORS = 500
_HTTP_OF_THE_MOMENT = frozenset({408, 425, 429})
"""Client errors that say nothing of what was asked for: too slow, too early, too often."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class SchemaRegistry(Protocol):
    """Where schema ids come from and what they mean."""

    async def register(self, subject: str, schema_text: str) -> int:
        """The id of *schema_text* under *subject*, registered if it was not.

        Idempotent. Raises `RegistryUnavailable`, or `IncompatibleSchema` where the subject's compatibility forbids it.
        """
        ...

    async def event_schema(self, schema_id: int) -> AvroSchema:
        """The schema under *schema_id*. An id never changes its meaning, so each is asked for once.

        Raises `UnknownSchemaId` where no registry can have the id, or the registry has denied it for
        `BELIEVED_AFTER_SECONDS`; `InvalidEvent` (`unexpected_schema`) where the id belongs to something else than the
        event; and `RegistryUnavailable` in every other case.
        """
        ...


class HttpSchemaRegistry:
    """`SchemaRegistry` over HTTP. Use it as an async context manager; it is bound to one event loop."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._schemas: dict[int, AvroSchema] = {}
        self._denied_since: dict[int, float] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def register(self, subject: str, schema_text: str) -> int:
        status, answer = await self._call("POST", f"/subjects/{subject}/versions", {"schema": schema_text})
        if status == _HTTP_CONFLICT:
            raise IncompatibleSchema(f"the registry refuses this schema under {subject}")
        if status >= _HTTP_ERRORS or not isinstance(answer.get("id"), int):
            raise RegistryUnavailable(_refusal(f"registering under {subject}", status))
        schema_id: int = answer["id"]
        return schema_id

    async def set_compatibility(self, subject: str, level: str = COMPATIBILITY) -> None:
        """Make the registry refuse versions of *subject* that are not compatible at *level*."""
        status, _ = await self._call("PUT", f"/config/{subject}", {"compatibility": level})
        if status >= _HTTP_ERRORS:
            raise RegistryUnavailable(_refusal(f"setting the compatibility of {subject}", status))

    async def event_schema(self, schema_id: int) -> AvroSchema:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = await self._look_up(schema_id)
        return self._schemas[schema_id]

    async def _look_up(self, schema_id: int) -> AvroSchema:
        if schema_id > MAX_SCHEMA_ID:
            raise UnknownSchemaId(schema_id)
        status, answer = await self._call("GET", f"/schemas/ids/{schema_id}")
        if status < _HTTP_ERRORS and isinstance(answer.get("schema"), str):
            self._denied_since.pop(schema_id, None)
            return _event_schema(answer["schema"])
        if not await self._is_denial(status, answer):
            self._denied_since.pop(schema_id, None)
            raise RegistryUnavailable(_refusal(f"looking up schema id {schema_id}", status))
        denied_for = self._denied_for(schema_id)
        if denied_for < BELIEVED_AFTER_SECONDS:
            raise RegistryUnavailable(f"schema id {schema_id} was denied for {denied_for:.0f} s")
        raise UnknownSchemaId(schema_id)

    async def _is_denial(self, status: int, answer: dict[str, Any]) -> bool:
        """Whether an answer denies the very id that was asked for: 40403, or an error that a known id does not get."""
        if answer.get("error_code") == _SCHEMA_NOT_FOUND:
            return True
        is_about_a_request = _HTTP_ERRORS <= status < _HTTP_SERVER_ERRORS and status not in _HTTP_OF_THE_MOMENT
        return is_about_a_request and await self._answers_a_known_id()

    async def _answers_a_known_id(self) -> bool:
        known_id = next(reversed(self._schemas), None)
        if known_id is None:
            _, latest = await self._call("GET", f"/subjects/{EVENTS_SUBJECT}/versions/latest")
            known_id = latest.get("id")
            if not isinstance(known_id, int):
                return False
        _, answer = await self._call("GET", f"/schemas/ids/{known_id}")
        return isinstance(answer.get("schema"), str)

    def _denied_for(self, schema_id: int) -> float:
        """For how many seconds the registry has denied *schema_id*, now included."""
        now = self._clock()
        if len(self._denied_since) >= _MAX_DENIED and schema_id not in self._denied_since:
            del self._denied_since[next(iter(self._denied_since))]
        return now - self._denied_since.setdefault(schema_id, now)

    async def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            raise RuntimeError("HttpSchemaRegistry is used outside its context")
        try:
            async with self._session.request(method, self._url + path, json=body) as response:
                answer = json.loads(await response.read())
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            reason = (
                f"no answer of a schema registry ({method} {path}: {type(error).__name__}): see SCHEMA_REGISTRY_URL"
            )
            raise RegistryUnavailable(reason) from error
        if not isinstance(answer, dict):
            raise RegistryUnavailable(f"{method} {path}: the answer is no JSON object")
        return response.status, answer


def _refusal(attempt: str, status: int) -> str:
    """Why *attempt* failed, in words that say what to mend where that is known."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"{attempt}: HTTP {status}, see user and password in SCHEMA_REGISTRY_URL"
    return f"{attempt}: HTTP {status}" + (
        ", see the path of SCHEMA_REGISTRY_URL" if status == HTTPStatus.NOT_FOUND else ""
    )


def _event_schema(text: str) -> AvroSchema:
    try:
        return parse_event_schema(text)
    except ValueError as error:
        raise InvalidEvent(Reason.UNEXPECTED_SCHEMA) from error
