"""A log to read from: many client spaces, a tenth of all lines in the largest, a year, the newest month not yet merged.

Each insert holds the lines of some hours or days, as live events do; one line in a thousand is inserted again. Every
user was created, one in ten was deleted, one in a hundred came back; one in twenty was renamed. ClickHouse makes the
lines itself, in pieces: what was cut off is continued, and a log that is there is not made again. The newest lines come
first, so a log that is not finished is the end of a year.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from uuid import UUID

from clickhouse_connect.driver.client import Client

from schemas.person_ref import person_ref
from schemas.rows import ACTIVITY_LOG
from stream.clients.migrate import migrate

DATABASE = "audit"
LARGEST = "space-0"
COPIED = 1_000
"""One line in so many is stored twice."""

DAYS = 360
ADMINS = 40
_FEWEST_INSERTS, _LARGEST_INSERT, _INSERTS_OF_COPIES = 36, 1_000_000, 4
_REFS_PER_INSERT = 100_000
_THRIFT = {"max_threads": 1, "max_insert_threads": 1, "optimize_on_insert": 0}
"""One thread, for what else runs. Copies are left to merges: to look for them takes half of an insert's time."""
_LARGEST_USERS_PER_LINE = 50
_OTHER_USERS = 1_000

_ROWS = """
INSERT INTO {database}.activity_log
WITH
    if(number % 10 = 0, 0, 1 + cityHash64(number) % {others}) AS space,
    if(space = 0, {largest_users}, {other_users}) AS users,
    concat('space-', toString(space)) AS client_space,
    cityHash64(number, 1) AS chance,
    -- A few people are in many lines, most in few.
    toUInt32(users * pow((chance % 100000) / 100000, 2)) AS user,
    toUInt32({admins} * pow((cityHash64(number, 2) % 100000) / 100000, 3)) AS admin,
    {newest:DateTime64(6, 'UTC')} - toIntervalMicrosecond({step} * ({lines} - number)) AS at,
    chance % 100 AS kind
SELECT
    client_space,
    at,
    reinterpretAsUUID(reinterpret(sipHash128(number), 'FixedString(16)')),
    multiIf(kind < 20, 'user_creation', kind < 30, 'user_deletion',
        kind < 95, 'user_license_update', 'admin_rights_update'),
    multiIf(kind % 10 < 5, 'ui', kind % 10 < 9, 'api', 'file_import'),
    joinGet({database}.bench_refs, 'ref', concat(toString(space), '/', toString(admin))),
    joinGet({database}.bench_refs, 'ref', concat(toString(space), '/', toString(user))),
    if(kind >= 30 AND kind < 95, ['Data Reader', 'Data Steward', 'Data Explorer'][1 + chance % 3], NULL),
    if(kind >= 30 AND kind < 95, ['Data Steward', 'Data Reader', NULL][1 + chance % 3], NULL),
    if(kind >= 95, chance % 2, NULL),
    'user-service', concat('req-', toString(number)), NULL, NULL, NULL,
    at + toIntervalMillisecond(250),
    number % 12,
    number,
    1,
    18446744073709551615 - {copy}
        - bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(at) + 250), 22), toUInt64(number % 4194304))
FROM numbers({start}, {count})
WHERE {copy} = 0 OR number % {copied} = 0
"""

_PERSONS = (
    """
    INSERT INTO {database}.person_names
    SELECT concat('space-', splitByChar('/', key)[1]), ref, concat('usr_', splitByChar('/', key)[2]),
        concat('user', splitByChar('/', key)[2], if(renamed, '.old', ''), '@example.com'),
        concat('User Number ', splitByChar('/', key)[2]),
        {newest:DateTime64(6, 'UTC')} - INTERVAL 400 DAY, {newest:DateTime64(6, 'UTC')}
    FROM {database}.bench_refs ARRAY JOIN if(cityHash64(key) % 20 = 0, [0, 1], [0]) AS renamed
    WHERE cityHash64(key, 3) % 10 != 0 OR cityHash64(key, 3) % 100 = 0
    """,
    """
    INSERT INTO {database}.person_lifetimes
    SELECT concat('space-', splitByChar('/', key)[1]), ref, life.1,
        {newest:DateTime64(6, 'UTC')} - toIntervalDay(life.2),
        reinterpretAsUUID(reinterpret(sipHash128(key, life.1, life.2), 'FixedString(16)')),
        bitNot(bitShiftLeft(toUInt64(
            toUnixTimestamp64Milli({newest:DateTime64(6, 'UTC')} - toIntervalDay(life.2))), 22))
    FROM {database}.bench_refs
    ARRAY JOIN [('created', 400), ('erased', 100), ('created', 50)] AS life
    WHERE life.2 = 400 OR (life.2 = 100 AND cityHash64(key, 3) % 10 = 0)
        OR (life.2 = 50 AND cityHash64(key, 3) % 100 = 0)
    """,
)


_PIECES = "bench_pieces"
"""Which pieces of the log are there, each with the time of the newest line."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log of *lines* distinct lines in *spaces* client spaces, the newest at *newest*."""

    lines: int
    spaces: int
    newest: datetime

    @property
    def largest_users(self) -> int:
        """How many users the largest client space has."""
        return max(self.lines // 10 // _LARGEST_USERS_PER_LINE, ADMINS)

    @property
    def quiet_day(self) -> date:
        """A day in the middle of the year."""
        return (self.newest - timedelta(days=DAYS // 2)).date()


def load(client: Client, log: Log, key: bytes, *, told: Callable[[str], None] = lambda _: None) -> Log:
    """Make *log* in the database `audit`, under the pseudonymization key *key*, or what is missing of it.

    The log that is returned has the time of the first attempt. *told* hears of each tenth piece. A piece that was cut
    off is made again: its lines are then copies.
    """
    list(migrate(client, DATABASE))
    client.command(
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.{_PIECES} (piece UInt32, newest DateTime64(6, 'UTC'))"
        " ENGINE = MergeTree ORDER BY piece"
    )
    rows = client.query(f"SELECT piece, newest FROM {DATABASE}.{_PIECES}").result_rows
    done = {int(piece): newest for piece, newest in rows}
    log = replace(log, newest=min(done.values(), default=log.newest))
    pieces: list[Callable[[], None]] = [partial(_insert_persons, client, log, key)]
    pieces += [partial(_insert, client, log, start, count, copy) for start, count, copy in inserts(log)]
    for number, piece in enumerate(pieces):
        if number not in done:
            piece()
            client.insert(_PIECES, [(number, log.newest)], column_names=("piece", "newest"), database=DATABASE)
            if number % 10 == 0:
                told(f"piece {number + 1} of {len(pieces)}")
    client.command(f"DROP TABLE IF EXISTS {DATABASE}.bench_refs")
    _merge_past(client)
    return log


def _merge_past(client: Client) -> None:
    """Every partition but the newest becomes one part, as ClickHouse does by itself a day after the last insert."""
    for table in (ACTIVITY_LOG, "person_lines"):
        of_table = "active AND database = {database:String} AND table = {table:String}"
        sql = f"SELECT DISTINCT partition_id FROM system.parts WHERE {of_table} ORDER BY 1"
        found = client.query(sql, parameters={"database": DATABASE, "table": table}).result_rows
        for (partition,) in found[:-1]:
            statement = f"OPTIMIZE TABLE {DATABASE}.{table} PARTITION ID '{partition}' FINAL"
            client.command(statement, settings={**_THRIFT, "optimize_skip_merged_partitions": 1})


def user_ref(key: bytes, number: int) -> UUID:
    """The ref of a user of the largest client space: the lower the number, the more lines are about them."""
    return person_ref(key, LARGEST, f"usr_{number}")


def inserts(log: Log) -> Iterator[tuple[int, int, int]]:
    """Start, number of lines, and whether they are copies (1) or not (0), of each insert."""
    for copy, inserts in ((0, max(_FEWEST_INSERTS, log.lines // _LARGEST_INSERT)), (1, _INSERTS_OF_COPIES)):
        for number in reversed(range(inserts)):
            start, end = (log.lines * place // inserts for place in (number, number + 1))
            yield start, end - start, copy


def _insert_persons(client: Client, log: Log, key: bytes) -> None:
    table = f"{DATABASE}.bench_refs"
    client.command(f"DROP TABLE IF EXISTS {table}")
    client.command(f"CREATE TABLE {table} (key String, ref UUID) ENGINE = Join(ANY, LEFT, key)")
    refs = _refs(log, key)
    while some := list(islice(refs, _REFS_PER_INSERT)):
        client.insert("bench_refs", some, column_names=("key", "ref"), database=DATABASE)
    for statement in _PERSONS:
        _run(client, log, statement.replace("{database}", DATABASE))


def _refs(log: Log, key: bytes) -> Iterator[tuple[str, UUID]]:
    for space in range(log.spaces):
        for number in range(_OTHER_USERS if space else log.largest_users):
            yield f"{space}/{number}", person_ref(key, f"space-{space}", f"usr_{number}")


def _insert(client: Client, log: Log, start: int, count: int, copy: int) -> None:
    values = {
        "database": DATABASE,
        "others": log.spaces - 1,
        "largest_users": log.largest_users,
        "other_users": _OTHER_USERS,
        "admins": ADMINS,
        "step": DAYS * 86_400_000_000 // log.lines,
        "lines": log.lines,
        "start": start,
        "count": count,
        "copy": copy,
        "copied": COPIED,
    }
    statement = _ROWS
    for name, value in values.items():
        statement = statement.replace(f"{{{name}}}", str(value))
    _run(client, log, statement)


def _run(client: Client, log: Log, statement: str) -> None:
    client.command(statement, parameters={"newest": log.newest}, settings=_THRIFT)
