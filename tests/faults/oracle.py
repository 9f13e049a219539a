"""The oracle: what Kafka acknowledged against what readers see, and against the offsets that were committed. Pure.

It trusts nothing of the product. It knows three facts: the events whose acknowledgement came (the ledger), the events
whose acknowledgement never came (perhaps written), and what a reader was shown.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from schemas.events import Activity, AdminRightsUpdate, Event, UserLicenseUpdate

Place = tuple[int, int]
"""Partition and offset of a record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as its producer knows it, or a line as a reader sees it."""

    event_id: str
    client_space_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, by kind; every collection is empty where nothing is."""

    acknowledged: int = 0
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    phantom: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    ahead: tuple[Place, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.phantom or self.altered or self.ahead)

    def __str__(self) -> str:
        counts = ", ".join(
            f"{kind} {len(getattr(self, kind))}" for kind in ("lost", "doubled", "phantom", "altered", "ahead")
        )
        return f"acknowledged {self.acknowledged}, {counts}"


def compare(acknowledged: Mapping[str, Entry], maybe: Collection[str], shown: Sequence[Entry]) -> Verdict:
    """Judge *shown*, every line of the ledger's client spaces.

    Lost: acknowledged and not shown. Doubled: shown more than once. Phantom: shown, and neither acknowledged nor
    perhaps written. Altered: shown in another client space or with another content than it was published with.
    """
    counts = Counter(entry.event_id for entry in shown)
    altered = {
        entry.event_id for entry in shown if entry.event_id in acknowledged and entry != acknowledged[entry.event_id]
    }
    return Verdict(
        acknowledged=len(acknowledged),
        lost=tuple(sorted(acknowledged.keys() - counts.keys())),
        doubled=tuple(sorted(event_id for event_id, count in counts.items() if count > 1)),
        phantom=tuple(sorted(counts.keys() - acknowledged.keys() - set(maybe))),
        altered=tuple(sorted(altered)),
    )


def commits_ahead(
    committed: Mapping[int, int],
    checked: Mapping[int, int],
    contents: Mapping[Place, str | None],
    stored: Collection[str],
    dead_letters: Collection[Place],
) -> list[Place]:
    """The records below the *committed* offsets that are nowhere: a crash now would lose them.

    *checked* says up to where earlier samples have looked. *contents* has the event id of every record between the
    two, `None` where the record is none; *stored* and *dead_letters* were read after *committed* was.
    """
    return [
        (partition, offset)
        for partition, end in sorted(committed.items())
        for offset in range(checked.get(partition, 0), end)
        if (partition, offset) in contents
        and contents[partition, offset] not in stored
        and (partition, offset) not in dead_letters
    ]


def with_ahead(verdict: Verdict, ahead: Sequence[Place]) -> Verdict:
    """*verdict*, and what the samples of the committed offsets found."""
    return replace(verdict, ahead=tuple(ahead))


def entry_of_event(event: Event) -> Entry:
    """*event* as the ledger keeps it."""
    source = event.source
    content = {
        "occurred_at": _instant(event.occurred_at),
        "activity_type": event.activity.activity_type.value,
        "channel": event.channel.value,
        "admin": [event.admin.id, event.admin.username, event.admin.display_name],
        "affected_user": [event.affected_user.id, event.affected_user.username, event.affected_user.display_name],
        "change": _change(event.activity),
        "source": None if source is None else [source.service, source.request_id],
    }
    return Entry(str(event.event_id), event.client_space_id, _digest(content))


def entry_of_line(line: Mapping[str, Any], client_space_id: str) -> Entry:
    """A line of the query API as the ledger would keep it."""
    people = {
        side: [line[side]["id"], line[side]["username"], line[side]["display_name"]]
        for side in ("admin", "affected_user")
    }
    source = line["source"]
    content = {
        "occurred_at": _instant(datetime.fromisoformat(line["occurred_at"])),
        "activity_type": line["activity_type"],
        "channel": line["channel"],
        **people,
        "change": [[change["before"], change["after"]] for change in line["changes"]],
        "source": None if source is None else [source["service"], source["request_id"]],
    }
    return Entry(line["event_id"], client_space_id, _digest(content))


def _change(activity: Activity) -> list[list[object]]:
    if isinstance(activity, UserLicenseUpdate):
        return [[activity.previous_license, activity.new_license]]
    if isinstance(activity, AdminRightsUpdate):
        return [[not activity.granted, activity.granted]]
    return []


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
