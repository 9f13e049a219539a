"""The reader in memory and ClickHouse's give the same answers."""

import random
import secrets
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from query_api.access.auth import Caller
from query_api.clickhouse.reader import ClickHouseLogReader
from query_api.log.filters import Order, Position, Span
from query_api.log.reader import Role
from tests.builders import NOW, a_uuid
from tests.contract.log_reader.stores import ClickHouse, a_life, everything
from tests.fakes.reader import InMemoryLogReader


async def test_both_readers_agree_on_random_logs(clickhouse: ClickHouse, reader: ClickHouseLogReader) -> None:
    """Whatever copies, lives and names there are, and whatever is asked for."""
    seed = secrets.randbelow(2**32)
    chance = random.Random(seed)  # noqa: S311 - test data
    caller, fake = Caller(f"agree-{uuid4()}", "tester"), InMemoryLogReader()
    refs = [a_uuid(number) for number in range(1, 9)]
    lives = [a_life(chance, caller, ref, NOW) for ref in refs]
    imports = [None, *map(a_uuid, range(1, 4))]
    licenses, rights = (None, "Data Reader"), (None, False, True)
    rows = [
        row._replace(
            import_id=chance.choice(imports),
            previous_license=chance.choice(licenses),
            admin_rights_granted=chance.choice(rights),
        )
        for life in lives
        for row in life[0]
    ]
    copies = [
        row._replace(
            precedence=chance.randrange(1_000),
            channel=chance.choice(("ui", "api")),
            kafka_offset=number + 100,
            import_id=chance.choice((None, a_uuid(1))),
            new_license=chance.choice(licenses),
            admin_rights_granted=chance.choice(rights),
        )
        for number, row in enumerate(chance.choices(rows, k=20))
    ]
    names = [name for life in lives for name in life[1]]
    lifetimes = [change for life in lives for change in life[2]]
    for insert in clickhouse.insert_whole, fake.insert:
        insert([row._replace(kafka_offset=number) for number, row in enumerate(rows)], names, lifetimes)
        insert(copies)

    named = [set(await part.named_persons(caller)) for part in (reader, fake)]
    assert named[0] == named[1], f"seed {seed}"
    for _ in range(40):
        selection = everything(
            chance.choice((3, 100)),
            order=chance.choice((Order.ASC, Order.DESC)),
            since=NOW + timedelta(seconds=chance.randrange(4)),
            until=chance.choice((None, NOW + timedelta(seconds=5))),
            channels=chance.choice((frozenset(), frozenset({"ui"}))),
            licenses=chance.choice((frozenset(), frozenset({"Data Reader"}))),
            admin_rights=chance.choice((frozenset(), frozenset(), frozenset({True}), frozenset({False, True}))),
            affected_users=chance.choice((None, {ref: Span(until=NOW + timedelta(seconds=4)) for ref in refs[:2]})),
            deleted_affected_users=chance.choice((False, True)),
            deleted_admins=chance.choice((False, True)),
        )
        role, among = chance.choice(list(Role)), chance.choice((None, refs[:3]))
        mentions = (caller, role, among, selection.since, selection.until, chance.choice((2, 20)))
        with_deleted = chance.choice((False, True))
        starts = [NOW, NOW + timedelta(seconds=3)]
        behind = chance.choice((None, Position(NOW + timedelta(seconds=chance.randrange(8)), a_uuid(2))))
        seen = [
            (
                await part.lines(caller, selection),
                sorted(await part.counts(caller, selection, starts)),
                set(await part.value_counts(caller, selection)),
                {(entry.ref, entry.lines) for entry in await part.mentions(*mentions, with_deleted=with_deleted)}
                if mentions[-1] > 2
                else None,
                await part.imports(caller, replace(selection, limit=2), behind),
                await part.stored(caller, selection, {0: 5}, NOW + timedelta(days=1)),
            )
            for part in (reader, fake)
        ]

        assert seen[0] == seen[1], f"seed {seed}"
