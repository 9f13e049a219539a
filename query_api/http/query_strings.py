"""The query strings that the paths take."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from query_api.errors import InvalidParameters, ParameterError
from query_api.http.export_people import Reading
from query_api.http.export_words import Language
from query_api.http.parameters import (
    DELETED_PERSONS,
    MAX_VALUES,
    Instant,
    LicenseValue,
    PersonValue,
    check_whole_number,
    check_zone,
    to_ref,
)
from query_api.log.buckets import Interval
from query_api.log.facets import Facet
from query_api.log.filters import REF_PREFIX, ActivityFilter, Order
from schemas.events import ActivityType, Channel

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_IMPORTS = 100
DEFAULT_PERSONS = 10
MAX_PERSONS = 100
MAX_SEARCH_LENGTH = 100

_EXAMPLE_TIME = "2026-11-24T09:31:07Z"


WholeNumber = Annotated[int, BeforeValidator(check_whole_number)]
Zone = Annotated[str, AfterValidator(check_zone)]
Cursor = Annotated[
    str | None,
    Field(description="`next_cursor` of the page before. All other parameters but `limit` must be unchanged."),
]


class AdminRights(StrEnum):
    """What an admin rights update does."""

    GRANTED = "granted"
    REMOVED = "removed"


class FilterQuery(BaseModel):
    """The filters. A parameter with several values is repeated; its values are alternatives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    activity_type: list[ActivityType] = Field(
        [], max_length=MAX_VALUES, description="Only lines of these activity types.", examples=[["user_creation"]]
    )
    affected_user: list[PersonValue] = Field(
        [],
        max_length=MAX_VALUES,
        description="Only lines about these persons: platform ids, refs of lines as `ref:<uuid>`, or `ref:deleted`"
        " for all deleted persons.",
        examples=[["usr_8f"]],
    )
    admin: list[PersonValue] = Field(
        [], max_length=MAX_VALUES, description="Only lines by these persons, named as in `affected_user`."
    )
    channel: list[Channel] = Field(
        [], max_length=MAX_VALUES, description="Only lines of these channels.", examples=[["api"]]
    )
    import_id: list[UUID] = Field(
        [], max_length=MAX_VALUES, description="Only lines of these file imports (`source.import_id`)."
    )
    license: list[LicenseValue] = Field(
        [],
        max_length=MAX_VALUES,
        description="Only license updates from or to these licenses.",
        examples=[["Data Steward"]],
    )
    admin_rights: list[AdminRights] = Field(
        [], max_length=MAX_VALUES, description="Only admin rights updates that grant or that remove them."
    )
    since: Instant | None = Field(
        None, alias="from", description="Only lines at this time or later (RFC 3339).", examples=[_EXAMPLE_TIME]
    )
    until: Instant | None = Field(
        None, alias="to", description="Only lines before this time (RFC 3339).", examples=[_EXAMPLE_TIME]
    )

    def to_filter(self, key: bytes, client_space_id: str) -> ActivityFilter:
        """What the query asks for. Raises `InvalidParameters` where its range is empty."""
        require_range(self.since, self.until)
        affected_users, admins = map(_without_deleted, (self.affected_user, self.admin))
        return ActivityFilter(
            activity_types=frozenset(map(str, self.activity_type)),
            channels=frozenset(map(str, self.channel)),
            import_ids=frozenset(self.import_id),
            licenses=frozenset(self.license),
            admin_rights=frozenset(value is AdminRights.GRANTED for value in self.admin_rights),
            affected_users=frozenset(to_ref(value, key, client_space_id) for value in affected_users),
            admins=frozenset(to_ref(value, key, client_space_id) for value in admins),
            by_id=not any(value.startswith(REF_PREFIX) for value in (*affected_users, *admins)),
            deleted_affected_users=DELETED_PERSONS in self.affected_user,
            deleted_admins=DELETED_PERSONS in self.admin,
            since=self.since,
            until=self.until,
        )


class ActivityQuery(FilterQuery):
    """The filters, and which page."""

    order: Order = Field(
        Order.DESC,
        description="`desc`: newest first. `asc`: oldest first. `recorded`: as recorded, for machines.",
    )
    limit: WholeNumber = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="The most lines of a page.")
    cursor: Cursor = None


class ImportsQuery(FilterQuery):
    """The filters, and which page of file imports."""

    limit: WholeNumber = Field(DEFAULT_LIMIT, ge=1, le=MAX_IMPORTS, description="The most file imports of a page.")
    cursor: Cursor = None


class StatsQuery(FilterQuery):
    """The filters, and how to count."""

    interval: Interval = Field(Interval.DAY, description="The length of a bucket.")
    facet: list[Facet] = Field(
        [],
        max_length=MAX_VALUES,
        description="Count the values of these filters too, each beside the other filters.",
        examples=[["license"]],
    )
    tz: Zone = Field("UTC", description="The time zone of days, weeks and months.", examples=["Europe/Paris"])


class ExportFormat(StrEnum):
    """What an export looks like: RFC 4180, one JSON document a line, ours or OCSF's, or a workbook for Excel."""

    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"
    XLSX = "xlsx"

    @property
    def extension(self) -> str:
        """What the file's name ends with."""
        return "ocsf.jsonl" if self is ExportFormat.OCSF else self.value


class ExportQuery(FilterQuery):
    """The filters, and the file."""

    format: ExportFormat = Field(
        description="`csv`, `jsonl` (one JSON document a line), `ocsf` (an OCSF event a line) or `xlsx`."
    )
    lang: Language | None = Field(
        None,
        description="The language of headings and words. A `csv` is for machines without it, and for people with"
        " it; an `xlsx` is for people, in English (`en`) without it.",
    )
    tz: Zone | None = Field(
        None,
        description="The time zone of the days in the file's name, and of a file for people; default UTC.",
        examples=["Europe/Paris"],
    )
    order: Literal[Order.DESC, Order.ASC] = Field(Order.DESC, description="`desc`: newest first. `asc`: oldest first.")

    def reading(self) -> Reading | None:
        """How people want to read the file; `None` where it is for machines.

        Raises `InvalidParameters` where a parameter would change nothing.
        """
        if self.format in {ExportFormat.JSONL, ExportFormat.OCSF} and self.lang is not None:
            raise InvalidParameters([ParameterError("lang", "invalid_value", "goes with csv and xlsx only")])
        if self.lang is None and self.format is not ExportFormat.XLSX:
            return None
        return Reading(self.lang or Language.EN, self.zone())

    def zone(self) -> ZoneInfo:
        """The zone of the file's days."""
        return ZoneInfo(self.tz or "UTC")


class PersonsQuery(BaseModel):
    """The persons to look for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: str = Field(
        "",
        max_length=MAX_SEARCH_LENGTH,
        description="A part of the id, the username or the display name; empty finds everybody.",
        examples=["ada"],
    )
    limit: WholeNumber = Field(DEFAULT_PERSONS, ge=1, le=MAX_PERSONS, description="The most persons.")
    since: Instant | None = Field(None, alias="from", description="Count only lines at this time or later (RFC 3339).")
    until: Instant | None = Field(None, alias="to", description="Count only lines before this time.")


def require_range(since: datetime | None, until: datetime | None) -> None:
    """Raise `InvalidParameters` where nothing can lie between the two."""
    if since is not None and until is not None and since >= until:
        raise InvalidParameters([ParameterError("from", "out_of_range", "must be before to")])


def _without_deleted(values: list[str]) -> list[str]:
    return [value for value in values if value != DELETED_PERSONS]
