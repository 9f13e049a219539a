"""Test processes run side by side: what one has taken, no other may be given."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.layout import HOST
from tests import free_ports


def test_each_call_gives_a_row_of_its_own() -> None:
    assert len({free_ports.free_port_base() for _ in range(20)}) == 20


def test_a_row_that_another_process_has_taken_is_not_given(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; from tests.free_ports import *; print(free_port_base(), flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        taken = int(other.stdout.readline())
        monkeypatch.setattr(free_ports, "_ROWS", range(taken, taken + 1))
        with pytest.raises(RuntimeError, match="no free ports"):
            free_ports.free_port_base()
        other.communicate()
    assert free_ports.free_port_base() == taken


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_row_with_a_server_in_it_is_not_given(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    base = free_ports.free_port_base()
    free_ports._HELD.pop().close()
    monkeypatch.setattr(free_ports, "_ROWS", range(base, base + 1))
    with socket.create_server((HOST, base + place)), pytest.raises(RuntimeError, match="no free ports"):
        free_ports.free_port_base()
    assert free_ports.free_port_base() == base
