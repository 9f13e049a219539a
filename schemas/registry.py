"""The schema registry, through the part of Confluent's HTTP API that every compatible registry serves.

Written here rather than taken from a client library for one reason: the libraries at hand make every HTTP 404 into
"no such schema". A wrong base URL, or a proxy that is up before its registry, answers 404 too, and the worker would
then dead-letter good records by the thousand. Only error code 40403 says that the id does not exist.
"""

import json
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

from schemas.avro_schemas import AvroSchema, parse_event_schema
from schemas.errors import IncompatibleSchema, InvalidEvent, Reason, RegistryUnavailable, UnknownSchemaId

COMPATIBILITY = "FULL_TRANSITIVE"
"""Every version reads every other: producers, workers and records in Kafka may be any mix of versions."""

_SCHEMA_NOT_FOUND = 40403
_HTTP_CONFLICT = 409
_HTTP_ERRORS = 400
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

        Raises `UnknownSchemaId` only on the registry's own word, `InvalidEvent` (`unexpected_schema`) where the id
        belongs to something else than the event, and `RegistryUnavailable` in every other case.
        """
        ...


class HttpSchemaRegistry:
    """`SchemaRegistry` over HTTP. Use it as an async context manager; it is bound to one event loop."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._schemas: dict[int, AvroSchema] = {}
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
            raise RegistryUnavailable(f"registering under {subject}: HTTP {status}")
        schema_id: int = answer["id"]
        return schema_id

    async def set_compatibility(self, subject: str, level: str = COMPATIBILITY) -> None:
        """Make the registry refuse versions of *subject* that are not compatible at *level*."""
        status, _ = await self._call("PUT", f"/config/{subject}", {"compatibility": level})
        if status >= _HTTP_ERRORS:
            raise RegistryUnavailable(f"setting the compatibility of {subject}: HTTP {status}")

    async def event_schema(self, schema_id: int) -> AvroSchema:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = await self._look_up(schema_id)
        return self._schemas[schema_id]

    async def _look_up(self, schema_id: int) -> AvroSchema:
        status, answer = await self._call("GET", f"/schemas/ids/{schema_id}")
        if answer.get("error_code") == _SCHEMA_NOT_FOUND:
            raise UnknownSchemaId(schema_id)
        if status >= _HTTP_ERRORS or not isinstance(answer.get("schema"), str):
            raise RegistryUnavailable(f"looking up schema id {schema_id}: HTTP {status}")
        try:
            return parse_event_schema(answer["schema"])
        except ValueError as error:
            raise InvalidEvent(Reason.UNEXPECTED_SCHEMA) from error

    async def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        if self._session is None:
            raise RuntimeError("HttpSchemaRegistry is used outside its context")
        try:
            async with self._session.request(method, self._url + path, json=body) as response:
                answer = json.loads(await response.read())
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise RegistryUnavailable(f"{method} {path}: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise RegistryUnavailable(f"{method} {path}: the answer is no JSON object")
        return response.status, answer
