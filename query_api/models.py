"""The shape of the answers, for the OpenAPI document. `query_api.rendering` writes them; a test holds the two together.

FastAPI checks no answer against these: on a full page that takes three times as long as everything else.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.events import ActivityType, Channel


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonModel(_Answer):
    """An admin or an affected user. A deleted one is "Deleted User", and nothing here leads to who it was."""

    ref: UUID = Field(description="The same on every line of one life of this person; usable as `ref:<uuid>`.")
    id: str | None = Field(description="The platform's id.", examples=["usr_8f"])
    username: str | None = Field(description="As it was at the time of the line.", examples=["ada@example.com"])
    display_name: str | None = Field(
        description='As it was at the time of the line, or "Deleted User", or "Name unavailable".',
        examples=["Ada Lovelace"],
    )
    deleted: bool


class LicenseChangeModel(_Answer):
    """The license before and after; `null` is none."""

    field: Literal["license"]
    before: str | None = Field(examples=["Data Reader"])
    after: str | None = Field(examples=["Data Steward"])


class AdminRightsChangeModel(_Answer):
    """Whether the affected user had admin rights before and after."""

    field: Literal["admin_rights"]
    before: bool
    after: bool


class SourceModel(_Answer):
    """Where the event came from."""

    service: str = Field(examples=["user-service"])
    request_id: str | None
    import_id: UUID | None
    row_number: int | None = Field(description="The line of the imported file, the header being 1.", examples=[42])


class ActivityModel(_Answer):
    """A line of the log."""

    event_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    activity_type: ActivityType
    channel: Channel
    affected_user: PersonModel
    admin: PersonModel
    changes: list[LicenseChangeModel | AdminRightsChangeModel] = Field(
        description="What an update changed; empty for a creation or deletion."
    )
    source: SourceModel | None


class PageModel(_Answer):
    """Where the page stands in the walk."""

    limit: int
    has_more: bool
    next_cursor: str | None


class MetaModel(_Answer):
    """What the answer covers."""

    as_of: datetime
    from_: datetime = Field(alias="from", description="Where the log starts for this request.")
    to: datetime | None
    clamped: bool = Field(description="Whether `from` was older than retention and was cut to it.")


class ActivityPageModel(_Answer):
    """A page of the log."""

    data: list[ActivityModel]
    page: PageModel
    meta: MetaModel


class ActivityAnswerModel(_Answer):
    """One line of the log."""

    data: ActivityModel


class ParameterErrorModel(_Answer):
    """One fault of a request."""

    parameter: str
    code: str
    message: str


class ProblemModel(_Answer):
    """An error, as RFC 9457 has it."""

    type: str = Field(examples=["/problems/invalid-parameter"])
    title: str
    status: int
    detail: str
    instance: str = Field(examples=["/requests/5f0c1a3e7b9d4c2f8e6a0b1d2c3f4e5a"])
    request_id: str
    errors: list[ParameterErrorModel] | None = None


class StatusModel(_Answer):
    """The answer of a health check."""

    status: str
