"""Serves the panel: `/panel/<version>/…`, and `/panel/user-management-log.js`, which leads to today's version.

The version names the content, so that a browser never has to ask again and never mixes the modules of two releases. A
host embeds the address without a version: an upgrade of the API needs no change in its pages.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cramjam
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from query_api.http.codings import accepted_codings
from query_api.panel.steps import MAP, STEPS, served
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
    is_kept = settings.environment == "production"
    files = PanelFiles(directory, is_kept=is_kept)
    entry = entry_of(version).encode()
    encoded = _encoded(entry)
    etag = f'"{version}"'

    @app.head(f"{PREFIX}/{ENTRY}", include_in_schema=False)
    @app.get(f"{PREFIX}/{ENTRY}", include_in_schema=False)
    async def current_version(request: Request) -> Response:
        headers = {"Cache-Control": _ASK_AGAIN, "ETag": etag, "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        for coding in accepted_codings(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = coding
            return Response(encoded[coding], media_type="text/javascript", headers=headers)
        return Response(entry, media_type="text/javascript", headers=headers)

    @app.head(f"{PREFIX}/{version}/{{name:path}}", include_in_schema=False)
    @app.get(f"{PREFIX}/{version}/{{name:path}}", include_in_schema=False)
    async def panel_file(request: Request, name: str) -> Response:
        file = files.find(name)
        if file is None:
            raise HTTPException(404)
        headers = {
            "Cache-Control": _FOR_EVER if is_kept else _ASK_AGAIN,
            # Module scripts are fetched under CORS.
            "Access-Control-Allow-Origin": "*",
            "ETag": file.etag,
            "Vary": "Accept-Encoding",
        }
        if file.source_map:
            headers["SourceMap"] = file.source_map
        if request.headers.get("If-None-Match") == file.etag:
            return Response(status_code=304, headers=headers)
        for coding in accepted_codings(request.headers.get("Accept-Encoding", "")):
            if coding in file.encoded:
                headers["Content-Encoding"] = coding
                return Response(file.encoded[coding], media_type=file.media_type, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)


def entry_of(version: str) -> str:
    """The module behind the address without a version."""
    return f'export * from "./{version}/{ENTRY}";\n'


@dataclass(frozen=True, slots=True)
class PanelFile:
    """A file as it is sent."""

    content: bytes
    encoded: Mapping[str, bytes]
    media_type: str
    etag: str
    source_map: str
    """The name of the file that leads from its lines to the modules; empty where there is none."""


class PanelFiles:
    """What is made of the files under *directory*: once if they are *is_kept*, else whenever one is asked for."""

    def __init__(self, directory: Path, *, is_kept: bool) -> None:
        self._directory = directory
        self._kept = _files_of(_sources_under(directory)) if is_kept else None

    def find(self, name: str) -> PanelFile | None:
        """The file of that name, if there is one. Raises `ValueError` where the modules cannot be joined."""
        files = _files_of(_sources_under(self._directory)) if self._kept is None else self._kept
        return files.get(name)


def _sources_under(directory: Path) -> tuple[tuple[str, str], ...]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return tuple((path.relative_to(directory).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


@lru_cache(maxsize=1)
def _files_of(sources: tuple[tuple[str, str], ...]) -> Mapping[str, PanelFile]:
    """What is sent for *sources*, names and contents. A module of a step has no file of its own."""
    files = served(dict(sources))
    return {name: _file(name, content.encode()) for name, content in files.items()}


def _file(name: str, content: bytes) -> PanelFile:
    media_type = mimetypes.guess_type(name)[0] or "text/plain"
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH]}"'
    # Maps are for tools on the reader's own machine, and long.
    encoded = {} if name.endswith(MAP) else _encoded(content)
    return PanelFile(content, encoded, media_type, etag, f"{name}{MAP}" if name in STEPS else "")


@lru_cache(maxsize=64)
def _encoded(content: bytes) -> Mapping[str, bytes]:
    """*content* by content coding. Brotli needs a seventh less than gzip; browsers take it over https only."""
    return {"br": bytes(cramjam.brotli.compress(content, level=11)), "gzip": gzip.compress(content, mtime=0)}


def static_directory() -> Path:
    """Where the installed package holds the panel's files."""
    return Path(__file__).with_name("static")


def version_of(directory: Path) -> str:
    """A name for what is sent of *directory*: another one as soon as any file, or how the files are joined, differs."""
    digest = hashlib.sha256()
    for name, text in sorted(served(dict(_sources_under(directory))).items()):
        content = text.encode()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_VERSION_LENGTH]
