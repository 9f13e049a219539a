"""The four verbs of an adapter: build the event, publish it, and return when the broker has it."""

from producers.channels.event_verbs import EventVerbs
from producers.errors import Stamp
from producers.publisher import Acknowledgement, Publisher
from schemas.events import Person


class Verbs:
    """What an upstream service calls; the channel is that of *events*.

    Each verb returns when the broker has acknowledged the event, and raises what `producers.errors` lists. *events*
    has the same verbs, which return the event: `publish_all` takes several of one request as one call. For *stamp* see
    `EventVerbs`.
    """

    def __init__(self, publisher: Publisher, events: EventVerbs) -> None:
        self.events = events
        self._publisher = publisher

    async def user_created(self, affected_user: Person, *, stamp: Stamp | None = None) -> Acknowledgement:
        """Record that *affected_user* now exists."""
        return await self._publisher.publish(self.events.user_created(affected_user, stamp=stamp))

    async def user_deleted(self, affected_user: Person, *, stamp: Stamp | None = None) -> Acknowledgement:
        """Record that *affected_user* no longer exists; only their id is sent."""
        return await self._publisher.publish(self.events.user_deleted(affected_user, stamp=stamp))

    async def license_updated(
        self,
        affected_user: Person,
        *,
        previous_license: str | None,
        new_license: str | None,
        stamp: Stamp | None = None,
    ) -> Acknowledgement:
        """Record that the license of *affected_user* changed; `None` is no license."""
        event = self.events.license_updated(
            affected_user, previous_license=previous_license, new_license=new_license, stamp=stamp
        )
        return await self._publisher.publish(event)

    async def admin_rights_updated(
        self, affected_user: Person, *, granted: bool, stamp: Stamp | None = None
    ) -> Acknowledgement:
        """Record that *affected_user* was granted admin rights, or lost them."""
        event = self.events.admin_rights_updated(affected_user, granted=granted, stamp=stamp)
        return await self._publisher.publish(event)
