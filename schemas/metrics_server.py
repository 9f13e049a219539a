"""Where Prometheus reads a process's metrics: a port of their own, without a login."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from schemas.settings import InvalidSettings


@contextmanager
def metrics_served(registry: CollectorRegistry, host: str, port: int | None) -> Iterator[None]:
    """Serve *registry* during the block, unless *port* is 0 or `None`. Raises `InvalidSettings` where it is taken."""
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise InvalidSettings(f"the metrics cannot be served on {host}:{port}: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
