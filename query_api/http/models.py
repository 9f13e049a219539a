"""The shape of the answers, for the OpenAPI document. A test holds `query_api.http.rendering` to it.

FastAPI checks no answer against these: on a full page that takes three times as long as everything else.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from query_api.log.buckets import Interval
from query_api.log.facets import MAX_LICENSES, MAX_VALUES, Facet
from schemas.events import ActivityType, Channel


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NameModel(_Answer):
    """A person's present names."""

    username: str | None = Field(examples=["countess@example.com"])
    display_name: str | None = Field(examples=["Countess of Lovelace"])


class PersonModel(_Answer):
    """An admin or an affected user. A deleted one is "Deleted User"; nothing tells who it was."""

    ref: UUID = Field(description="The same on all lines of one life of this person; `ref:<uuid>` filters by it.")
    id: str | None = Field(description="The platform's id.", examples=["usr_8f"])
    username: str | None = Field(description="As it was at the time of the line.", examples=["ada@example.com"])
    display_name: str | None = Field(
        description='As it was at the time of the line, or "Deleted User", or "Name unavailable".',
        examples=["Ada Lovelace"],
    )
    deleted: bool
    current: NameModel | None = Field(description="The person's present names, where they differ.")


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
    next_cursor: str | None = Field(description="In the order `recorded` always given: come back with it.")


class RangeModel(_Answer):
    """What the answer covers."""

    as_of: datetime
    from_: datetime = Field(alias="from", description="The start of the range that was read.")
    to: datetime | None
    clamped: bool = Field(description="Whether `from` lay before retention and was moved to its start.")


class MetaModel(RangeModel):
    """What a page of lines covers."""

    complete_through: datetime | None = Field(
        description="In the order `recorded`, on a last page: no line recorded before this is still to come."
    )


class ActivityPageModel(_Answer):
    """A page of the log."""

    data: list[ActivityModel]
    page: PageModel
    meta: MetaModel


class ActivityAnswerModel(_Answer):
    """One line of the log."""

    data: ActivityModel


class FileImportModel(_Answer):
    """What the log's lines say of one file import."""

    import_id: UUID = Field(description="A value of the filter `import_id`.")
    first_occurred_at: datetime = Field(description="The time of its first line.")
    last_occurred_at: datetime = Field(description="The time of its last line.")
    admin: PersonModel = Field(description="The admin of its last line, as that line shows them.")
    total: int = Field(examples=[12])
    by_activity_type: dict[ActivityType, int] = Field(
        description="Types without a line are left out.", examples=[{"user_creation": 4, "user_license_update": 8}]
    )


class FileImportsModel(_Answer):
    """A page of file imports, the one with the latest line first."""

    data: list[FileImportModel]
    page: PageModel
    meta: RangeModel


class BucketModel(_Answer):
    """The lines from *start* until the next bucket's."""

    start: datetime = Field(description="In the requested zone.", examples=["2026-11-24T00:00:00+01:00"])
    total: int = Field(examples=[12])
    by_activity_type: dict[ActivityType, int] = Field(
        description="Types without a line are left out.", examples=[{"user_creation": 4, "user_license_update": 8}]
    )


class ChartModel(_Answer):
    """How many lines, over time. Buckets follow one another without a gap."""

    interval: Interval
    tz: str = Field(examples=["Europe/Paris"])
    buckets: list[BucketModel]
    total: int = Field(examples=[12])
    facets: dict[Facet, dict[str, int]] | None = Field(
        default=None,
        description="Only where `facet` asks for it: how many lines each value would select beside the other filters."
        f" Values without a line are left out. The {MAX_VALUES} with the most lines are there, and those asked for.",
        examples=[{"license": {"Data Reader": 5, "Data Steward": 8}}],
    )
    cut_facets: list[Facet] | None = Field(
        default=None, description="Only beside `facets`: those that have further values.", examples=[[]]
    )


class MentionedPersonModel(_Answer):
    """A living person, or (`ref` is `deleted`) all deleted persons."""

    ref: UUID | Literal["deleted"] = Field(description="Behind `ref:`, a value of the filters.")
    id: str | None = Field(examples=["usr_8f"])
    username: str | None = Field(examples=["ada@example.com"])
    display_name: str | None = Field(examples=["Ada Lovelace"])
    deleted: bool
    activities: int = Field(description="How many lines of the range mention them in this role.", examples=[67])


class PersonsModel(_Answer):
    """Persons, the last mentioned first. The entry of the deleted persons is the last."""

    data: list[MentionedPersonModel]


class MetaAnswerModel(_Answer):
    """What the log holds, and what the token allows."""

    activity_types: list[ActivityType]
    channels: list[Channel]
    licenses: list[str] = Field(
        description=f"The licenses in the log; the first {MAX_LICENSES}.", examples=[["Data Reader", "Data Steward"]]
    )
    has_more_licenses: bool
    retention_from: datetime
    scopes: list[str] = Field(examples=[["audit:export", "audit:read"]])


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
