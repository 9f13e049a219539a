"""What `audit-stream retention status` warns of."""

from datetime import timedelta

from schemas.topics import EVENTS_TOPIC, PERSON_NAMES_TOPIC, TOPICS
from stream.erasure.retention import Stored, status
from tests.builders import NOW

DECLARED = {topic.name: topic.config for topic in TOPICS}
NOTHING = Stored(None, None, 0, None, None)


def test_a_part_that_should_be_long_gone_is_named() -> None:
    stored = Stored(NOW, NOW, 5, NOW - timedelta(days=3), NOW)
    (warning,) = status(NOW, stored, DECLARED, []).warnings
    assert "are merges stopped?" in warning
    assert status(NOW, NOTHING, DECLARED, []).warnings == []


def test_the_promise_is_told_with_what_keeps_it() -> None:
    found = status(NOW, NOTHING, DECLARED, [])
    assert found.retention_start == NOW.replace(year=NOW.year - 1)
    assert found.topics[EVENTS_TOPIC] == "7 days"
    assert "overwritten ones for 1:15:00 at most" in found.topics[PERSON_NAMES_TOPIC]


def test_a_topic_that_is_not_as_declared_is_a_warning() -> None:
    assert status(NOW, NOTHING, DECLARED, ["t: retention.ms is 1, declared 2"]).warnings == [
        "t: retention.ms is 1, declared 2"
    ]
