"""From an HTTP request to what the engine runs: where ClickHouse's clients put statements, parameters and settings."""

import asyncio

import cramjam
from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest

from deploy.local.clickhouse.engine import Request

MAX_BODY_BYTES = 1 << 30
TOO_LARGE, BAD_ARGUMENTS, NOT_IMPLEMENTED, FORBIDDEN = 12, 36, 48, 516

_NOT_SETTINGS = frozenset(
    {"client_protocol_version", "database", "query", "query_id", "session_id", "session_timeout", "wait_end_of_query"}
)
"""URL parameters of clickhouse-connect that are no settings of the engine. Each request has a session of its own."""


class Refused(Exception):
    """A request that never reaches the engine, with the code that ClickHouse has for the reason."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def require_own_page(http: HttpRequest) -> None:
    """A page of another site may send a POST without asking; its `Origin` gives it away. Clients send none."""
    origin = http.headers.get("origin")
    if origin is not None and origin != f"{http.url.scheme}://{http.headers.get('host')}":
        raise Refused(FORBIDDEN, "requests from web pages are not accepted")


async def read_request(http: HttpRequest) -> Request | None:
    """The request as the engine takes it; `None` where it has no statement. Raises `Refused`.

    The body is read whole before the engine sees any of it: a connection that breaks on the way inserts nothing.
    """
    options = dict(http.query_params)
    if http.headers.get("content-type", "").startswith("multipart/form-data"):
        options |= await _form_fields(http)
        body = b""
    else:
        body = await _read_body(http)
    # ClickHouse's own rule: the parameter, a line break, the body.
    query = options.get("query", "").encode()
    text = query + b"\n" + body if query else body
    if not text and http.method == "GET":
        return None
    return Request(
        text=text,
        database=options.get("database") or "default",
        settings={k: v for k, v in options.items() if k not in _NOT_SETTINGS and not k.startswith("param_")},
        parameters={k.removeprefix("param_"): v for k, v in options.items() if k.startswith("param_")},
        read_only=http.method == "GET",
    )


async def _form_fields(http: HttpRequest) -> dict[str, str]:
    """The fields of a form: how clients send parameters that are too long for a URL."""
    form = await http.form(max_part_size=MAX_BODY_BYTES)
    if any(isinstance(value, UploadFile) for value in form.values()):
        raise Refused(NOT_IMPLEMENTED, "external tables are not served")
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _read_body(http: HttpRequest) -> bytes:
    chunks, size = [], 0
    async for chunk in http.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise Refused(TOO_LARGE, f"the body is larger than {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = http.headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    if encoding != "lz4":
        raise Refused(NOT_IMPLEMENTED, f"bodies in {encoding} are not served")
    try:
        return bytes(await asyncio.to_thread(cramjam.lz4.decompress, body))
    except cramjam.DecompressionError as error:
        raise Refused(BAD_ARGUMENTS, "the body is not valid lz4") from error
