"""The UI's adapter: an admin acts in their session."""

from dataclasses import dataclass

from producers.activities import ActionContext, Clock, live_stamp, utc_now
from producers.channels.event_verbs import EventVerbs
from producers.channels.verbs import AsyncVerbs, when_awaited
from producers.errors import Stamp
from producers.publisher import Publisher
from schemas.events import ActivityType, Channel, Person, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class UiEvents(EventVerbs):
    """The events of what *admin* does in the UI: channel `ui`.

    *service* is the upstream service that publishes. *request_id* is that of the page's request, never the session's
    own id, which would let a reader of the log take the session over.
    """

    client_space_id: str
    admin: Person
    service: str
    request_id: str | None = None
    clock: Clock = utc_now

    @property
    def _context(self) -> ActionContext:
        return ActionContext(
            self.client_space_id, Channel.UI, self.admin, Source(self.service, request_id=self.request_id)
        )

    def _stamp(self, activity_type: ActivityType, affected_user: Person) -> Stamp:  # noqa: ARG002 - see ApiEvents
        return live_stamp(self.clock)


class UiSession(AsyncVerbs):
    """The verbs for what *admin* does in the UI; for the fields see `UiEvents`."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        client_space_id: str,
        admin: Person,
        service: str,
        request_id: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(
            when_awaited(publisher),
            UiEvents(client_space_id=client_space_id, admin=admin, service=service, request_id=request_id, clock=clock),
        )
