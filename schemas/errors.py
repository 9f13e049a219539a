"""Every error of the contract, split by what the caller must do.

ContractError
├── InvalidEvent          refuse this event; its neighbours are fine
├── UnknownSchemaId       refuse this record; the registry has denied the id for a while, or no registry can have it
├── RegistryUnavailable   wait and try again; nothing is known about the record
└── IncompatibleSchema    stop; a schema was changed in a way that its readers cannot follow
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why an event or record is refused. Codes are stable: dead letters and error answers carry them."""

    BLANK = "blank"
    """A required text is empty or only white space."""
    CONFLICTING_EVENT = "conflicting_event"
    """An event with this id is in the log already and says something else; the first account stands."""
    EMPTY_RECORD = "empty_record"
    """The Kafka record has no value (a tombstone)."""
    FORBIDDEN_NAME = "forbidden_name"
    """A user deletion carries a name of its affected user; it must not."""
    INVALID_VALUE = "invalid_value"
    """The value is of the right type but not one that the field allows."""
    MALFORMED = "malformed"
    """The bytes are not the one canonical Avro encoding of a datum of the writer's schema."""
    NAIVE_DATETIME = "naive_datetime"
    """A time without a UTC offset names no instant."""
    OUT_OF_RANGE = "out_of_range"
    """The value lies outside the range that the field allows."""
    REFUSED_BY_STORE = "refused_by_store"
    """The event keeps every bound, yet ClickHouse would not take its rows: a bound is missing here."""
    TOO_LONG = "too_long"
    """The text is longer than its limit."""
    TRAILING_BYTES = "trailing_bytes"
    """Bytes are left after the datum."""
    UNEXPECTED_SCHEMA = "unexpected_schema"
    """The schema id belongs to something that is not a version of the event."""
    UNKNOWN_SCHEMA_ID = "unknown_schema_id"
    """The registry answered that it has no schema under this id."""
    WRONG_MAGIC = "wrong_magic"
    """The value does not start with the Confluent wire format's five-byte header."""
    WRONG_TYPE = "wrong_type"
    """The value is of another type than the field's."""


class ContractError(Exception):
    """The root of this tree; never raised itself."""


class InvalidEvent(ContractError):
    """The event breaks the contract; publishing or storing it again would fail the same way.

    Neither the text nor the attributes carry a value of the event, so both may be logged.
    """

    def __init__(self, reason: Reason, field: str = "", *, advice: str = "") -> None:
        text = f"{field}: {reason}" if field else str(reason)
        super().__init__(f"{text} ({advice})" if advice else text)
        self.reason = reason
        self.field = field


class UnknownSchemaId(ContractError):
    """The registry has no schema under this id; see `SchemaRegistry.event_schema`."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is not in the registry")
        self.schema_id = schema_id


class RegistryUnavailable(ContractError):
    """The registry did not give an answer that says anything about the schema."""


class IncompatibleSchema(ContractError):
    """The registry refuses the schema: some version could not read what another wrote."""
