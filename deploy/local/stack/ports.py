"""Whether the ports are free, asked before anything starts: a service's own complaint comes late and unclear."""

import socket
from dataclasses import asdict

import psutil

from deploy.local.errors import StackError
from deploy.local.layout import HOST, Ports


def require_free(ports: Ports, names: set[str]) -> None:
    """Raise `StackError`, naming each taken one of the ports in *names* and who has it, as far as that can be told."""
    taken = [(name, port) for name, port in asdict(ports).items() if name in names and not _is_free(port)]
    if taken:
        listed = "\n".join(f"  {port} ({name}): {_owner(port)}" for name, port in taken)
        raise StackError(f"these ports on {HOST} are in use:\n{listed}\nChoose others with --port-base.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the services do: a port that only waits for old connections to die is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _owner(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens_there = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,)
            if listens_there and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another user's process"
