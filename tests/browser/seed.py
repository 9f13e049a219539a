"""Logs to look at: what the tests of the panel publish before they open it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from producers import ApiRequest, KafkaPublisher, Person, Stamp, UiSession
from producers.activities import ActionContext, license_updated
from schemas.events import Channel, Event, Source

GRACE = Person("usr_grace", "grace@example.com", "Grace Hopper")
JURGEN = Person("usr_jurgen", "jurgen@example.org", "Jürgen Schmidt")
ADA = Person("usr_ada", "ada@example.com", "Ada Lovelace")
BOB = Person("usr_bob", "bob@example.com", "Bob Stone")
YAEL = Person("usr_yael", "yael@example.com", "יעל כהן")
OVERRIDE = Person("usr_override", "override@example.com", "Eve \u202erepoH ecarG")
MARKUP = Person("usr_markup", "markup@example.com", '<img src=x onerror="document.title=1">')
LEAVER = Person("usr_leaver", "leaver@example.com", "Lea Ver")
PEOPLE = (ADA, BOB, YAEL, OVERRIDE, MARKUP)
LICENSES = ("Data Reader", "Data Steward", None)

CHANGES = 114
SEEDED_LINES = 12 + CHANGES
"""How many lines `seed` makes. All but six are of the last 30 days."""


def stamp_at(at: datetime) -> Stamp:
    """A new event at *at*."""
    return Stamp(UUID(str(uuid7())), at)


async def seed(publisher: KafkaPublisher, client_space_id: str, *, changes: int = CHANGES) -> None:
    """Every activity, through two channels, by two admins, on seven people of whom one is deleted."""
    now = datetime.now(UTC)
    ui = UiSession(publisher, client_space_id=client_space_id, admin=GRACE, service="user-service", request_id="ui-7")
    api = ApiRequest(publisher, client_space_id=client_space_id, token_owner=JURGEN, request_id="req-7", service="scim")
    for number, person in enumerate((*PEOPLE, LEAVER)):
        await ui.user_created(person, stamp=stamp_at(now - timedelta(days=60, minutes=number)))
    for number in range(changes):
        adapter, person = (ui if number % 3 else api), PEOPLE[number % len(PEOPLE)]
        at = stamp_at(now - timedelta(minutes=5 + 300 * number))
        if number % 10 == 0:
            await adapter.admin_rights_updated(person, granted=number % 20 == 0, stamp=at)
        else:
            before, after = LICENSES[number % 3], LICENSES[(number + 1) % 3]
            await adapter.license_updated(person, previous_license=before, new_license=after, stamp=at)
    leaver = UiSession(publisher, client_space_id=client_space_id, admin=LEAVER, service="user-service")
    for number in range(5):
        granted = stamp_at(now - timedelta(days=2, minutes=number))
        await leaver.admin_rights_updated(BOB, granted=True, stamp=granted)
    await ui.user_deleted(LEAVER, stamp=stamp_at(now - timedelta(minutes=1)))


def import_events(client_space_id: str, import_id: UUID, days_ago: Sequence[int]) -> list[Event]:
    """License updates of one file import, one for each of *days_ago*."""
    now = datetime.now(UTC)
    return [
        license_updated(
            ActionContext(
                client_space_id,
                Channel.FILE_IMPORT,
                GRACE,
                Source("importer", None, import_id, file_sha256=b"\x0f" * 32, row_number=number + 2),
            ),
            PEOPLE[number % len(PEOPLE)],
            stamp_at(now - timedelta(days=days, minutes=number + 1)),
            previous_license=None,
            new_license="Data Reader",
        )
        for number, days in enumerate(days_ago)
    ]


def many_events(client_space_id: str, count: int) -> Iterator[Event]:
    """*count* license updates of the last 28 days, the newest first."""
    now = datetime.now(UTC)
    context = ActionContext(client_space_id, Channel.API, GRACE, Source("scim"))
    step = timedelta(days=28) / count
    people = [Person(f"usr_{number}", f"user{number}@example.com", f"User {number}") for number in range(500)]
    for number in range(count):
        yield license_updated(
            context,
            people[number % len(people)],
            stamp_at(now - step * number),
            previous_license=LICENSES[number % 3],
            new_license=LICENSES[(number + 1) % 3],
        )
