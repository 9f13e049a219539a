"""Filters by ref, where any number of persons was deleted."""

import asyncio
from uuid import UUID, uuid4

import pytest

from query_api.access.auth import Caller
from query_api.log import deleted_persons
from query_api.log.deleted_persons import DeletedPersons
from query_api.log.persons import deleted_ref
from schemas.rows import ERASED
from tests.builders import KEY, NOW, a_lifetime
from tests.fakes.reader import InMemoryLogReader
from tests.unit.query_api.api import SPACE, Api, ref_of

CALLER = Caller(SPACE, "grace")


def shown(person_id: str, space: str = SPACE) -> UUID:
    return deleted_ref(KEY, space, ref_of(person_id, space))


def delete(store: InMemoryLogReader, ref: UUID, space: str = SPACE) -> None:
    store.insert(lifetimes=[a_lifetime(space, ref, ERASED, NOW)])


async def test_the_ref_of_somebody_who_lives_or_lived_is_answered_without_everyone_deleted(api: Api) -> None:
    line = api.record()
    api.name("usr_ada", "ada@example.com", "Ada")
    for person_id in "usr_gone", "usr_back":
        api.delete(person_id, NOW)
    api.create("usr_back", NOW)
    refs = [f"ref:{ref_of(person_id)}" for person_id in ("usr_ada", "usr_gone", "usr_back")]

    assert await api.found(affected_user=refs) == {line}
    assert await api.found(affected_user=refs, admin="usr_gone") == set()
    assert api.store.searches == 0


async def test_the_ref_of_somebody_deleted_is_searched_for_once(api: Api) -> None:
    line = api.record("usr_gone")
    api.delete("usr_gone", NOW)

    for _ in range(3):
        assert await api.found(affected_user=f"ref:{shown('usr_gone')}") == {line}
    assert api.store.searches == 1


async def test_who_was_found_as_deleted_may_come_back(api: Api) -> None:
    """What is remembered is whom a ref means, and not when they lived."""
    line, later = api.record("usr_gone", occurred_at=NOW), api.record("usr_gone", occurred_at=NOW.replace(year=2027))
    api.delete("usr_gone", NOW)
    assert await api.found(affected_user=f"ref:{shown('usr_gone')}") == {line, later}

    api.create("usr_gone", NOW.replace(year=2027))

    assert await api.found(affected_user=f"ref:{shown('usr_gone')}") == {line}
    assert await api.found(affected_user=f"ref:{ref_of('usr_gone')}") == {later}


async def test_a_deletion_is_found_at_once_though_its_ref_was_asked_for_before(api: Api) -> None:
    line = api.record("usr_gone")
    assert await api.found(affected_user=f"ref:{shown('usr_gone')}") == set()

    api.delete("usr_gone", NOW)

    assert await api.found(affected_user=f"ref:{shown('usr_gone')}") == {line}


async def test_what_one_client_space_remembers_is_nothing_to_another() -> None:
    store, ref = InMemoryLogReader(), ref_of("usr_gone")
    persons = DeletedPersons(store, KEY)
    for space in SPACE, "globex":
        delete(store, ref, space)
    assert await persons.stored(CALLER, {shown("usr_gone")}) == {ref}

    assert await persons.stored(Caller("globex", "grace"), {shown("usr_gone")}) == set()


async def test_without_names_the_ref_of_somebody_who_lives_is_answered_all_the_same(api: Api) -> None:
    """An admin of whom no name is stored, or whose names cannot be read, costs a search and no more."""
    line = api.record()
    api.delete("usr_gone", NOW)

    assert await api.found(affected_user=f"ref:{ref_of('usr_ada')}") == {line}


async def test_a_search_through_many_does_not_hold_up_the_event_loop() -> None:
    store, turns = InMemoryLogReader(), 0
    refs = [uuid4() for _ in range(20_000)]
    store.insert(lifetimes=[a_lifetime(SPACE, ref, ERASED, NOW) for ref in refs])
    search = asyncio.create_task(DeletedPersons(store, KEY).stored(CALLER, {uuid4()}))

    while not search.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert await search == set()
    assert turns > 5


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleted_persons, "REMEMBERED", 2)
    store = InMemoryLogReader()
    persons = DeletedPersons(store, KEY)
    refs = [uuid4() for _ in range(3)]
    for ref in refs:
        delete(store, ref)
        assert await persons.stored(CALLER, {deleted_ref(KEY, SPACE, ref)}) == {ref}

    # The newest are remembered, the first is searched for again.
    for ref in reversed(refs):
        assert await persons.stored(CALLER, {deleted_ref(KEY, SPACE, ref)}) == {ref}
    assert store.searches == 4
