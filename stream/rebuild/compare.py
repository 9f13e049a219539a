"""What the served tables hold and the rebuilt ones do not: all of it, whatever is last in either.

A worker may have stored lines that it had not committed. The next worker stores and publishes those again, so they are
not missing. Every other line that is served must have been rebuilt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clickhouse_connect.driver.client import Client

from schemas.rows import (
    ACTIVITY_LOG,
    PERSON_LIFETIMES,
    PERSON_NAMES,
    ActivityRow,
    PersonLifetimeRow,
    record_offset,
    row_offset,
)
from stream.pipeline.published_names import LAST_SIGHTING_SLACK
from stream.rebuild.store import Databases

SHOWN_LINES = 5
"""Lines that are named of each client space and month."""

_SLACK = f"INTERVAL {LAST_SIGHTING_SLACK // timedelta(seconds=1)} SECOND"


@dataclass(frozen=True, slots=True)
class Commit:
    """How far the workers have committed a partition of events.

    *offset* is the first that the next worker reads, in the topic of the id *topic_id*. That is empty where no worker
    has committed it.
    """

    offset: int
    topic_id: str


@dataclass(frozen=True, slots=True)
class ServedLine:
    """A served line that was not rebuilt, or not with the same content."""

    client_space_id: str
    occurred_at: datetime
    event_id: str
    kafka_partition: int
    kafka_offset: int
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one client space, lines of one month, that are *missing* from the rebuilt table or *changed* in it."""

    table: str
    client_space_id: str
    month: int
    missing: int
    changed: int


@dataclass(slots=True)
class Comparison:
    """All differences; of the lines, some by name. *uncommitted* lines will be stored again by the next worker."""

    differences: list[Difference] = field(default_factory=list)
    lines: list[ServedLine] = field(default_factory=list)
    uncommitted: int = 0

    @property
    def lost_lines(self) -> int:
        """How many served lines an exchange would take away or change."""
        return sum(found.missing + found.changed for found in self.differences if found.table == ACTIVITY_LOG)


def compare(databases: Databases, commits: Mapping[int, Commit], *, since: datetime, until: datetime) -> Comparison:
    """Compare every line from *since* on, where the retention starts, and every person that was seen before *until*.

    *commits* were read before the last records were. Blocks and raises `Unavailable`.
    """
    comparison = Comparison()
    with databases.client() as client:
        bounds = _bounds(commits, _epochs(client, databases), _empty_partitions(client, databases, since))
        for month in _months(client, databases, since):
            _compare_lines(client, databases, {**bounds, "since": since, "month": month}, comparison)
        for table, sql in ((PERSON_LIFETIMES, _LIFETIMES), (PERSON_NAMES, _NAMES)):
            rows = client.query(_with_names(sql, databases), {"since": since, "until": until}).result_rows
            comparison.differences += [
                Difference(table, space, 0, missing, changed) for space, missing, changed in rows
            ]
    return comparison


def _compare_lines(client: Client, databases: Databases, parameters: dict[str, object], comparison: Comparison) -> None:
    rows = client.query(_with_names(_LINES, databases), parameters).result_rows
    for space, month, missing, changed, uncommitted, lines in rows:
        comparison.uncommitted += uncommitted
        if missing or changed:
            comparison.differences.append(Difference(ACTIVITY_LOG, space, month, missing, changed))
            comparison.lines += [
                ServedLine(space, at, str(event), partition, record_offset(offset), is_missing)
                for at, event, partition, offset, is_missing in lines
            ]


def _months(client: Client, databases: Databases, since: datetime) -> list[int]:
    """One after the other: the log of a month must fit into memory, that of a year need not."""
    sql = (
        "SELECT DISTINCT toYYYYMM(occurred_at) FROM SERVED.activity_log"
        " WHERE occurred_at >= {since:DateTime64(6, 'UTC')}"
    )
    return sorted(int(month) for (month,) in client.query(_with_names(sql, databases), {"since": since}).result_rows)


def _empty_partitions(client: Client, databases: Databases, since: datetime) -> set[int]:
    """Partitions of which lines are served and none was rebuilt. No commit excuses that."""
    sql = (
        "SELECT DISTINCT kafka_partition FROM SERVED.activity_log WHERE occurred_at >= {since:DateTime64(6, 'UTC')}"
        " AND kafka_partition NOT IN (SELECT kafka_partition FROM REBUILT.activity_log)"
    )
    return {int(partition) for (partition,) in client.query(_with_names(sql, databases), {"since": since}).result_rows}


def _epochs(client: Client, databases: Databases) -> dict[str, int]:
    """The epoch of each topic of events that was read, by the topic's id."""
    sql = "SELECT toString(topic_id), max(epoch) FROM SERVED.topic_epochs GROUP BY topic_id"
    return {str(topic_id): int(epoch) for topic_id, epoch in client.query(_with_names(sql, databases)).result_rows}


def _bounds(commits: Mapping[int, Commit], epochs: Mapping[str, int], but_for: set[int]) -> dict[str, object]:
    """What lines must have as their `kafka_offset` at least to be uncommitted, by partition."""
    bounds = {
        partition: row_offset(epochs[commit.topic_id], commit.offset)
        for partition, commit in commits.items()
        if commit.topic_id in epochs and partition not in but_for
    }
    return {"partitions": list(bounds), "offsets": list(bounds.values())}


def _with_names(sql: str, databases: Databases) -> str:
    return sql.replace("SERVED", databases.served).replace("REBUILT", databases.rebuilt)


_LINE_KEY = "client_space_id, occurred_at, event_id"
_LINE_CONTENT = f"cityHash64(toString(tuple({', '.join(ActivityRow._fields)}))) AS content"


_NEVER = f"toUInt64({2**64 - 1})"
"""The bound of a partition that has none."""

_LINES = f"""
SELECT
    client_space_id,
    {{month:UInt32}},
    countIf(NOT is_there AND NOT uncommitted),
    countIf(is_there),
    countIf(NOT is_there AND uncommitted),
    groupArrayIf({SHOWN_LINES})(
        (occurred_at, event_id, kafka_partition, kafka_offset, NOT is_there), is_there OR NOT uncommitted)
FROM
(
    SELECT {_LINE_KEY}, kafka_partition, kafka_offset, {_LINE_CONTENT},
        kafka_offset >= transform(kafka_partition, {{partitions:Array(UInt16)}}, {{offsets:Array(UInt64)}}, {_NEVER})
            AS uncommitted
    FROM SERVED.activity_log FINAL
    WHERE toYYYYMM(occurred_at) = {{month:UInt32}} AND occurred_at >= {{since:DateTime64(6, 'UTC')}}
) AS served
LEFT JOIN
(
    SELECT {_LINE_KEY}, {_LINE_CONTENT}, true AS is_there
    FROM REBUILT.activity_log FINAL
    WHERE toYYYYMM(occurred_at) = {{month:UInt32}}
) AS rebuilt USING ({_LINE_KEY})
WHERE NOT is_there OR served.content != rebuilt.content
GROUP BY client_space_id
ORDER BY client_space_id"""  # noqa: S608 - names of our own

_LIFETIME = ", ".join(PersonLifetimeRow._fields)
_LIFETIMES = f"""
SELECT client_space_id, count(), 0
FROM
(
    SELECT DISTINCT {_LIFETIME} FROM SERVED.person_lifetimes WHERE occurred_at < {{until:DateTime64(6, 'UTC')}}
) AS served
LEFT JOIN (SELECT DISTINCT {_LIFETIME}, true AS is_there FROM REBUILT.person_lifetimes) AS rebuilt USING ({_LIFETIME})
WHERE NOT is_there
GROUP BY client_space_id
ORDER BY client_space_id"""  # noqa: S608 - as above

_NAME = "client_space_id, person_ref, username, display_name"
# Left out: names that an erasure or their age is about to remove.
_NAMES = f"""
SELECT client_space_id, countIf(NOT is_there), countIf(is_there)
FROM
(
    SELECT {_NAME}, first_seen, last_seen
    FROM SERVED.person_names FINAL
    WHERE last_seen >= {{since:DateTime64(6, 'UTC')}} AND first_seen < {{until:DateTime64(6, 'UTC')}}
    AND ({_NAME}) NOT IN
    (
        SELECT n.client_space_id, n.person_ref, n.username, n.display_name
        FROM SERVED.person_names AS n FINAL
        INNER JOIN SERVED.erased_persons AS e USING (client_space_id, person_ref)
        WHERE e.recreated_at <= e.erased_at OR n.last_seen < e.recreated_at
    )
) AS served
LEFT JOIN (SELECT *, true AS is_there FROM REBUILT.person_names FINAL) AS rebuilt USING ({_NAME})
WHERE NOT is_there OR served.first_seen < rebuilt.first_seen OR served.last_seen > rebuilt.last_seen + {_SLACK}
GROUP BY client_space_id
ORDER BY client_space_id"""  # noqa: S608 - as above
