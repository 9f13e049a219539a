"""A log to read from: 500 client spaces, a tenth of all lines in the largest, a year, and copies no merge has reached.

Lines arrive in the order of their time, as live events do, in many inserts; one line in a thousand is inserted again.
Every user was created, one in ten was deleted, one in a hundred came back; one in twenty was renamed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clickhouse_connect.driver.client import Client

from schemas.person_ref import person_ref
from stream.clients.migrate import migrate

SPACES = 500
LARGEST = "space-0"
INSERTS = 36
COPIED = 1_000
"""One line in so many is stored twice."""

DAYS = 360
ADMINS = 40
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


@dataclass(frozen=True, slots=True)
class Log:
    """A loaded log: *lines* distinct lines, the newest at *newest*."""

    database: str
    lines: int
    newest: datetime

    @property
    def largest_users(self) -> int:
        """How many users the largest client space has."""
        return max(self.lines // 10 // _LARGEST_USERS_PER_LINE, ADMINS)


def load(client: Client, log: Log, key: bytes) -> None:
    """Make *log* anew in its database, under the pseudonymization key *key*."""
    client.command(f"DROP DATABASE IF EXISTS {log.database}")
    list(migrate(client, log.database))
    client.command(f"CREATE TABLE {log.database}.bench_refs (key String, ref UUID) ENGINE = Join(ANY, LEFT, key)")
    client.insert("bench_refs", list(_refs(log, key)), column_names=("key", "ref"), database=log.database)
    newest = {"newest": log.newest}
    for statement in _PERSONS:
        client.command(statement.replace("{database}", log.database), parameters=newest)
    for number in range(INSERTS):
        start, end = (log.lines * place // INSERTS for place in (number, number + 1))
        client.command(_rows(log, start=start, count=end - start, copy=0), parameters=newest)
    for number in range(4):
        client.command(_rows(log, start=log.lines * number // 4, count=log.lines // 4, copy=1), parameters=newest)
    client.command(f"DROP TABLE {log.database}.bench_refs")


def user_ref(key: bytes, number: int) -> UUID:
    """The ref of a user of the largest client space: the lower the number, the more lines are about them."""
    return person_ref(key, LARGEST, f"usr_{number}")


def _refs(log: Log, key: bytes) -> Iterator[tuple[str, UUID]]:
    for space in range(SPACES):
        for number in range(_OTHER_USERS if space else log.largest_users):
            yield f"{space}/{number}", person_ref(key, f"space-{space}", f"usr_{number}")


def _rows(log: Log, *, start: int, count: int, copy: int) -> str:
    values = {
        "database": log.database,
        "others": SPACES - 1,
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
    return statement
