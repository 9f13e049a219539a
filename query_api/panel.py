"""Serves the panel: `/panel/<version>/…` for ever, and `/panel/user-management-log.js`, which leads to today's version.

The version names the content, so that a browser never has to ask again and never mixes the modules of two releases. A
host embeds the address without a version: an upgrade of the API needs no change in its pages.
"""

import hashlib
import mimetypes
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from query_api.settings import Settings

ENTRY = "user-management-log.js"
PREFIX = "/panel"

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_VERSION_LENGTH = 12


def mount_panel(app: FastAPI, settings: Settings) -> None:
    """Add the panel's files to *app*. In development browsers ask for them each time: they are being edited."""
    # A system's table of types may know .js under another name, and browsers run modules under this one only.
    mimetypes.add_type("text/javascript", ".js")
    directory = static_directory()
    version = version_of(directory)
    caching = _FOR_EVER if settings.environment == "production" else _ASK_AGAIN
    entry = f'export * from "./{version}/{ENTRY}";\n'
    etag = f'"{version}"'

    @app.get(f"{PREFIX}/{ENTRY}", include_in_schema=False)
    async def current_version(request: Request) -> Response:
        headers = {"Cache-Control": _ASK_AGAIN, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(entry, media_type="text/javascript", headers=headers)

    app.mount(f"{PREFIX}/{version}", GZipMiddleware(CachedFiles(directory, caching)), name="panel")


class CachedFiles(StaticFiles):
    """A folder whose answers carry *caching*. Other origins may load it: module scripts are fetched under CORS."""

    def __init__(self, directory: Path, caching: str) -> None:
        super().__init__(directory=directory)
        self._caching = caching

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or the problem document for none."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = self._caching
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response


def static_directory() -> Path:
    """Where the installed package holds the panel's files."""
    return Path(__file__).with_name("static")


def version_of(directory: Path) -> str:
    """A name for the content of *directory*: another one as soon as any file in it differs."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(directory).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_VERSION_LENGTH]
