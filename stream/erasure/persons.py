"""The persons of ClickHouse: who was erased, whose names are still there, and their removal."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

from clickhouse_connect.driver.client import Client

from schemas.lifetimes import Erasure
from schemas.rows import PERSON_LIFETIMES, PERSON_NAMES, PersonLifetimeRow
from stream.clients.clickhouse import open_clickhouse
from stream.erasure.rules import PersonKey

PERSONS_PER_STATEMENT = 200
"""ClickHouse takes 128 KiB a parameter by default; a client space's name may be 512 bytes long."""

MUTATION_SECONDS = 120.0

_PERSONS = "(client_space_id, person_ref) IN {persons:Array(Tuple(String, UUID))}"


class PersonStore(Protocol):
    """Names and lifetimes as the eraser needs them. Every method blocks and raises `Unavailable`."""

    def of_erased(self) -> list[PersonLifetimeRow]:
        """Every fact of everybody who was ever deleted."""
        ...

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        """Every fact of *persons*."""
        ...

    def due(self) -> dict[PersonKey, Erasure]:
        """Those of whom a name is stored that must go, with what it must go for."""
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

    def of_erased(self) -> list[PersonLifetimeRow]:
        """See `PersonStore.of_erased`."""
        erased = f"SELECT client_space_id, person_ref FROM {self._database}.{PERSON_LIFETIMES} WHERE change = 'erased'"  # noqa: S608 - a checked name
        with self._client() as client:
            return self._facts(client, f"(client_space_id, person_ref) IN ({erased})", {})

    def of(self, persons: Collection[PersonKey]) -> list[PersonLifetimeRow]:
        """See `PersonStore.of`."""
        with self._client() as client:
            return [
                row
                for part in _parts(sorted(persons))
                for row in self._facts(client, _PERSONS, {"persons": [tuple(person) for person in part]})
            ]

    def due(self) -> dict[PersonKey, Erasure]:
        """See `PersonStore.due`."""
        sql = f"""
            SELECT n.client_space_id, n.person_ref, any(e.erased_at), any(e.recreated_at)
            FROM {self._database}.{PERSON_NAMES} AS n
            INNER JOIN {self._database}.erased_persons AS e
                ON e.client_space_id = n.client_space_id AND e.person_ref = n.person_ref
            WHERE e.recreated_at <= e.erased_at OR n.first_seen < e.recreated_at
            GROUP BY n.client_space_id, n.person_ref"""  # noqa: S608 - a checked name
        with self._client() as client:
            # The view shows the epoch for a creation that never was.
            return {
                PersonKey(space, ref): Erasure(erased, created if created > erased else None)
                for space, ref, erased, created in client.query(sql).result_rows
            }

    def remove(self, due: dict[PersonKey, Erasure]) -> None:
        """See `PersonStore.remove`."""
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


def _parts(persons: Sequence[PersonKey]) -> Iterator[list[PersonKey]]:
    rest = iter(persons)
    while part := list(islice(rest, PERSONS_PER_STATEMENT)):
        yield part
