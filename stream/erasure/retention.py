"""What the retention comes to: what is on disk, what is shown, what is dropped next, and what the topics are set to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.retention import retention_start
from schemas.rows import ACTIVITY_LOG, PERSON_NAMES
from schemas.topics import (
    ACTIVITY_LOG_TOPIC,
    DEAD_LETTERS_TOPIC,
    EVENT_SEGMENT,
    EVENTS_TOPIC,
    LONGEST_YEAR,
    NAME_COMPACTION_LAG,
    NAME_SEGMENT,
    PERSON_NAMES_TOPIC,
    TOPICS,
)
from stream.clients.topics import duration, topic_config
from stream.erasure.eraser import compacted_within
from stream.errors import Unavailable
from stream.pipeline.sink import connect

LONGEST_OUTAGE = timedelta(days=7)
"""What the topic of events must cover: as long as the worker may be down, and as long as names may lie in it."""


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
    """The whole picture. *topics* maps each topic to how long it keeps what."""

    now: datetime
    retention_start: datetime
    stored: Stored
    topics: dict[str, str]
    warnings: list[str]


def read_stored(url: str, database: str, now: datetime) -> Stored:
    """Ask ClickHouse. Blocks; raises `Unavailable`."""
    start = {"start": retention_start(now)}
    lines = f"{database}.{ACTIVITY_LOG}"
    try:
        with connect(url, timeout_seconds=120) as client:
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
    except Exception as error:  # noqa: BLE001 - what a driver raises is no closed list
        raise Unavailable(f"ClickHouse: {type(error).__name__} (code {getattr(error, 'code', None)})") from None
    return Stored(oldest, shown, hidden, drop, name)


async def read_topics(bootstrap_servers: str) -> dict[str, dict[str, str]]:
    """Every topic's options as the broker has them. Raises `Unavailable`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        return {topic.name: await topic_config(admin, topic.name) for topic in TOPICS}
    except KafkaError as error:
        raise Unavailable(f"Kafka: {type(error).__name__}") from error
    finally:
        await admin.close()


def status(now: datetime, stored: Stored, configs: Mapping[str, Mapping[str, str]]) -> Status:
    """The picture that these make. Pure."""
    topics = {name: _in_words(config) for name, config in configs.items()}
    return Status(now, retention_start(now), stored, topics, [*_late(now, stored), *topic_warnings(configs)])


def topic_warnings(configs: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Where a topic keeps less than it must, or personal data for longer than is promised."""
    found = []
    log = duration(configs[ACTIVITY_LOG_TOPIC], "retention.ms")
    if log is not None and log < LONGEST_YEAR:
        found.append(f"{ACTIVITY_LOG_TOPIC} keeps {log.days} days: a rebuild would lack lines that are shown")
    events = duration(configs[EVENTS_TOPIC], "retention.ms")
    if events is not None and events < LONGEST_OUTAGE:
        found.append(f"{EVENTS_TOPIC} keeps {events}: an outage of {LONGEST_OUTAGE.days} days would lose events")
    for name in (EVENTS_TOPIC, DEAD_LETTERS_TOPIC):
        kept = duration(configs[name], "retention.ms")
        if kept is None or kept > LONGEST_OUTAGE:
            found.append(f"{name} keeps names for {_words(kept)}, {LONGEST_OUTAGE.days} days are promised")
        segment = duration(configs[name], "segment.ms")
        if segment is None or segment > EVENT_SEGMENT:
            found.append(f"{name} ends segments after {_words(segment)}: names stay for so much longer")
    found += _name_warnings(configs[PERSON_NAMES_TOPIC])
    for name, config in configs.items():
        if int(config.get("retention.bytes", -1)) >= 0 and "delete" in config.get("cleanup.policy", ""):
            found.append(f"{name} is bounded by size as well: it may drop what its retention still promises")
    return found


def _name_warnings(names: Mapping[str, str]) -> list[str]:
    """Where the topic of names keeps one longer than is promised, or none."""
    found = []
    if names.get("cleanup.policy") != "compact":
        found.append(
            f"{PERSON_NAMES_TOPIC} is not compacted: names are never overwritten on disk, or all of them expire"
        )
    lag = duration(names, "max.compaction.lag.ms")
    if lag is None or lag > NAME_COMPACTION_LAG:
        found.append(f"{PERSON_NAMES_TOPIC} may keep an overwritten name for more than {NAME_COMPACTION_LAG}")
    segment = duration(names, "segment.ms")
    if segment is None or segment > NAME_SEGMENT:
        found.append(f"{PERSON_NAMES_TOPIC} ends segments after {_words(segment)}: it compacts later than is promised")
    return found


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
