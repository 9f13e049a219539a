"""The four activities as events: pure functions of who acted, on whom, when, and through which channel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from producers.errors import NothingChanged, Stamp
from schemas.errors import InvalidEvent, Reason
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
from schemas.person_ref import canonical_id

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock that everything takes unless a test passes another."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What all activities of one admin's session, request or import have in common."""

    client_space_id: str
    channel: Channel
    admin: Person
    source: Source


def live_stamp(clock: Clock = utc_now) -> Stamp:
    """The stamp of something that happens now: a UUIDv7, and the clock's time."""
    return Stamp(uuid7(), clock())


def user_created(context: ActionContext, affected_user: Person, stamp: Stamp) -> Event:
    """*affected_user* now exists, under the username that they carry here."""
    return build_event(context, affected_user, UserCreation(), stamp)


def user_deleted(context: ActionContext, affected_user: Person, stamp: Stamp) -> Event:
    """*affected_user* no longer exists. Their names are left out of the event: the log must forget them."""
    return build_event(context, affected_user, UserDeletion(), stamp)


def license_updated(
    context: ActionContext,
    affected_user: Person,
    stamp: Stamp,
    *,
    previous_license: str | None,
    new_license: str | None,
) -> Event:
    """The license of *affected_user* changed; `None` is no license. Raises `NothingChanged` where both are equal."""
    if previous_license == new_license:
        raise NothingChanged("previous and new license are the same")
    return build_event(context, affected_user, UserLicenseUpdate(previous_license, new_license), stamp)


def admin_rights_updated(context: ActionContext, affected_user: Person, stamp: Stamp, *, granted: bool) -> Event:
    """*affected_user* was granted admin rights, or lost them."""
    return build_event(context, affected_user, AdminRightsUpdate(granted), stamp)


def build_event(context: ActionContext, affected_user: Person, activity: Activity, stamp: Stamp) -> Event:
    """The event of *activity*. A deletion never carries a name of its affected user. Ids are canonical."""
    if not isinstance(stamp, Stamp):
        raise InvalidEvent(Reason.WRONG_TYPE, "stamp", advice="pass a Stamp, such as that of a DeliveryUnknown")
    affected_user = canonical(affected_user)
    if isinstance(activity, UserDeletion):
        affected_user = Person(affected_user.id)
    return Event(
        event_id=stamp.event_id,
        occurred_at=stamp.occurred_at,
        client_space_id=context.client_space_id,
        channel=context.channel,
        admin=canonical(context.admin, "admin"),
        affected_user=affected_user,
        activity=activity,
        source=context.source,
    )


def canonical(person: Person, field: str = "affected_user") -> Person:
    """*person* under the one spelling of their id; see `canonical_id`. Raises `InvalidEvent` for anything else."""
    if not isinstance(person, Person):
        raise InvalidEvent(Reason.WRONG_TYPE, field, advice="pass a Person")
    if not isinstance(person.id, str) or "@" not in person.id:
        return person  # what is no text is refused with the event
    found = canonical_id(person.id)
    return person if found == person.id else replace(person, id=found)
