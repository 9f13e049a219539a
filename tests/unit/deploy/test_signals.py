"""Alerts and dashboard read only metrics of query API, outbox and intake that exist.

`tests/unit/stream/health` holds the worker's.
"""

import re
from pathlib import Path

import pytest
import yaml

from producers.intake.metrics import Metrics as IntakeMetrics
from producers.outbox.command import RelayMetrics
from query_api.http.metrics import Metrics

DASHBOARD = "deploy/grafana/dashboard.json"


@pytest.fixture
def exposed() -> set[str]:
    return {sample.name for family in Metrics(["/v1/activities"]).registry.collect() for sample in family.samples}


@pytest.mark.parametrize("file", ["deploy/prometheus/alerts.yaml", DASHBOARD])
def test_alerts_and_dashboard_read_only_metrics_that_exist(repository: Path, exposed: set[str], file: str) -> None:
    used = set(re.findall(r"audit_query_\w+", (repository / file).read_text(encoding="utf-8")))
    assert used
    assert used - exposed == set()


def test_the_dashboard_shows_every_metric_of_the_query_api(repository: Path, exposed: set[str]) -> None:
    text = (repository / DASHBOARD).read_text(encoding="utf-8")
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed}
    assert [name for name in sorted(names) if name not in text] == []


def test_what_prometheus_and_grafana_read_is_yaml_whether_or_not_promtool_is_here(repository: Path) -> None:
    files = [*(repository / "deploy/prometheus").glob("*.yaml"), *(repository / "deploy/grafana").glob("*.yaml")]
    assert all(yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)


def test_the_alerts_read_every_metric_of_the_outbox_and_no_other(repository: Path) -> None:
    text = (repository / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8")
    exposed = {family.name for family in RelayMetrics().registry.collect()}
    assert set(re.findall(r"audit_outbox_\w+", text)) == exposed


def test_the_alerts_read_only_metrics_and_answers_of_the_intake_that_exist(repository: Path) -> None:
    text = (repository / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8")
    samples = [sample for family in IntakeMetrics().registry.collect() for sample in family.samples]
    used = set(re.findall(r"audit_intake_\w+", text))
    assert used
    assert used <= {sample.name for sample in samples}
    chosen = re.findall(r'audit_intake_requests_total\{status=~?"(.+?)"', text)
    asked = {status for found in chosen for status in found.split("|")}
    assert asked <= {sample.labels.get("status") for sample in samples}
