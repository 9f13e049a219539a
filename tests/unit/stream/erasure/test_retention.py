"""What `audit-stream retention status` warns of."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.topics import ACTIVITY_LOG_TOPIC, DEAD_LETTERS_TOPIC, EVENTS_TOPIC, PERSON_NAMES_TOPIC, TOPICS
from stream.erasure.retention import Stored, status, topic_warnings
from tests.builders import NOW

DECLARED = {topic.name: topic.config for topic in TOPICS}
DAY_MS = 24 * 3600 * 1000
NOTHING = Stored(None, None, 0, None, None)


def with_option(topic: str, **options: Any) -> dict[str, dict[str, str]]:
    changed = {name.replace("_", "."): str(value) for name, value in options.items()}
    return {**DECLARED, topic: {**DECLARED[topic], **changed}}


def test_the_topics_as_they_are_declared_give_no_reason_to_warn() -> None:
    assert topic_warnings(DECLARED) == []


@pytest.mark.parametrize(
    ("configs", "warning"),
    [
        (with_option(ACTIVITY_LOG_TOPIC, retention_ms=300 * DAY_MS), "a rebuild would lack lines"),
        (with_option(EVENTS_TOPIC, retention_ms=DAY_MS), "would lose events"),
        (with_option(EVENTS_TOPIC, retention_ms=30 * DAY_MS), "30 days, 7 days are promised"),
        (with_option(EVENTS_TOPIC, retention_ms=-1), "keeps names for ever"),
        (with_option(DEAD_LETTERS_TOPIC, retention_ms=8 * DAY_MS), "8 days, 7 days are promised"),
        (with_option(EVENTS_TOPIC, segment_ms=DAY_MS), "names stay for so much longer"),
        (with_option(DEAD_LETTERS_TOPIC, segment_ms=2**60), "names stay for so much longer"),
        (with_option(PERSON_NAMES_TOPIC, cleanup_policy="delete"), "is not compacted"),
        (with_option(PERSON_NAMES_TOPIC, max_compaction_lag_ms=2**60), "may keep an overwritten name"),
        (with_option(PERSON_NAMES_TOPIC, segment_ms=3_600_000), "compacts later than is promised"),
        (with_option(EVENTS_TOPIC, retention_bytes=10**9), "bounded by size"),
    ],
)
def test_a_topic_that_keeps_too_little_or_names_for_too_long_is_named(
    configs: dict[str, dict[str, str]], warning: str
) -> None:
    (found,) = topic_warnings(configs)
    assert warning in found


def test_a_part_that_should_be_long_gone_is_named() -> None:
    stored = Stored(NOW, NOW, 5, NOW - timedelta(days=3), NOW)
    (warning,) = status(NOW, stored, DECLARED).warnings
    assert "are merges stopped?" in warning
    assert status(NOW, NOTHING, DECLARED).warnings == []


def test_the_promise_is_told_with_what_keeps_it() -> None:
    found = status(NOW, NOTHING, DECLARED)
    assert found.retention_start == NOW.replace(year=NOW.year - 1)
    assert found.topics[EVENTS_TOPIC] == "7 days"
    assert "overwritten ones for 1:15:00 at most" in found.topics[PERSON_NAMES_TOPIC]
