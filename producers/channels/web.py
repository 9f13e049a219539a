"""What the adapters for web applications share: who sent a request, and its verbs as events."""

from dataclasses import dataclass, field
from datetime import datetime

from producers.channels.api import ApiEvents
from producers.channels.event_verbs import EventVerbs
from producers.channels.ui import UiEvents
from schemas.events import Channel, Person
from schemas.request_ids import as_request_id


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as the application has verified it. For the last two see `ApiEvents`."""

    client_space_id: str
    admin: Person
    idempotency_key: str | None = field(default=None, repr=False)
    first_received_at: datetime | None = None


class NoRequest(RuntimeError):
    """`current` was called outside a request that went through the middleware: a bug of the caller."""


@dataclass(frozen=True, slots=True)
class WebChannel:
    """Through which channel the requests of an application act, and which service it is."""

    channel: Channel
    service: str

    def __post_init__(self) -> None:
        if self.channel not in {Channel.UI, Channel.API}:
            raise ValueError("channel is ui or api: a file import has an adapter of its own")

    def events(self, caller: Caller, request_id: str) -> EventVerbs:
        """The verbs of one request. A *request_id* that may not stand in the log is replaced by a new one."""
        request_id = as_request_id(request_id)
        if self.channel is Channel.UI:
            return UiEvents(
                client_space_id=caller.client_space_id,
                admin=caller.admin,
                service=self.service,
                request_id=request_id,
            )
        return ApiEvents(
            client_space_id=caller.client_space_id,
            token_owner=caller.admin,
            request_id=request_id,
            service=self.service,
            idempotency_key=caller.idempotency_key,
            first_received_at=caller.first_received_at,
        )
