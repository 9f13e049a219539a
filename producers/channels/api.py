"""The API's adapter: a request acts under its token."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from producers.activities import ActionContext, Clock, canonical, live_stamp, utc_now
from producers.channels.event_verbs import EventVerbs
from producers.channels.verbs import AsyncVerbs, when_awaited
from producers.errors import Stamp
from producers.publisher import Publisher
from schemas.events import ActivityType, Channel, Person, Source

_NAMESPACE = UUID("6f1d7f0e-6a53-5c0f-9c53-4d8f0b6a2f11")
_ORDER = tuple(ActivityType)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEvents(EventVerbs):
    """The events of what one API request does: channel `api`, the admin being the owner of its token.

    A request that its client may send twice passes *idempotency_key*, the client's, and *first_received_at*, the
    time at which the platform first saw that key (its own idempotency record has it). The events' ids and times are
    then a function of both, so the repeated request publishes the same events. The key alone would not do: the same
    id with another time is a second line. Make one per request: it counts the calls.

    The affected user's id goes into the event's id: a repetition may leave out what the first attempt did, so the
    place among the calls does not say which call it is. Who knows the key can therefore test whether a "Deleted User"
    is somebody whose id they guess. It must be random, and be known to the client and the platform alone; the request
    id, which the line shows, is refused.
    """

    client_space_id: str
    token_owner: Person
    request_id: str
    service: str
    idempotency_key: str | None = field(default=None, repr=False)
    first_received_at: datetime | None = None
    clock: Clock = utc_now
    _calls: Counter[tuple[ActivityType, str]] = field(default_factory=Counter, init=False, repr=False)

    def __post_init__(self) -> None:
        if (self.idempotency_key is None) != (self.first_received_at is None):
            raise ValueError("idempotency_key and first_received_at come together or not at all")
        if self.idempotency_key is None or self.first_received_at is None:
            return
        if not isinstance(self.idempotency_key, str) or not self.idempotency_key.strip():
            # All requests of a client that sends none would have one key, and so one event id for many events.
            raise ValueError("idempotency_key must be a text that is not empty; None is no key")
        if self.idempotency_key == self.request_id:
            raise ValueError("idempotency_key must be a secret; the request_id is shown with the line")
        if not isinstance(self.first_received_at, datetime):
            raise ValueError("first_received_at must be a datetime")  # noqa: TRY004 - as for the other fields

    @property
    def _context(self) -> ActionContext:
        return ActionContext(
            self.client_space_id, Channel.API, self.token_owner, Source(self.service, request_id=self.request_id)
        )

    def _stamp(self, activity_type: ActivityType, affected_user: Person) -> Stamp:
        if self.idempotency_key is None or self.first_received_at is None:
            return live_stamp(self.clock)
        call = (activity_type, canonical(affected_user).id)
        nth = self._calls[call]
        self._calls[call] += 1
        name = json.dumps([self.client_space_id, self.idempotency_key, *call, nth])
        # Each of a request's events has a microsecond of its own, so that one user's lines keep the order of the
        # calls. It depends on the call alone: a repetition that skips what the first attempt did changes no time.
        place = timedelta(microseconds=nth * len(_ORDER) + _ORDER.index(activity_type))
        received_at = self.first_received_at
        if received_at.tzinfo is not None:  # a sum in a local zone is an hour off where clocks repeat one
            received_at = received_at.astimezone(UTC)
        return Stamp(uuid5(_NAMESPACE, name), received_at + place)


class ApiRequest(AsyncVerbs):
    """The verbs for what one API request does; for the fields see `ApiEvents`. Make one per request."""

    def __init__(  # noqa: PLR0913 - one argument per field of `ApiEvents`
        self,
        publisher: Publisher,
        *,
        client_space_id: str,
        token_owner: Person,
        request_id: str,
        service: str,
        idempotency_key: str | None = None,
        first_received_at: datetime | None = None,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(
            when_awaited(publisher),
            ApiEvents(
                client_space_id=client_space_id,
                token_owner=token_owner,
                request_id=request_id,
                service=service,
                idempotency_key=idempotency_key,
                first_received_at=first_received_at,
                clock=clock,
            ),
        )
