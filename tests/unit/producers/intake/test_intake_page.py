"""The page of the intake, held to the code."""

import json
import re
from pathlib import Path

from producers import intake
from producers.event_json import from_json
from producers.intake.metrics import Metrics
from producers.intake.settings import IntakeSettings
from producers.prepared import prepared
from producers.settings import ProducerSettings
from tests.builders import NOW

PAGE = (Path(intake.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    own = [field for name, field in IntakeSettings.model_fields.items() if name not in ProducerSettings.model_fields]
    rows = re.findall(r"^\| `(AUDIT_\w+)` \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
    defaults = ["none" if field.default is None else str(field.default) for field in own]
    assert [(name, default, meaning.strip()) for name, default, meaning in rows] == [
        (str(field.alias), "required" if field.is_required() else default, str(field.description))
        for field, default in zip(own, defaults, strict=True)
    ]


def test_the_event_that_is_shown_is_taken() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    event = from_json(json.loads(shown))
    assert prepared(event, now=max(NOW, event.occurred_at))[0] == event


def test_every_metric_is_documented_by_its_help_and_labels() -> None:
    rows = re.findall(r"^\| `(audit_intake_\w+)` \| (?:`(\w+)`)? *\| (.+) \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(
        (
            f"{family.name}_total" if family.type == "counter" else family.name,
            "status" if any("status" in sample.labels for sample in family.samples) else "",
            family.documentation,
        )
        for family in Metrics().registry.collect()
    )
