"""Ports for the servers that a test starts, which no other test process and no outgoing connection takes meanwhile."""

import random
import socket
from contextlib import ExitStack
from dataclasses import fields

from deploy.local.layout import HOST, Ports

_ROW = len(fields(Ports))
# Below the ports that Linux (32768-60999) and macOS (49152-65535) give to outgoing connections: one of those would take
# a port of a server that is down for a moment.
_ROWS = range(20_000, 32_768 - _ROW, _ROW)
_HELD: list[socket.socket] = []


def free_port_base() -> int:
    """The first of a row of free ports that is long enough for a stack, this process's own until it ends."""
    for base in random.sample(_ROWS, len(_ROWS)):
        with ExitStack() as taken:
            try:
                # Of its own kind, a mark for other test processes: the servers here speak TCP.
                mark = taken.enter_context(_bound(base, socket.SOCK_DGRAM))
                for port in range(base, base + _ROW):
                    _bound(port, socket.SOCK_STREAM).close()
            except OSError:
                continue
            taken.pop_all()
            _HELD.append(mark)
            return base
    raise RuntimeError("no free ports")


def free_port() -> int:
    """A free port, this process's own until it ends."""
    return free_port_base()


def _bound(port: int, kind: socket.SocketKind) -> socket.socket:
    bound = socket.socket(type=kind)
    try:
        if kind is socket.SOCK_STREAM:
            # As the servers do: a port that only waits for old connections to die is free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound
