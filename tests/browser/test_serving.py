"""How the panel and the vendored files are served and kept. No browser, no stack."""

import base64
import gzip
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import cramjam
import httpx
import pytest
from fastapi import FastAPI

from query_api.panel import serve
from query_api.panel.serve import PanelFiles, mount_panel, static_directory, version_of
from query_api.panel.steps import served
from query_api.settings import Settings
from tests import chromium


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def settings(**changed: Any) -> Settings:
    usual = {
        "environment": "development",
        "clickhouse_url": "http://127.0.0.1:8123",
        "pseudonymization_key": key("p"),
        "cursor_key": key("c"),
        "development_token_secret": key("s"),
        "token_issuer": "tests",
    }
    return Settings(**{**usual, **changed})


def production() -> Settings:
    return settings().model_copy(update={"environment": "production"})


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests")


async def test_an_address_without_a_version_leads_to_files_that_are_kept_for_ever() -> None:
    app = FastAPI()
    mount_panel(app, production())
    version = version_of(static_directory())
    async with client(app) as http:
        entry = await http.get("/panel/user-management-log.js")
        assert entry.text == f'export * from "./{version}/user-management-log.js";\n'
        assert entry.headers["cache-control"] == "no-cache"
        unchanged = await http.get("/panel/user-management-log.js", headers={"If-None-Match": entry.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        address = f"/panel/{version}/user-management-log.js"
        module = await http.get(address, headers={"Accept-Encoding": "gzip, deflate"})
        assert module.headers["content-type"].startswith("text/javascript")
        assert module.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert module.headers["content-encoding"] == "gzip"
        assert module.headers["access-control-allow-origin"] == "*"
        unchanged = await http.get(address, headers={"If-None-Match": module.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert (await http.get(f"/panel/{version}/../app.py")).status_code == 404
        assert (await http.get("/panel/0/user-management-log.js")).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("", None),
        ("identity", None),
    ],
)
async def test_each_browser_gets_the_shortest_form_that_it_takes(accepted: str, coding: str | None) -> None:
    app = FastAPI()
    mount_panel(app, settings())
    async with client(app) as http:
        address = f"/panel/{version_of(static_directory())}/log.js"
        headers = {"Accept-Encoding": accepted}
        async with http.stream("GET", address, headers=headers) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    decode = {"br": lambda: bytes(cramjam.brotli.decompress(raw)), "gzip": lambda: gzip.decompress(raw)}
    plain = PanelFiles(static_directory(), is_kept=False).find("log.js")
    assert plain
    assert (decode[coding]() if coding else raw) == plain.content


async def test_a_joined_file_leads_tools_to_its_modules() -> None:
    app = FastAPI()
    mount_panel(app, production())
    async with client(app) as http:
        address = f"/panel/{version_of(static_directory())}"
        file = await http.get(f"{address}/log.js")
        assert file.headers["SourceMap"] == "log.js.map"
        sections = (await http.get(f"{address}/log.js.map")).json()["sections"]
        assert "SourceMap" not in (await http.get(f"{address}/locales/en.js")).headers
        assert (await http.get(f"{address}/table.js")).status_code == 404
    table = next(section["map"] for section in sections if section["map"]["sources"] == ["table.js"])
    assert table["sourcesContent"] == [(static_directory() / "table.js").read_text(encoding="utf-8")]


async def test_in_development_an_edit_is_served_at_once(tmp_path: Path) -> None:
    shutil.copytree(static_directory(), tmp_path, dirs_exist_ok=True)
    edited, kept = (PanelFiles(tmp_path, is_kept=is_kept) for is_kept in (False, True))
    with (tmp_path / "table.js").open("a", encoding="utf-8") as module:
        module.write("const added = 1;\n")
    found = [files.find("log.js") for files in (edited, kept)]
    assert [file and b"const added = 1;\n" in file.content for file in found] == [True, False]
    assert edited.find("../serve.py") is None


def test_the_version_changes_with_any_file_and_with_how_files_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(static_directory(), tmp_path, dirs_exist_ok=True)
    (tmp_path / "a.js").write_text("1", encoding="utf-8")
    versions = [version_of(tmp_path)]
    (tmp_path / "a.js").write_text("2", encoding="utf-8")
    versions.append(version_of(tmp_path))
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    versions.append(version_of(tmp_path))
    monkeypatch.setattr(serve, "served", lambda sources: {**served(sources), "log.js": "joined in another way"})
    versions.append(version_of(tmp_path))
    assert len(set(versions)) == len(versions)


def test_the_files_are_part_of_the_package() -> None:
    package = files("query_api")
    for name in ("panel/static/user-management-log.js", "panel/static/vendor/lit-html/LICENSE"):
        assert (package / name).is_file(), name


def test_a_named_browser_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(chromium.NoBrowser, match="CHROMIUM is /nowhere/chromium"):
        chromium.find_browser()


def test_where_none_can_be_installed_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(chromium.NoBrowser, match="apt-get install chromium"):
        chromium.ensure_browser()
