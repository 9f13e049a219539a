"""The four verbs of an adapter: build the event, publish it, and return when the broker has it."""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from producers.channels.event_verbs import EventVerbs
from producers.errors import Stamp
from producers.publisher import Acknowledgement, Publisher
from schemas.events import Event, Person

R = TypeVar("R")


class Verbs(Generic[R]):
    """What an upstream service calls; the channel is that of *events*.

    Each verb gives *publish* what builds its event. That returns, or its coroutine does, when the broker has
    acknowledged the event, and raises what `producers.errors` lists. *events* has the same verbs, which return the
    event: `publish_all` takes several of one request as one call. For *stamp* see `EventVerbs`.
    """

    def __init__(self, publish: Callable[[Callable[[], Event]], R], events: EventVerbs) -> None:
        self.events = events
        self._publish = publish

    def user_created(self, affected_user: Person, *, stamp: Stamp | None = None) -> R:
        """Record that *affected_user* now exists."""
        return self._publish(lambda: self.events.user_created(affected_user, stamp=stamp))

    def user_deleted(self, affected_user: Person, *, stamp: Stamp | None = None) -> R:
        """Record that *affected_user* no longer exists; only their id is sent."""
        return self._publish(lambda: self.events.user_deleted(affected_user, stamp=stamp))

    def license_updated(
        self,
        affected_user: Person,
        *,
        previous_license: str | None,
        new_license: str | None,
        stamp: Stamp | None = None,
    ) -> R:
        """Record that the license of *affected_user* changed; `None` is no license."""
        return self._publish(
            lambda: self.events.license_updated(
                affected_user, previous_license=previous_license, new_license=new_license, stamp=stamp
            )
        )

    def admin_rights_updated(self, affected_user: Person, *, granted: bool, stamp: Stamp | None = None) -> R:
        """Record that *affected_user* was granted admin rights, or lost them."""
        return self._publish(lambda: self.events.admin_rights_updated(affected_user, granted=granted, stamp=stamp))


AsyncVerbs = Verbs[Coroutine[Any, Any, Acknowledgement]]
"""To be awaited, over a `Publisher`."""
BlockingVerbs = Verbs[Acknowledgement]
"""For any thread, over an `AuditLog`."""


def when_awaited(publisher: Publisher) -> Callable[[Callable[[], Event]], Coroutine[Any, Any, Acknowledgement]]:
    """Build and publish where it is awaited: of calls that are gathered, one without an event stops no other."""

    async def publish(build: Callable[[], Event]) -> Acknowledgement:
        return await publisher.publish(build())

    return publish


def at_once(publish: Callable[[Event], Acknowledgement]) -> Callable[[Callable[[], Event]], Acknowledgement]:
    """Build and publish in the call."""
    return lambda build: publish(build())
