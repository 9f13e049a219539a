"""Every method of `LogReader` reads the caller's client space and no other."""

from uuid import uuid4

import pytest

from query_api.access.auth import Caller
from query_api.log.filters import Span
from schemas.rows import (
    ERASED,
)
from tests.builders import NOW
from tests.contract.log_reader.stores import LONG_AGO, USER, Store, a_lifetime, a_name, a_row, everything


async def test_another_client_space_sees_nothing(store: Store) -> None:
    row = a_row(store.caller, import_id=uuid4())
    store.insert([row], [a_name(store.caller, USER, "ada")], [a_lifetime(store.caller, USER, ERASED, NOW)])
    other = Caller(f"{store.caller.client_space_id}2", "tester")

    assert await store.reader.lines(other, everything()) == []
    assert await store.reader.lines(other, everything(affected_users={USER: Span()})) == []
    assert await store.reader.imports(other, everything(), None) == []
    assert await store.reader.line(other, row.event_id, LONG_AGO) is None
    assert await store.reader.deleted(other) == []
    assert await store.reader.lifetimes(other, [USER]) == {}
    assert await store.reader.known_persons(other, [USER]) == {}


@pytest.mark.parametrize(
    "name", ["it's", "tab\tand\nline", "back\\slash", "{x:String}", "%(x)s", "\U0001f600", "nul\0"]
)
async def test_a_client_space_of_any_spelling_is_itself_and_no_other(store: Store, name: str) -> None:
    caller = Caller(f"{store.caller.client_space_id}{name}", "tester")
    store.insert([a_row(caller)])

    assert len(await store.reader.lines(caller, everything())) == 1
    assert await store.reader.lines(store.caller, everything()) == []
