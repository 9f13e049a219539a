"""The demo page: only the local stack serves it, and it gives tokens to pages of this machine only."""

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.demo.page import mount_demo
from query_api.app import create_app
from schemas.settings import InvalidSettings
from tests.unit.query_api.api import settings_for


def client(app: FastAPI, host: str = "127.0.0.1:8080") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}")


async def test_development_alone_gives_no_token() -> None:
    async with client(create_app(settings_for())) as http:
        assert (await http.post("/demo/session/audit-token")).status_code == 404
        assert (await http.get("/demo")).status_code == 404


async def test_the_demo_page_brings_its_policy_and_its_files() -> None:
    async with client(mount_demo(create_app(settings_for()), settings_for())) as http:
        page = await http.get("/demo")
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert (await http.get("/demo/assets/demo.js")).headers["Cache-Control"] == "no-cache"
        assert (await http.get("/demo/assets/nothing.js")).status_code == 404


def test_the_demo_page_is_refused_in_production() -> None:
    production = settings_for().model_copy(update={"environment": "production"})
    with pytest.raises(InvalidSettings, match="refused in production"):
        mount_demo(FastAPI(), production)


async def test_the_demo_hands_out_short_tokens_only() -> None:
    async with client(mount_demo(FastAPI(), settings_for())) as http:
        given = await http.post("/demo/session/audit-token", params={"client_space": "acme"})
        assert given.headers["cache-control"] == "no-store"
        assert given.text.count(".") == 2
        too_long = await http.post("/demo/session/audit-token", params={"expires_in_seconds": 901})
        assert too_long.status_code == 422
        assert (await http.get("/demo/session/audit-token")).status_code == 405


@pytest.mark.parametrize("host", ["attacker.example.com", "127.0.0.1.example.com", "10.0.0.7"])
async def test_a_host_name_that_only_leads_here_gets_nothing(host: str) -> None:
    """DNS rebinding: the browser sends the foreign page's own host name to this machine."""
    async with client(mount_demo(create_app(settings_for()), settings_for()), host) as http:
        for path in "/demo/session/audit-token", "/demo/csp-reports", "/healthz":
            assert (await http.post(path)).status_code == 400


async def test_reports_of_browsers_are_kept_whatever_they_hold() -> None:
    async with client(mount_demo(FastAPI(), settings_for())) as http:
        for body in (b'{"csp-report":{}}', b"\xff", b"1" * 20_000):
            assert (await http.post("/demo/csp-reports", content=body)).status_code == 204
        assert (await http.get("/demo/csp-reports")).json() == [{"csp-report": {}}, {"unreadable": True}]
