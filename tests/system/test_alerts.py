"""The alerts: each has a section in the runbook and recorded series, and does on those what it should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ALERTS, SERIES = Path("deploy/prometheus/alerts.yaml"), Path("deploy/prometheus/alerts.test.yaml")
RUNBOOK = Path("deploy/RUNBOOK.md")


@pytest.fixture(scope="module")
def alerts(repository: Path) -> set[str]:
    found = re.findall(r"- alert: (\w+)", (repository / ALERTS).read_text(encoding="utf-8"))
    assert len(found) == len(set(found))
    return set(found)


def test_the_runbook_has_a_section_for_every_alert_and_for_no_other(repository: Path, alerts: set[str]) -> None:
    text = (repository / RUNBOOK).read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (Audit\w+)\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == alerts
    for name, section in sections.items():
        assert re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE) == ["Means", "Look at", "Do"], name


def test_recorded_series_make_every_alert_fire(repository: Path, alerts: set[str]) -> None:
    text = (repository / SERIES).read_text(encoding="utf-8")
    assert set(re.findall(r'alertname="(\w+)"', text)) == alerts


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, of Prometheus, is not on this machine")
def test_the_alerts_fire_on_recorded_series_as_they_should(repository: Path) -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", SERIES.name],
        cwd=(repository / SERIES).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
