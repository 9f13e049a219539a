"""The windows of time that a page is looked for in. Pure, but for what is remembered of earlier pages.

A window is a guess at how much time holds a page. A wrong guess costs a query or some rows, never a line.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from query_api.log.filters import Order, Selection

FIRST = timedelta(days=7)
SHORTEST, LONGEST = timedelta(days=1), timedelta(days=200)
_WIDENING = 8
_MARGIN = 2
"""The next window is this many times as long as the last page was."""
_REMEMBERED = 4_096


class Windows:
    """The windows of each kind of walk, by how much time its pages took before."""

    def __init__(self) -> None:
        self._first: OrderedDict[Hashable, timedelta] = OrderedDict()

    def spans(self, kind: Hashable) -> Iterator[timedelta | None]:
        """Ever wider windows; `None`, for all that is left, is the last."""
        span = self._first.get(kind, FIRST)
        while span <= LONGEST:
            yield span
            span *= _WIDENING
        yield None

    def learn(self, kind: Hashable, taken: timedelta) -> None:
        """Remember how much time a page took, or how much was looked through without filling it."""
        self._first[kind] = max(_MARGIN * taken, SHORTEST)
        self._first.move_to_end(kind)
        if len(self._first) > _REMEMBERED:
            self._first.popitem(last=False)


def kind_of(client_space_id: str, selection: Selection) -> Hashable:
    """The key under which window lengths are remembered: such walks have pages of about one length."""
    deleted = selection.deleted_affected_users, selection.deleted_admins
    changes = selection.licenses, selection.admin_rights
    filters = selection.activity_types, selection.channels, selection.import_ids, changes
    return client_space_id, selection.order, selection.limit, filters, deleted


def start_of(selection: Selection, now: datetime) -> datetime:
    """Where the walk goes on. Lines may lie a little ahead of *now*."""
    if selection.order is Order.DESC:
        end = now if selection.until is None else max(min(selection.until, now), selection.since)
        return end if selection.after is None else min(selection.after.occurred_at, end)
    return selection.since if selection.after is None else max(selection.after.occurred_at, selection.since)


def nearest(selection: Selection, span: timedelta | None, now: datetime) -> Selection:
    """*selection* cut to the next *span*; itself where it is no longer than that."""
    start = start_of(selection, now)
    if span is None or start > now:
        # Few lines lie ahead of now, and the calendar may end within the span.
        return selection
    if selection.order is Order.DESC:
        return replace(selection, since=start - span) if start - span > selection.since else selection
    end = start + span
    return replace(selection, until=end) if end < (selection.until or now) else selection


def beyond(selection: Selection, part: Selection) -> Selection:
    """The rest of *selection* behind *part*."""
    if selection.order is Order.DESC:
        return replace(selection, until=part.since, after=None)
    return replace(selection, since=part.until or selection.since, after=None)
