"""The four verbs of an adapter: build the event, publish it, and return when the broker has it."""

from abc import ABC, abstractmethod

from producers.activities import (
    ActionContext,
    admin_rights_updated,
    license_updated,
    user_created,
    user_deleted,
)
from producers.errors import Stamp
from producers.publisher import Acknowledgement, Publisher
from schemas.events import ActivityType, Person


class Verbs(ABC):
    """What an upstream service calls. A subclass says through which channel its admin acts.

    Each verb returns when the broker has acknowledged the event, and raises what `producers.errors` lists. Leave
    *stamp* out for an action that takes place now; pass that of a `DeliveryUnknown` to publish the same event again,
    or your own for an action of the past.
    """

    @property
    @abstractmethod
    def _publisher(self) -> Publisher: ...

    @property
    @abstractmethod
    def _context(self) -> ActionContext: ...

    @abstractmethod
    def _stamp(self, activity_type: ActivityType, affected_user: Person) -> Stamp: ...

    async def user_created(self, affected_user: Person, *, stamp: Stamp | None = None) -> Acknowledgement:
        """Record that *affected_user* now exists."""
        stamp = stamp or self._stamp(ActivityType.USER_CREATION, affected_user)
        return await self._publisher.publish(user_created(self._context, affected_user, stamp))

    async def user_deleted(self, affected_user: Person, *, stamp: Stamp | None = None) -> Acknowledgement:
        """Record that *affected_user* no longer exists; only their id is sent."""
        stamp = stamp or self._stamp(ActivityType.USER_DELETION, affected_user)
        return await self._publisher.publish(user_deleted(self._context, affected_user, stamp))

    async def license_updated(
        self,
        affected_user: Person,
        *,
        previous_license: str | None,
        new_license: str | None,
        stamp: Stamp | None = None,
    ) -> Acknowledgement:
        """Record that the license of *affected_user* changed; `None` is no license."""
        stamp = stamp or self._stamp(ActivityType.USER_LICENSE_UPDATE, affected_user)
        event = license_updated(
            self._context, affected_user, stamp, previous_license=previous_license, new_license=new_license
        )
        return await self._publisher.publish(event)

    async def admin_rights_updated(
        self, affected_user: Person, *, granted: bool, stamp: Stamp | None = None
    ) -> Acknowledgement:
        """Record that *affected_user* was granted admin rights, or lost them."""
        stamp = stamp or self._stamp(ActivityType.ADMIN_RIGHTS_UPDATE, affected_user)
        return await self._publisher.publish(admin_rights_updated(self._context, affected_user, stamp, granted=granted))
