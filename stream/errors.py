"""Every error of the worker, split by what must happen next.

StreamError
├── Unavailable       wait and try again; the same call may succeed later
│   └── AccessRefused correct a setting, a certificate or a right: the text says which
├── UnreadableRecord  this version cannot read a record of the history: find out whose it is, or leave it out
├── RebuildRefused    a rebuild would touch what is not its own, or lose lines: the text says what to do
├── StoreRefused      the store will never take these rows: find the guilty one and make it a dead letter
└── Fatal             end the process with a non-zero code; a restart reads again from the last commit
    ├── OffsetGap     a record between two received ones never arrived here
    ├── WrongSchema   ClickHouse's tables are not those of this version
    └── WrongTopic    the events topic has a setting that makes times wrong: correct it
"""


class StreamError(Exception):
    """The root of this tree; never raised itself. No text of it carries a value of an event."""


class Unavailable(StreamError):
    """Kafka or ClickHouse did not do what was asked; whether it did a part of it is not known."""


class AccessRefused(Unavailable):
    """Kafka is there and refuses this account or this connection. A worker waits it out, but does not start with it."""


class UnreadableRecord(StreamError):
    """This version cannot read a record of the history, and to pass over it could lose what others rely on."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")


class RebuildRefused(StreamError):
    """A rebuild would write to a database that is not its own, or lose lines. Nothing was changed."""


class StoreRefused(StreamError):
    """ClickHouse understood the rows and will not store them. *code* is its error code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"ClickHouse refuses the rows (code {code})")
        self.code = code


class Fatal(StreamError):
    """Going on could lose a record or store a wrong row."""


class OffsetGap(Fatal):
    """Records are missing between what was received last and what came now."""

    def __init__(self, topic: str, partition: int, expected: int, received: int) -> None:
        super().__init__(f"{topic}[{partition}]: expected offset {expected}, received {received}")


class WrongSchema(Fatal):
    """The database's migrations are not this version's; the text says which differs."""


class WrongTopic(Fatal):
    """A topic's setting is not as it must be; the text names topic, setting and value."""

    def __init__(self, topic: str, option: str, value: str, required: str) -> None:
        super().__init__(f"{topic}: {option} is {value}, and must be {required}")
