"""From an HTTP request to what the engine runs: where ClickHouse's clients put statements, settings and passwords."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from typing import cast

import cramjam
from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest

from deploy.local.clickhouse.engine import Request

MAX_BODY_BYTES = 1 << 30
TOO_LARGE, BAD_ARGUMENTS, NOT_IMPLEMENTED, AUTHENTICATION_FAILED = 12, 36, 48, 516

_NOT_SETTINGS = frozenset(
    {
        "buffer_size",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "param",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
"""URL parameters that are no settings of the engine. Those that ask for what is not served are in `_REFUSED`."""

_REFUSED = {
    "compress": (1, "compression of the native protocol is not served: use HTTP's Content-Encoding"),
    "decompress": (1, "compression of the native protocol is not served: use HTTP's Content-Encoding"),
    "role": (None, "roles are not served"),
    "session_check": (1, "sessions are not kept, so this one does not exist"),
}
"""What a client may not ask for: the value that asks (`None`: any), and the answer."""

_DECOMPRESSORS: dict[str, Callable[[bytes], object]] = {
    "gzip": cramjam.gzip.decompress,
    "lz4": cramjam.lz4.decompress,
    "zstd": cramjam.zstd.decompress,
}


class Refused(Exception):
    """A request that never reaches the engine, with the code that ClickHouse has for the reason."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def require_own_page(http: HttpRequest) -> None:
    """A page of another site may send a POST without asking; its `Origin` gives it away. Clients send none."""
    origin = http.headers.get("origin")
    if origin is not None and origin != f"{http.url.scheme}://{http.headers.get('host')}":
        raise Refused(AUTHENTICATION_FAILED, "requests from web pages are not accepted")


def given_password(http: HttpRequest) -> str:
    """The password from wherever ClickHouse's clients put it; empty where there is none."""
    scheme, _, credentials = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return http.headers.get("x-clickhouse-key") or http.query_params.get("password", "")


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
    _require_served(options)
    # ClickHouse's own rule: the parameter, a line break, the body.
    query = options.get("query", "").encode()
    text = query + b"\n" + body if query else body
    if not text and http.method == "GET":
        return None
    return Request(
        text=text,
        database=options.get("database") or http.headers.get("x-clickhouse-database") or "default",
        settings={k: v for k, v in options.items() if k not in _NOT_SETTINGS and not k.startswith("param_")},
        parameters={k.removeprefix("param_"): v for k, v in options.items() if k.startswith("param_")},
        default_format=options.get("default_format") or http.headers.get("x-clickhouse-format") or "TabSeparated",
        read_only=http.method == "GET",
        in_session="session_id" in options,
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
    if encoding not in _DECOMPRESSORS:
        raise Refused(NOT_IMPLEMENTED, f"Unknown compression method: {encoding}")
    try:
        return bytes(cast("bytes", await asyncio.to_thread(_DECOMPRESSORS[encoding], body)))
    except cramjam.DecompressionError as error:
        raise Refused(BAD_ARGUMENTS, f"the body is not valid {encoding}") from error


def _require_served(options: Mapping[str, str]) -> None:
    for name, (asking, text) in _REFUSED.items():
        if name in options and (asking is None or options[name] == str(asking)):
            raise Refused(NOT_IMPLEMENTED, f"{name}: {text}")
