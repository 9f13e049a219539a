"""The state of the retention: what is on disk, what is shown, what is dropped next, and how long topics keep what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.kafka_address import KafkaAddress
from schemas.retention import retention_start
from schemas.rows import ACTIVITY_LOG, PERSON_NAMES
from schemas.topics import TOPICS
from stream.clients.clickhouse import open_clickhouse
from stream.clients.kafka import open_admin
from stream.clients.topics import duration, topic_config
from stream.erasure.eraser import compacted_within


@dataclass(frozen=True, slots=True)
class Stored:
    """What ClickHouse holds. Times are `None` where there is nothing."""

    oldest_line_on_disk: datetime | None
    oldest_line_shown: datetime | None
    lines_no_longer_shown: int
    next_drop: datetime | None
    oldest_name_last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the retention. *topics* maps each topic to how long it keeps what."""

    now: datetime
    retention_start: datetime
    stored: Stored
    topics: dict[str, str]
    warnings: list[str]


def read_stored(url: str, database: str, now: datetime) -> Stored:
    """Ask ClickHouse. Blocks; raises `Unavailable`."""
    start = {"start": retention_start(now)}
    lines = f"{database}.{ACTIVITY_LOG}"
    with open_clickhouse(url, timeout_seconds=120) as client:
        ((oldest, shown, hidden),) = client.query(
            "SELECT minOrNull(occurred_at), minOrNullIf(occurred_at, occurred_at >= {start:DateTime64(6, 'UTC')}),"  # noqa: S608 - a checked name
            f" countIf(occurred_at < {{start:DateTime64(6, 'UTC')}}) FROM {lines}",
            start,
        ).result_rows
        ((drop,),) = client.query(
            "SELECT minOrNull(toTimeZone(delete_ttl_info_max, 'UTC')) FROM system.parts"
            " WHERE active AND database = {database:String} AND table = {table:String}",
            {"database": database, "table": ACTIVITY_LOG},
        ).result_rows
        ((name,),) = client.query(f"SELECT minOrNull(last_seen) FROM {database}.{PERSON_NAMES}").result_rows  # noqa: S608 - as above
    return Stored(oldest, shown, hidden, drop, name)


async def read_topics(kafka: KafkaAddress) -> dict[str, dict[str, str]]:
    """Every topic's options as the broker has them. Raises `Unavailable`."""
    async with open_admin(kafka) as admin:
        return {topic.name: await topic_config(admin, topic.name) for topic in TOPICS}


def status(now: datetime, stored: Stored, configs: Mapping[str, Mapping[str, str]], differences: list[str]) -> Status:
    """The state that these facts describe. Pure. *differences* from the declared topics become warnings."""
    topics = {name: _in_words(config) for name, config in configs.items()}
    return Status(now, retention_start(now), stored, topics, [*_late(now, stored), *differences])


def _late(now: datetime, stored: Stored) -> list[str]:
    """Whether ClickHouse is late with what its TTL should have dropped; merges look for it every few hours."""
    if stored.next_drop is not None and stored.next_drop < now - timedelta(days=2):
        return [f"a part of the log should have been dropped on {stored.next_drop:%Y-%m-%d}: are merges stopped?"]
    return []


def _in_words(config: Mapping[str, str]) -> str:
    if config.get("cleanup.policy") == "compact":
        within = compacted_within(config)
        return f"the last record of each key; overwritten ones for {'ever' if within is None else within} at most"
    return _words(duration(config, "retention.ms"))


def _words(duration: timedelta | None) -> str:
    if duration is None:
        return "ever"
    return f"{duration.days} days" if duration >= timedelta(days=2) else f"{duration / timedelta(hours=1):.1f} hours"
