"""The ClickHouse engine over one directory, used as a server uses it: each request in a session of its own.

chDB keeps a session (database, settings, temporary tables) for each connection. To make one and set it up costs more
than a small query does, so those that a request left as they were serve a later request that asks for the same
database and settings. Only reads and plain inserts leave a session as it was: nothing of one request can reach another.
"""

import fcntl
import re
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import chdb

from deploy.local.clickhouse.sql import Insert, NotServed, Statement, read

_SESSION_SETTINGS = {
    # The engine in process differs from a server in these two; async_insert would answer before the rows are durable.
    "async_insert": "0",
    "implicit_select": "0",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ERROR = re.compile(r"Code: (\d+)\. DB::Exception: .*", re.DOTALL)

_MEMORY_BYTES = str(2_000_000_000)
"""What all queries together may take."""
_MAX_QUERY_BYTES = 262_144
"""A server's default of `max_query_size`."""
_MAX_IDLE_SESSIONS = 16
_LEAVE_SESSIONS_ALONE = frozenset({"SELECT", "WITH"})
_DEFAULT_DATABASE = "default"
_DEFAULT_FORMAT = "TabSeparated"

NOT_IMPLEMENTED, SYNTAX_ERROR, UNKNOWN_SETTING, UNKNOWN_EXCEPTION = 48, 62, 115, 1002
_READONLY_BUT_SETTINGS = "2"


@dataclass(frozen=True, slots=True)
class Request:
    """One statement and the session it runs in. *text* may end with the rows of an INSERT."""

    text: bytes
    database: str = _DEFAULT_DATABASE
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned, and how many rows it scanned. The body is empty where it returns nothing."""

    body: bytes
    read_rows: int = 0


class EngineError(Exception):
    """A refusal, with ClickHouse's code and its own text as a server spells it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class CannotOpen(Exception):
    """The engine cannot use the directory, most often because another process does. The message says what to do."""


class _QueryResult(Protocol):
    def bytes(self) -> bytes: ...

    def storage_rows_read(self) -> int: ...


class _Session(Protocol):
    """A chDB connection, as far as it is used."""

    def query(self, query: str, format: str, params: dict[str, str] | None = None) -> _QueryResult: ...  # noqa: A002 - chDB's own name

    def close(self) -> None: ...


_SessionKey = tuple[str, tuple[tuple[str, str], ...]]
"""A session's database and settings."""


class _IdleSessions:
    """Sessions that are ready for another request, at most `_MAX_IDLE_SESSIONS`; the longest idle are closed first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: deque[tuple[_SessionKey, _Session]] = deque()

    def take(self, key: _SessionKey) -> _Session | None:
        """One that was set up as *key* says, which is the caller's alone from now on."""
        with self._lock:
            found = next((entry for entry in reversed(self._idle) if entry[0] == key), None)
            if found is None:
                return None
            self._idle.remove(found)
            return found[1]

    def give(self, key: _SessionKey, session: _Session) -> None:
        """Keep *session*, which is exactly as *key* says, for a later request."""
        with self._lock:
            self._idle.append((key, session))
            surplus = self._idle.popleft() if len(self._idle) > _MAX_IDLE_SESSIONS else None
        if surplus is not None:
            surplus[1].close()

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()


class Engine:
    """ClickHouse over *directory*. Every method blocks; any number of threads may call `execute`.

    What an INSERT wrote is in the file system when `execute` returns, so it outlives a SIGKILL of the process (not a
    power failure: ClickHouse does not fsync by default either).
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = str(directory)
        try:
            # The engine ends with its last connection, so this one stays open.
            self._root = _connect(self._path, {"max_server_memory_usage": _MEMORY_BYTES})
        except RuntimeError as error:
            raise CannotOpen(_why_not(directory)) from error
        self._idle = _IdleSessions()
        version, self.time_zone = self._root.query("SELECT version(), timezone()", "TSV").bytes().decode().split()
        self.version = version

    def execute(self, request: Request) -> Answer:
        """Run *request*. Raises `EngineError`."""
        try:
            statement = read(request.text)
        except NotServed as error:
            raise self._refusal(NOT_IMPLEMENTED, str(error), "NOT_IMPLEMENTED") from error
        # The engine in process reads a setting within the statement in time; a server has parsed it by then.
        longest = int(request.settings.get("max_query_size", _MAX_QUERY_BYTES))
        if isinstance(statement, Statement) and len(request.text) > longest:
            raise self._refusal(SYNTAX_ERROR, f"Max query size exceeded: {longest} bytes", "SYNTAX_ERROR")
        try:
            with self._session(request, is_kept=_leaves_session_alone(statement, request)) as session:
                if isinstance(statement, Insert):
                    # An insert takes no parameters of its own, only the session's.
                    self._set(session, {f"param_{name}": value for name, value in request.parameters.items()})
                    return _insert(session, statement)
                return _query(session, statement, request)
        except RuntimeError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """End the engine. Nothing is lost without it; the next start is a little faster."""
        self._idle.close()
        self._root.close()

    @contextmanager
    def _session(self, request: Request, *, is_kept: bool) -> Iterator[_Session]:
        """A session as *request* asks for it. *is_kept*: the statement leaves it so, and another request may have it.

        One in which a statement failed is never kept.
        """
        settings = {**request.settings, **({"readonly": _READONLY_BUT_SETTINGS} if request.read_only else {})}
        key = request.database, tuple(settings.items())
        session = self._idle.take(key) or self._new_session(request.database, settings)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        if is_kept:
            self._idle.give(key, session)
        else:
            session.close()

    def _new_session(self, database: str, settings: Mapping[str, str]) -> _Session:
        session = _connect(self._path, _SESSION_SETTINGS)
        try:
            if database != _DEFAULT_DATABASE:
                session.query(f"USE {_identifier(database)}", "Null")
            self._set(session, settings)
        except BaseException:
            session.close()
            raise
        return session

    def _set(self, session: _Session, settings: Mapping[str, str]) -> None:
        """Set all of *settings* in one statement."""
        if not all(map(_NAME.fullmatch, settings)):
            raise self._refusal(
                UNKNOWN_SETTING, "a setting's name is letters, digits and underscores", "UNKNOWN_SETTING"
            )
        if settings:
            changes = ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())
            session.query(f"SET {changes}", "Null")

    def _refusal(self, code: int, text: str, name: str) -> EngineError:
        return EngineError(code, f"Code: {code}. DB::Exception: {text}. ({name}) (version {self.version})")

    def _translated(self, error: Exception) -> EngineError:
        found = _ERROR.search(str(error))
        if found is None:
            return self._refusal(UNKNOWN_EXCEPTION, str(error), "UNKNOWN_EXCEPTION")
        version = f"(version {self.version})"
        text = found[0].rstrip()
        return EngineError(int(found[1]), text if text.endswith(version) else f"{text} {version}")


def _why_not(directory: Path) -> str:
    """Ask the lock itself: the engine's exception says nothing, its reason goes to standard error alone."""
    try:
        with (directory / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return f"{directory} is open in another process; stop that one first, or choose another directory"
    except OSError as error:
        return f"{directory} cannot be used: {error.strerror}"
    return f"the engine cannot open {directory}; its own message stands above"


def _connect(path: str, options: Mapping[str, str]) -> _Session:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return cast("_Session", chdb.connect(f"{path}?{query}"))


def _leaves_session_alone(statement: Insert | Statement, request: Request) -> bool:
    if isinstance(statement, Insert):
        return not request.parameters
    return statement.first_word in _LEAVE_SESSIONS_ALONE


def _insert(session: _Session, insert: Insert) -> Answer:
    # Through a file: chDB's `send_insert` reports rows as written that the table refused (no space, too many parts).
    with tempfile.NamedTemporaryFile(suffix=".rows") as file:
        file.write(insert.data)
        file.flush()
        sql = f"{insert.statement} FROM INFILE {_literal(file.name)} FORMAT {insert.data_format}"
        session.query(sql, "Null")
    return Answer(b"")


def _query(session: _Session, statement: Statement, request: Request) -> Answer:
    result = session.query(statement.text, _DEFAULT_FORMAT, params=dict(request.parameters))
    return Answer(result.bytes() or b"", result.storage_rows_read())


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"
