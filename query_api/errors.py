"""Every error of the query API, split by what the caller must do. `query_api.http.problems` turns each into an answer.

QueryError
├── Refused                    change the request; repeating it would end the same way
│   ├── InvalidParameters
│   ├── InvalidCursor
│   ├── Unauthenticated
│   ├── InsufficientScope
│   ├── NotAcceptable
│   ├── RateLimited            unless it is repeated later
│   └── ActivityNotFound
└── StoreError                 repeat the request later: ClickHouse gave no answer
    ├── StoreUnavailable
    │   └── OtherSchema
    └── QueryTimeout
schemas.token_keys.KeysUnavailable  repeat the request later: the identity provider gave no keys

No text or attribute holds a value of the request or of the log, so all of them may be logged.
"""

from dataclasses import dataclass


class QueryError(Exception):
    """The root of this tree; never raised itself."""


class Refused(QueryError):
    """The request is at fault; never raised itself."""


@dataclass(frozen=True, slots=True)
class ParameterError:
    """One fault of a request: the parameter's name, a stable code, and words for a developer."""

    parameter: str
    code: str
    message: str


class InvalidParameters(Refused):
    """Parameters are unknown, malformed or contradict one another; all that were found are named."""

    def __init__(self, errors: list[ParameterError]) -> None:
        super().__init__(", ".join(f"{error.parameter}: {error.code}" for error in errors))
        self.errors = errors


class InvalidCursor(Refused):
    """The cursor was not given for this client space, these filters and this order, or is too old."""


class Unauthenticated(Refused):
    """There is no valid token. *given*: one was sent, and is not valid."""

    def __init__(self, *, given: bool) -> None:
        super().__init__("the token is not valid" if given else "no token was sent")
        self.given = given


class InsufficientScope(Refused):
    """The token is valid but does not allow this; *scope* is missing."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the scope {scope} is missing")
        self.scope = scope


class NotAcceptable(Refused):
    """The request's `Accept` excludes every form that the answer has."""


class RateLimited(Refused):
    """The caller asks too often. *retry_after_seconds* is when the next request can pass."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too many requests")
        self.retry_after_seconds = retry_after_seconds


class ActivityNotFound(Refused):
    """The client space has no such line within retention."""


class StoreError(QueryError):
    """ClickHouse gave no answer; never raised itself."""


class StoreUnavailable(StoreError):
    """ClickHouse cannot be reached or failed. *code* is ClickHouse's own, where it gave one."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class OtherSchema(StoreUnavailable):
    """The database has another schema version. The text says how they differ."""


class QueryTimeout(StoreError):
    """ClickHouse did not answer in time."""
