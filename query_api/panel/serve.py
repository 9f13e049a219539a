"""Serves the panel: `/panel/<version>/…`, and `/panel/user-management-log.js`, which leads to today's version.

The version names the content, so that a browser never has to ask again and never mixes the modules of two releases. A
host embeds the address without a version: an upgrade of the API needs no change in its pages.
"""

import gzip
import hashlib
import mimetypes
import re
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
from query_api.settings import Settings

ENTRY = "user-management-log.js"
PREFIX = "/panel"

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_VERSION_LENGTH = 12
_VENDORED = "vendor/"
# Each is imported while the page runs, with all that it needs.
_LOADED_LATER = ("log.js", "rest.js")
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*.*?\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
_TYPE = re.compile(r"/\*\* @type [^\n]*?\*/ ?")
_IMPORT = re.compile(r"^(?:import|export) [^;]*? from '\./([^']+)';", re.MULTILINE)
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)


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
        if request.headers.get("If-None-Match") == file.etag:
            return Response(status_code=304, headers=headers)
        for coding in accepted_codings(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = coding
            return Response(file.encoded[coding], media_type=file.media_type, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)


def entry_of(version: str) -> str:
    """The module behind the address without a version."""
    return f'export * from "./{version}/{ENTRY}";\n'


def needs_of(name: str, directory: Path) -> list[str]:
    """The modules that *name* imports, and those that they import: all of which it waits for."""
    names = [name]
    for one in names:
        for imported in _imported_by((directory / one).read_text(encoding="utf-8")):
            needed = (Path(one).parent / imported).as_posix()
            if needed not in names:
                names.append(needed)
    return names[1:]


@lru_cache(maxsize=64)
def _imported_by(code: str) -> list[str]:
    return _IMPORT.findall(code)


@dataclass(frozen=True, slots=True)
class PanelFile:
    """A file as it is sent."""

    content: bytes
    encoded: Mapping[str, bytes]
    media_type: str
    etag: str


class PanelFiles:
    """The files under *directory*, read and compressed once if they are *is_kept*, else whenever they are asked for."""

    def __init__(self, directory: Path, *, is_kept: bool) -> None:
        self._directory = directory
        self._names = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
        self._kept = {name: _read(name, directory) for name in self._names} if is_kept else {}

    def find(self, name: str) -> PanelFile | None:
        """The file of that name relative to the directory; `None` where there was none at the start."""
        if name in self._kept or name not in self._names:
            return self._kept.get(name)
        return _read(name, self._directory)


def _read(name: str, directory: Path) -> PanelFile:
    content = (directory / name).read_bytes()
    if name.endswith(".js") and not name.startswith(_VENDORED):
        content = compact(content.decode()).encode()
    if name in _LOADED_LATER:
        # A browser then asks for all of them at once, and not for each after the one that imports it. The lines stay.
        content = "".join(f'import "./{needed}";' for needed in needs_of(name, directory)).encode() + content
    media_type = mimetypes.guess_type(name)[0] or "text/plain"
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH]}"'
    return PanelFile(content, _encoded(content), media_type, etag)


@lru_cache(maxsize=64)
def _encoded(content: bytes) -> Mapping[str, bytes]:
    """*content* by content coding. Brotli needs a seventh less than gzip; browsers take it over https only."""
    return {"br": bytes(cramjam.brotli.compress(content, level=11)), "gzip": gzip.compress(content, mtime=0)}


def compact(code: str) -> str:
    """*code* without types, indentation and comments that have lines to themselves: a third, which no browser needs.

    The lines stay, so that errors name the right one. No template may hold a line that begins like a comment, or depend
    on its indentation.
    """
    bare = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), code)
    return _INDENTATION.sub("", _TYPE.sub("", bare))


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
