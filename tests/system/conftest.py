import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.free_ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 120


@dataclass
class ClickHouseProcess:
    """The local ClickHouse as its own process, so that it can be killed."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def spawn(self) -> "subprocess.Popen[str]":
        """Start a process on the directory without waiting for it."""
        command = [sys.executable, "-m", "deploy.local.clickhouse.server"]
        command += ["--data-dir", str(self.directory), "--port", str(self.port)]
        return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.process = self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/ping").raise_for_status()
            except httpx.TransportError:
                assert self.process.poll() is None, self.process.communicate()[0]
                time.sleep(0.05)
            else:
                return
        pytest.fail("the server did not start")

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    server = ClickHouseProcess(tmp_path_factory.mktemp("clickhouse"))
    server.start()
    yield server
    server.kill()
