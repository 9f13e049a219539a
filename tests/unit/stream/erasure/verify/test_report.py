"""What `erasure verify` reports."""

from datetime import timedelta

import pytest

from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC, TOPICS
from stream.erasure.verify.report import Report, Trace
from stream.erasure.verify.topics import _until
from tests.builders import NOW, a_uuid

ADA = a_uuid(1)


@pytest.mark.parametrize("name", [EVENTS_TOPIC, DEAD_LETTERS_TOPIC])
def test_an_event_s_end_is_told_from_when_its_own_topic_took_it_in_and_what_begins_it_anew(name: str) -> None:
    (config,) = (topic.config for topic in TOPICS if topic.name == name)
    trace = _until(Trace(name, 2, None, ""), config, int(NOW.timestamp()) * 1000)
    assert trace.until == NOW.replace(microsecond=0) + timedelta(days=7, hours=6, minutes=6)
    assert "refused or replayed" in trace.reason


def test_a_report_is_clean_where_nothing_was_found() -> None:
    trace = Trace("kafka:events", 2, NOW, "records")
    assert Report("acme", "", None, None, (), ()).is_clean()
    assert not Report("acme", str(ADA), NOW, None, ("kafka:events",), (trace,)).is_clean()
