"""The address of ClickHouse as worker and query API read it from the same setting."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 8123, "https": 8443}


@dataclass(frozen=True, slots=True)
class ClickHouseAddress:
    """Where ClickHouse's HTTP interface is, and as whom to ask it."""

    scheme: str
    host: str
    port: int
    username: str = field(repr=False)
    password: str = field(repr=False)


def read_clickhouse_url(url: str) -> ClickHouseAddress:
    """The address in *url*, `http[s]://[user:password@]host[:port]`; user and password may be percent-encoded.

    Raises `ValueError`, whose text says what is wrong and never quotes *url*.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("must be a URL such as http://user:password@host:8123")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the port: the database is a setting of its own")
    username, password = unquote(parts.username or "default"), unquote(parts.password or "")
    return ClickHouseAddress(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], username, password)
