"""`LogReader.counts`, `LogReader.value_counts` and `LogReader.licenses`."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from query_api.access.auth import Caller
from query_api.log.reader import Count, ValueCount
from tests.builders import NOW
from tests.contract.log_reader.stores import MICROSECOND, Store, a_row, everything


async def test_lines_are_counted_once_by_their_first_copy(store: Store) -> None:
    event_id = uuid4()
    first = a_row(store.caller, event_id=event_id, activity_type="user_creation", precedence=2)
    store.insert([first._replace(activity_type="user_deletion", precedence=1)])
    store.insert([first])
    store.insert([first, a_row(store.caller, occurred_at=NOW + timedelta(days=1), channel="api")])
    starts = [NOW - timedelta(hours=1), NOW + MICROSECOND]

    async def counted(**fields: Any) -> set[Count]:
        return set(await store.reader.counts(store.caller, everything(**fields), starts))

    creation, update = Count(starts[0], "user_creation", 1), Count(starts[1], "user_license_update", 1)
    assert await counted() == {creation, update}
    assert await counted(activity_types=frozenset({"user_deletion"})) == set()
    assert await counted(channels=frozenset({"api"})) == {update}
    assert await counted(until=NOW + MICROSECOND) == {creation}
    found = await store.reader.value_counts(store.caller, everything(until=NOW + MICROSECOND))
    assert found == [ValueCount("user_creation", "ui", first.previous_license, first.new_license, 1)]
    assert await store.reader.value_counts(Caller("nobody", "x"), everything()) == []


async def test_licenses_are_those_that_lines_of_the_time_name(store: Store) -> None:
    store.insert(
        [
            a_row(store.caller, previous_license=None, new_license="Data Steward"),
            a_row(store.caller, previous_license="Data Reader", new_license=None),
            a_row(store.caller, previous_license="Old", occurred_at=NOW - MICROSECOND),
        ]
    )

    assert await store.reader.licenses(store.caller, NOW, 3) == ["Data Reader", "Data Steward"]
    assert await store.reader.licenses(store.caller, NOW, 1) == ["Data Reader"]
    assert await store.reader.licenses(Caller("nobody", "x"), NOW, 3) == []
