"""The persons of ClickHouse: who was erased, whose names are still there, and their removal."""

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from clickhouse_connect.driver.client import Client

from schemas.lifetimes import Erasure
from schemas.rows import OFF_BOARDED_SPACES, PERSON_LIFETIMES, PERSON_NAMES, PersonLifetimeRow
from stream.clients.clickhouse import open_clickhouse
from stream.erasure.guard import Lifetimes
from stream.erasure.rules import PersonKey

MAX_DUE = 20_000
PARAMETER_BYTES = 30_000
"""Parameters travel in the URL, and ClickHouse takes 128 KiB of one by default."""

_ERASURE = "e.client_space_id, e.person_ref, e.erased_at, e.recreated_at, e.is_doubtful"

MUTATION_SECONDS = 120.0

_PERSONS = "(client_space_id, person_ref) IN {persons:Array(Tuple(String, UUID))}"


class PersonStore(Lifetimes, Protocol):
    """Names and lifetimes as the eraser needs them. Every method blocks and raises `Unavailable`."""

    def erasures_in(self, client_space_id: str) -> dict[PersonKey, Erasure]:
        """Everybody of *client_space_id* who was ever deleted."""
        ...

    def due(self, client_space_id: str | None = None) -> dict[PersonKey, Erasure]:
        """Persons with a stored name that must be erased, and the erasure that requires it.

        All of one client space, or `MAX_DUE` of all.
        """
        ...

    def remove(self, due: dict[PersonKey, Erasure]) -> None:
        """Remove those names; on return no reader and no later merge finds them.

        The parts that held them leave the disk when ClickHouse next cleans up, `old_parts_lifetime` later.
        """
        ...


class ClickHousePersonStore:
    """`PersonStore` over ClickHouse's HTTP interface; it connects for each call."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def erased(self) -> "array[int]":
        # As bytes: a million persons are eight megabytes, and no object is made of any.
        half = "reinterpretAsUInt64(reverse(substring(UUIDToNum(person_ref), 9, 8)))"
        sql = f"SELECT DISTINCT {half} AS half FROM {self._database}.{PERSON_LIFETIMES} WHERE change = 'erased'"  # noqa: S608 - a checked name
        found = array("Q")
        with self._client() as client:
            found.frombytes(client.raw_query(f"{sql} ORDER BY half", fmt="RowBinary"))
        if sys.byteorder == "big":
            found.byteswap()
        return found

    def erasures_in(self, client_space_id: str) -> dict[PersonKey, Erasure]:
        sql = f"SELECT {_ERASURE} FROM {self._database}.erased_persons AS e WHERE client_space_id = {{space:String}}"  # noqa: S608 - as above
        with self._client() as client:
            return _erasures(client.query(sql, parameters={"space": client_space_id}).result_rows)

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        with self._client() as client:
            return [
                row
                for part in _parts(sorted(persons))
                for row in self._facts(client, _PERSONS, {"persons": [tuple(person) for person in part]})
            ]

    def off_boarded(self) -> dict[str, datetime]:
        sql = f"SELECT client_space_id, off_boarded_at FROM {self._database}.{OFF_BOARDED_SPACES} FINAL"  # noqa: S608 - as above
        with self._client() as client:
            return {str(space): at for space, at in client.query(sql).result_rows}

    def due(self, client_space_id: str | None = None) -> dict[PersonKey, Erasure]:
        which = f"LIMIT {MAX_DUE}" if client_space_id is None else "AND e.client_space_id = {space:String}"
        # Of the erased only those who have a name: those who are due, and those who live again.
        sql = f"""
            SELECT {_ERASURE} FROM {self._database}.erased_persons AS e
            INNER JOIN (
                SELECT client_space_id, person_ref, min(first_seen) AS first_seen FROM {self._database}.{PERSON_NAMES}
                WHERE (client_space_id, person_ref) IN (
                    SELECT client_space_id, person_ref FROM {self._database}.{PERSON_LIFETIMES} WHERE change = 'erased')
                GROUP BY client_space_id, person_ref
            ) AS n ON e.client_space_id = n.client_space_id AND e.person_ref = n.person_ref
            WHERE (e.recreated_at <= e.erased_at OR n.first_seen < e.recreated_at) {which}"""  # noqa: S608 - as above
        with self._client() as client:
            return _erasures(client.query(sql, parameters={"space": client_space_id or ""}).result_rows)

    def remove(self, due: dict[PersonKey, Erasure]) -> None:
        gone = sorted(person for person, erasure in due.items() if erasure.recreated_at is None)
        with self._client() as client:
            for part in _parts(gone):
                self._alter(client, f"DELETE WHERE {_PERSONS}", {"persons": [tuple(person) for person in part]})
            for person, erasure in due.items():
                if erasure.recreated_at is not None:
                    self._remove_former_life(client, person, erasure)

    def _remove_former_life(self, client: Client, person: PersonKey, erasure: Erasure) -> None:
        """What `living_name` says of a name, as one mutation."""
        is_person = "client_space_id = {space:String} AND person_ref = {ref:UUID}"
        start = "{start:DateTime64(6, 'UTC')}"
        self._alter(
            client,
            f"DELETE WHERE {is_person} AND last_seen < {start},"
            f" UPDATE first_seen = {start} WHERE {is_person} AND first_seen < {start}",
            {"space": person.client_space_id, "ref": person.person_ref, "start": erasure.recreated_at},
        )

    def _alter(self, client: Client, commands: str, parameters: dict[str, Any]) -> None:
        # ClickHouse keeps a mutation's text, in a file too: it holds refs and times, never an id or a name.
        client.command(
            f"ALTER TABLE {self._database}.{PERSON_NAMES} {commands}",
            parameters=parameters,
            settings={"mutations_sync": 2},
        )

    def _facts(self, client: Client, condition: str, parameters: dict[str, Any]) -> list[PersonLifetimeRow]:
        columns = ", ".join(PersonLifetimeRow._fields)
        sql = f"SELECT DISTINCT {columns} FROM {self._database}.{PERSON_LIFETIMES} WHERE {condition}"  # noqa: S608 - as above
        return [PersonLifetimeRow(*row) for row in client.query(sql, parameters=parameters).result_rows]

    def _client(self) -> AbstractContextManager[Client]:
        return open_clickhouse(self._url, timeout_seconds=MUTATION_SECONDS)


def _erasures(rows: Iterable[Sequence[Any]]) -> dict[PersonKey, Erasure]:
    # The view shows the epoch for a life that never began.
    return {
        PersonKey(space, ref): Erasure(erased, began if began > erased else None, bool(doubtful))
        for space, ref, erased, began, doubtful in rows
    }


def _parts(persons: Iterable[PersonKey]) -> Iterator[list[PersonKey]]:
    """*persons* in parts that fit into a parameter each."""
    part: list[PersonKey] = []
    size = 0
    for person in persons:
        # Each quote and backslash takes two.
        size += 2 * len(person.client_space_id.encode()) + 64
        if part and size > PARAMETER_BYTES:
            yield part
            part, size = [], 0
        part.append(person)
    if part:
        yield part
