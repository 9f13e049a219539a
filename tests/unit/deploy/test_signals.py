"""Alerts and dashboard read only metrics of query API and outbox that exist.

`tests/unit/stream/health` holds the worker's.
"""

import re
from pathlib import Path

import pytest

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


def test_the_alerts_read_every_metric_of_the_outbox_and_no_other(repository: Path) -> None:
    text = (repository / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8")
    exposed = {family.name for family in RelayMetrics().registry.collect()}
    assert set(re.findall(r"audit_outbox_\w+", text)) == exposed
