"""A client space over twelve months, made without chance: imports, deleted people, long and right-to-left names.

What a first look at the panel finds in a real space, and what a log of a few minutes hides.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from producers.activities import ActionContext, admin_rights_updated, license_updated, user_created, user_deleted
from producers.errors import Stamp
from schemas.events import Channel, Event, Person, Source
from tests.builders import NOW

SPACE = "acme"
LICENSES = ("Data Reader", "Data Steward", "Data Explorer", None)
ADMINS = (
    Person("adm_1", "jurgen.schmidt@acme-industries.example", "Jürgen Schmidt"),
    Person("adm_2", "chloe.martin@acme-industries.example", "Chloé Martin"),
    Person("adm_3", "hana.martinova@acme-industries.example", "Hana Martinová"),
)
LONG = Person(
    "usr_long",
    "maximilian.alexander.von.hohenstein-wittelsbach@subsidiary.acme-industries.example",
    "Maximilian Alexander Ferdinand Leopold von Hohenstein-Wittelsbach zu Sayn, Head of Data Governance and Quality",
)
LEAVERS = tuple(Person(f"usr_left_{n}", f"leaver{n}@acme-industries.example", f"Leaver Number {n}") for n in range(10))
IMPORTS = ((300, 35, 35), (95, 420, 84), (3, 60, 20))
"""Days ago, rows, and how many of these rows create a user; the others change a license."""

_FIRST = ("Ada", "Bruno", "Chiara", "David", "Elif", "Farid", "Greta", "Hugo", "Irena", "Jonas", "Katarzyna", "Leïla")
_LAST = ("Almeida", "Bauer", "Costa", "Dubois", "Eriksen", "Fontaine", "García", "Haddad", "Ivanova", "Janssen")
_NAMESPACE = UUID("2f0f7d0a-93a4-5b1e-8f5e-6f6f1d6c9a01")


def _person(number: int) -> Person:
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
    mail = f"user{number}.{last.lower().encode('ascii', 'ignore').decode()}@acme-industries.example"
    return Person(f"usr_{number}", mail, f"{first} {last}")


PEOPLE = (
    *(_person(number) for number in range(110)),
    LONG,
    Person("usr_yael", "yael.cohen@acme-industries.example", "יעל כהן"),
    Person("usr_amal", "amal@acme-industries.example", "أمل الحداد"),
)


def events() -> list[Event]:
    """All of them, the oldest first."""
    return sorted([*_daily(), *_leavers(), *_imports()], key=lambda event: event.occurred_at)


def stamp(name: str, at: datetime) -> Stamp:
    """The same event id for the same *name*."""
    return Stamp(uuid5(_NAMESPACE, name), at)


def by_hand(number: int) -> ActionContext:
    """What an admin does in the web UI or over the API."""
    channel, service = (Channel.API, "scim") if number % 4 == 0 else (Channel.UI, "user-service")
    return ActionContext(SPACE, channel, ADMINS[number % len(ADMINS)], Source(service, request_id=f"req-{number}"))


def _daily() -> Iterator[Event]:
    """Some three changes on each working day."""
    for day in range(1, 364):
        date = NOW - timedelta(days=day)
        for number in range((day * 7 + day // 3) % 6 if date.weekday() < 5 else 0):
            key = day * 10 + number
            at = stamp(f"daily {key}", date.replace(hour=7) + timedelta(minutes=37 * number, seconds=key % 60))
            person, context = PEOPLE[key * 13 % len(PEOPLE)], by_hand(key)
            if key % 9 == 0:
                yield admin_rights_updated(context, person, at, granted=key % 2 == 0)
            else:
                before, after = LICENSES[key % 4], LICENSES[(key + 1) % 4]
                yield license_updated(context, person, at, previous_license=before, new_license=after)


def _leavers() -> Iterator[Event]:
    for number, leaver in enumerate(LEAVERS):
        start, context = NOW - timedelta(days=200 - number, hours=3), by_hand(number + 1)
        yield user_created(context, leaver, stamp(f"joined {number}", start))
        at = stamp(f"licensed {number}", start + timedelta(minutes=9))
        yield license_updated(context, leaver, at, previous_license=None, new_license="Data Reader")
        yield user_deleted(context, leaver, stamp(f"left {number}", NOW - timedelta(days=1 + 3 * number, hours=2)))


def _imports() -> Iterator[Event]:
    for days, rows, creations in IMPORTS:
        import_id, start = uuid5(_NAMESPACE, f"import {days}"), NOW - timedelta(days=days, hours=1)
        for row in range(rows):
            source = Source("importer", None, import_id, file_sha256=b"\x0f" * 32, row_number=row + 2)
            context = ActionContext(SPACE, Channel.FILE_IMPORT, ADMINS[0], source)
            at = stamp(f"import {days} {row}", start + timedelta(milliseconds=20 * row))
            if row < creations:
                person = Person(
                    f"usr_{days}_{row}", f"new{days}.{row}@acme-industries.example", f"New Joiner {days}-{row}"
                )
                yield user_created(context, person, at)
            else:
                person = PEOPLE[row % len(PEOPLE)]
                yield license_updated(context, person, at, previous_license=None, new_license="Data Reader")
