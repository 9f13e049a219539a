"""A year of an invented client space: what a first look at the panel should find in a log.

People join, move from license to license, get and lose admin rights, and leave. Admins act in the UI, a provisioning
service acts through the API, and four times a user list is imported. Everything is a function of one time, ids of
events included: whoever publishes the year again adds nothing to the log.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid5

from deploy.local.demo.scenario import EDITOR, OPERATOR, USERS_BEFORE
from producers.activities import ActionContext, build_event
from producers.errors import Stamp
from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)

CLIENT_SPACE = "acme"
DAYS = 357
"""How far the year reaches back: a week less than retention, so that the demo of last week is still whole."""

READER, STEWARD, LEGACY = "Data Reader", "Data Steward", "Data Explorer"
FORMER_ADMIN = Person("usr_2001", "nadia.rahman@example.com", "Nadia Rahman")
"""An admin of the first months, who was deleted since."""
ADMINS = (EDITOR, OPERATOR, FORMER_ADMIN)
ARRIVALS = {
    9: Person(
        "usr_2002",
        "maximiliane.alexandra.von.hohenstein-wittelsbach@subsidiary.example.com",
        "Maximiliane Alexandra Ferdinanda von Hohenstein-Wittelsbach zu Sayn, Head of Data Governance and Quality",
    ),
    2: Person("usr_2003", "yael.cohen@example.com", "יעל כהן"),
    1: Person("usr_2004", "amal.alhaddad@example.org", "أمل الحداد"),
}
"""Who joins so many days ago: names that are long, or written from right to left."""

_FIRST_LIST, _END_OF_LEGACY, _REVIEW, _NEW_TEAM = _IMPORTS = 350, 190, 75, 3
"""How many days ago a user list was imported: everybody, without the license that ends, after a review, a new team."""
_FORMER_ADMIN_LEFT = 100
_ON_THE_FIRST_LIST, _IN_THE_NEW_TEAM = 200, 30

_JOINS, _LEAVES, _RIGHTS = 0.2, 0.33, 0.41
"""Below which number each happens on a working day; above the last, a license changes."""
_REVIEW_CHANGES, _REVIEW_LEAVES = 0.4, 0.45
_BY_API = 0.4

_NAMESPACE = UUID("6f0e4c1a-2b57-5d0c-8c3e-7f1f9b2f6a40")
_SEED = 12
_WORK_BEGINS, _WORKING_MINUTES = time(7), 600
_IMPORTS_AT = time(17, 20)
_A_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class _User:
    person: Person
    license: str | None = None
    is_admin: bool = False


def events(started_at: datetime) -> list[Event]:
    """The year before *started_at*, the oldest event first."""
    year = _Year(started_at)
    for days_ago in range(DAYS, -1, -1):
        year.live(started_at.date() - timedelta(days=days_ago))
    return [event for event in year.events if event.occurred_at < started_at]


class _Year:
    """The client space from day to day. No license and no right contradicts the one before."""

    def __init__(self, started_at: datetime) -> None:
        self.events: list[Event] = []
        self._started_at = started_at
        self._dice = Random(_SEED)  # noqa: S311 - invented data, the same each time
        self._newcomers = _people()
        self._users: list[_User] = []
        self._admins = list(ADMINS)

    def live(self, day: date) -> None:
        """All that happens on *day*; on weekends nothing does."""
        if _workday(day) != day:
            return
        self._work(day)
        for days_ago in _IMPORTS:
            if day == self._day(days_ago):
                self._import_list(datetime.combine(day, _IMPORTS_AT, self._started_at.tzinfo), days_ago)

    def _day(self, days_ago: int) -> date:
        return _workday(self._started_at.date() - timedelta(days=days_ago))

    def _work(self, day: date) -> None:
        """What admins and programs do, one thing after another."""
        due = [person for days_ago, person in ARRIVALS.items() if day == self._day(days_ago)]
        if day == self._day(_FORMER_ADMIN_LEFT):
            self._admins.remove(FORMER_ADMIN)
            due.append(FORMER_ADMIN)
        count = self._dice.randrange(5, 13)
        for number in range(count):
            minutes = (number * _WORKING_MINUTES + self._dice.randrange(_WORKING_MINUTES // 2)) // count
            begin = datetime.combine(day, _WORK_BEGINS, self._started_at.tzinfo)
            at = begin + timedelta(minutes=minutes, seconds=self._dice.randrange(60))
            context = self._context()
            if not due:
                self._act(context, at)
            elif (person := due.pop()) is FORMER_ADMIN:
                self._note(context, at, person, UserDeletion())
            else:
                self._join(context, at, person, _A_MINUTE)

    def _act(self, context: ActionContext, at: datetime) -> None:
        if not self._users:
            return
        fallen, user = self._dice.random(), self._dice.choice(self._users)
        if fallen < _JOINS:
            self._join(context, at, next(self._newcomers), _A_MINUTE)
        elif fallen < _LEAVES:
            self._leave(context, at, user)
        elif fallen < _RIGHTS:
            user.is_admin = not user.is_admin
            self._note(context, at, user.person, AdminRightsUpdate(user.is_admin))
        else:
            self._change_license(context, at, user)

    def _import_list(self, at: datetime, days_ago: int) -> None:
        rows = _ImportedRows(uuid5(_NAMESPACE, f"{self._started_at.isoformat()} list {days_ago}"), at)
        known = list(self._users)
        for _ in range({_FIRST_LIST: _ON_THE_FIRST_LIST, _NEW_TEAM: _IN_THE_NEW_TEAM}.get(days_ago, 0)):
            self._join(*next(rows), next(self._newcomers), timedelta(microseconds=1))
        for user in known:
            fallen = self._dice.random()
            if days_ago == _REVIEW and _REVIEW_CHANGES <= fallen < _REVIEW_LEAVES:
                self._leave(*next(rows), user)
            elif (
                (days_ago == _END_OF_LEGACY and user.license == LEGACY)
                or (days_ago == _REVIEW and fallen < _REVIEW_CHANGES)
                or (days_ago == _NEW_TEAM and user.license is None)
            ):
                self._change_license(*next(rows), user)

    def _context(self) -> ActionContext:
        channel, service = (Channel.API, "scim") if self._dice.random() < _BY_API else (Channel.UI, "user-service")
        source = Source(service, request_id=f"req-{len(self.events):04}")
        return ActionContext(CLIENT_SPACE, channel, self._dice.choice(self._admins), source)

    def _join(self, context: ActionContext, at: datetime, person: Person, until_licensed: timedelta) -> None:
        user = _User(person)
        self._users.append(user)
        self._note(context, at, person, UserCreation())
        self._change_license(context, at + until_licensed, user)

    def _leave(self, context: ActionContext, at: datetime, user: _User) -> None:
        self._users.remove(user)
        self._note(context, at, user.person, UserDeletion())

    def _change_license(self, context: ActionContext, at: datetime, user: _User) -> None:
        is_legacy_given = user.license is None and at.date() < self._day(_END_OF_LEGACY)
        choices = [READER, READER, STEWARD, LEGACY if is_legacy_given else None]
        previous, user.license = user.license, self._dice.choice([one for one in choices if one != user.license])
        self._note(context, at, user.person, UserLicenseUpdate(previous, user.license))

    def _note(self, context: ActionContext, at: datetime, person: Person, activity: Activity) -> None:
        event_id = uuid5(_NAMESPACE, f"{self._started_at.isoformat()} {len(self.events)}")
        self.events.append(build_event(context, person, activity, Stamp(event_id, at)))


class _ImportedRows(Iterator[tuple[ActionContext, datetime]]):
    """The rows of an imported list: how the events of each come into the log, and when."""

    def __init__(self, import_id: UUID, at: datetime) -> None:
        self._import_id = import_id
        self._at = at
        self._row = 1

    def __next__(self) -> tuple[ActionContext, datetime]:
        self._row += 1
        source = Source("importer", None, self._import_id, file_sha256=self._import_id.bytes * 2, row_number=self._row)
        context = ActionContext(CLIENT_SPACE, Channel.FILE_IMPORT, EDITOR, source)
        return context, self._at + timedelta(microseconds=10 * self._row)


def _people() -> Iterator[Person]:
    """Those of the demo's user list, then as many more as are asked for, under names that their names make."""
    with USERS_BEFORE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = {person.id for person in ADMINS}
    for row in rows:
        if row["user id"] not in known:
            yield Person(row["user id"], row["e-mail"], f"{row['first name']} {row['last name']}")
    # Names in one script only go together.
    rows = [row for row in rows if not row["e-mail"].startswith("user")]
    number = 0
    while True:
        first, last = rows[number * 7 % len(rows)], rows[(number * 11 + 5) % len(rows)]
        mail = f"{_local(first)[0]}.{_local(last)[-1]}{number}@example.com"
        yield Person(f"usr_{3000 + number}", mail, f"{first['first name']} {last['last name']}")
        number += 1


def _local(row: dict[str, str]) -> list[str]:
    return row["e-mail"].partition("@")[0].split(".")


def _workday(day: date) -> date:
    """*day*, or the Friday before it."""
    return day - timedelta(days=max(0, day.weekday() - 4))
