"""What `erasure verify` reports."""

import json
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


def test_a_report_is_json_with_times_in_rfc_3339() -> None:
    trace = Trace("kafka:events", 2, NOW, "records")
    report = Report("acme", str(ADA), NOW, None, ("kafka:events",), (trace,))
    found = json.loads(json.dumps(report.as_dict()))
    assert found["erased_at"] == "2026-11-24T09:31:07.412345Z"
    assert (found["traces"][0]["until"], found["is_clean"]) == ("2026-11-24T09:31:07.412345Z", False)
    assert Report("acme", "", None, None, (), ()).is_clean()
