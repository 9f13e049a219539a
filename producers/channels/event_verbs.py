"""The four verbs as events: what an adapter publishes, and what goes into an outbox or into one call with others."""

from abc import ABC, abstractmethod

from producers.activities import (
    ActionContext,
    admin_rights_updated,
    license_updated,
    user_created,
    user_deleted,
)
from producers.errors import Stamp
from schemas.events import ActivityType, Event, Person


class EventVerbs(ABC):
    """What an admin does, as events. A subclass says through which channel the admin acts.

    Leave *stamp* out for an action that takes place now; pass that of a `DeliveryUnknown` for the same event again, or
    your own for an action of the past.
    """

    @property
    @abstractmethod
    def _context(self) -> ActionContext: ...

    @abstractmethod
    def _stamp(self, activity_type: ActivityType, affected_user: Person) -> Stamp: ...

    def user_created(self, affected_user: Person, *, stamp: Stamp | None = None) -> Event:
        """The event that *affected_user* now exists."""
        stamp = stamp or self._stamp(ActivityType.USER_CREATION, affected_user)
        return user_created(self._context, affected_user, stamp)

    def user_deleted(self, affected_user: Person, *, stamp: Stamp | None = None) -> Event:
        """The event that *affected_user* no longer exists; it holds only their id."""
        stamp = stamp or self._stamp(ActivityType.USER_DELETION, affected_user)
        return user_deleted(self._context, affected_user, stamp)

    def license_updated(
        self,
        affected_user: Person,
        *,
        previous_license: str | None,
        new_license: str | None,
        stamp: Stamp | None = None,
    ) -> Event:
        """The event that the license of *affected_user* changed; `None` is no license. Raises `NothingChanged`."""
        stamp = stamp or self._stamp(ActivityType.USER_LICENSE_UPDATE, affected_user)
        return license_updated(
            self._context, affected_user, stamp, previous_license=previous_license, new_license=new_license
        )

    def admin_rights_updated(self, affected_user: Person, *, granted: bool, stamp: Stamp | None = None) -> Event:
        """The event that *affected_user* was granted admin rights, or lost them."""
        stamp = stamp or self._stamp(ActivityType.ADMIN_RIGHTS_UPDATE, affected_user)
        return admin_rights_updated(self._context, affected_user, stamp, granted=granted)
