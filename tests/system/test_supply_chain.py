"""What the image installs is listed, and a known vulnerability in it turns the audit red."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

VULNERABLE = "fastavro"
FLAW = "INVENTED-2026-1"
ADVISORY = {
    "id": FLAW,
    "modified": "2026-11-28T00:00:00Z",
    "published": "2026-11-28T00:00:00Z",
    "details": "An invented flaw.",
    "affected": [{"package": {"name": VULNERABLE, "ecosystem": "PyPI"}, "ranges": [], "versions": []}],
}


@pytest.fixture
def locked(repository: Path) -> dict[str, str]:
    """The version of each package that the image installs."""
    text = (repository / "requirements/production.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


class Advisories(ThreadingHTTPServer):
    """A service of advisories as OSV's, with one flaw or none."""

    has_flaw = False

    def __init__(self) -> None:
        self.asked: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Answers)


class _Answers(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["package"]["name"]
        self.server.asked.add(asked)
        body = json.dumps({"vulns": [ADVISORY]} if self.server.has_flaw and asked == VULNERABLE else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
        """Say nothing."""


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    """Runs while the test does."""
    with Advisories() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def make(repository: Path, target: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--no-print-directory", target],
        cwd=repository,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_names_every_package_of_the_image_with_version_and_hashes(
    repository: Path, locked: dict[str, str]
) -> None:
    done = make(repository, "sbom")
    assert done.returncode == 0, done.stdout + done.stderr
    listed = json.loads((repository / "dist/sbom.cdx.json").read_text(encoding="utf-8"))
    assert (listed["bomFormat"], listed["metadata"]["component"]["name"]) == ("CycloneDX", "user-management-audit-log")
    assert {one["name"]: one["version"] for one in listed["components"]} == locked
    assert all(one["externalReferences"][0]["hashes"] for one in listed["components"])


def test_the_audit_asks_for_every_package_and_is_red_at_a_known_flaw_or_without_an_answer(
    repository: Path, advisories: Advisories, locked: dict[str, str]
) -> None:
    service = {
        "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
        "PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{advisories.server_port}/v1/query",
    }
    assert make(repository, "audit", **service).returncode == 0
    # Only Windows gets colorama.
    assert set(locked) - {name.lower() for name in advisories.asked} <= {"colorama"}
    advisories.has_flaw = True
    red = make(repository, "audit", **service)
    assert red.returncode != 0
    assert FLAW in red.stdout
    gone = {**service, "PIP_AUDIT_OSV_URL": "http://127.0.0.1:9/v1/query"}
    assert make(repository, "audit", **gone).returncode != 0
