"""The event as Python values: what happened to whom, by whom, when, and through which channel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class ActivityType(StrEnum):
    """The four recorded activities."""

    USER_CREATION = "user_creation"
    USER_DELETION = "user_deletion"
    USER_LICENSE_UPDATE = "user_license_update"
    ADMIN_RIGHTS_UPDATE = "admin_rights_update"


class Channel(StrEnum):
    """How the admin acted. `UNKNOWN` is what a reader makes of a channel that a newer writer added."""

    UNKNOWN = "unknown"
    UI = "ui"
    API = "api"
    FILE_IMPORT = "file_import"


@dataclass(frozen=True, slots=True)
class Person:
    """An admin or an affected user, named as the platform knew them when the event occurred.

    *id* is the platform's id of the person, the same in all three channels.
    """

    id: str
    username: str | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class UserCreation:
    """The affected user now exists; their username is the affected user's."""

    activity_type: ClassVar[ActivityType] = ActivityType.USER_CREATION


@dataclass(frozen=True, slots=True)
class UserDeletion:
    """The affected user no longer exists; the event must not name them."""

    activity_type: ClassVar[ActivityType] = ActivityType.USER_DELETION


@dataclass(frozen=True, slots=True)
class UserLicenseUpdate:
    """The affected user's license changed; `None` means no license."""

    activity_type: ClassVar[ActivityType] = ActivityType.USER_LICENSE_UPDATE
    previous_license: str | None
    new_license: str | None


@dataclass(frozen=True, slots=True)
class AdminRightsUpdate:
    """The affected user was granted (`True`) or lost (`False`) admin rights."""

    activity_type: ClassVar[ActivityType] = ActivityType.ADMIN_RIGHTS_UPDATE
    granted: bool


Activity = UserCreation | UserDeletion | UserLicenseUpdate | AdminRightsUpdate


@dataclass(frozen=True, slots=True)
class Source:
    """Where the event came from: an upstream service, one of its requests, or a row of an imported file.

    *file_sha256* is the raw digest (32 bytes); *row_number* is the line of the file, the header being 1.
    """

    service: str
    request_id: str | None = None
    import_id: UUID | None = None
    file_sha256: bytes | None = None
    row_number: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One user-management action. Two events with the same *event_id* are the same event."""

    event_id: UUID
    occurred_at: datetime
    client_space_id: str
    channel: Channel
    admin: Person
    affected_user: Person
    activity: Activity
    source: Source | None = None
