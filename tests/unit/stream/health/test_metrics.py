"""The metrics are the documented ones, and tell what happened."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import Reason
from schemas.events import UserCreation
from stream.errors import Unavailable
from stream.health.metrics import METRICS, STEPS, Latencies, Metric, Metrics
from stream.health.observer import Observer
from stream.settings import WorkerSettings
from tests.builders import NOW_MS, FakeRecord, a_chunk, a_record, an_event

README = Path("stream/README.md")
ALERTS = Path("deploy/prometheus/alerts.yaml")
DASHBOARD, DATASOURCE = Path("deploy/grafana/dashboard.json"), Path("deploy/grafana/datasource.yaml")


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample, by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_the_readme_documents_every_metric_and_no_other(repository: Path) -> None:
    text = (repository / README).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(audit_worker_\w+)` \| (\w+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
    documented = [tuple(cell.strip() for cell in row) for row in rows]
    assert documented == [
        (m.name, m.kind, m.unit, ", ".join(f"`{label}`" for label in m.labels), m.meaning) for m in METRICS
    ]


def test_everything_that_is_exposed_is_in_the_table() -> None:
    families = {family.name for family in text_string_to_metric_families(Metrics().text().decode())}
    assert families == {metric.name.removesuffix("_total") for metric in METRICS}


def test_every_label_has_a_closed_list_of_values_but_the_partition() -> None:
    open_labels = {label for metric in METRICS for label, listed in metric.labels.items() if listed is None}
    assert open_labels == {"partition"}


@pytest.mark.parametrize("file", [ALERTS, DASHBOARD])
def test_alerts_and_dashboard_read_only_metrics_that_exist(repository: Path, file: Path) -> None:
    used = set(re.findall(r"audit_worker_\w+", (repository / file).read_text(encoding="utf-8")))
    suffixes = {"counter": [""], "gauge": [""], "histogram": ["", "_bucket", "_count", "_sum"]}
    exposed = {metric.name + suffix for metric in METRICS for suffix in suffixes[metric.kind]}
    assert used - exposed == set()


def test_the_dashboard_shows_every_metric(repository: Path) -> None:
    text = (repository / DASHBOARD).read_text(encoding="utf-8")
    assert [metric.name for metric in METRICS if metric.name not in text] == []


def test_the_dashboard_asks_the_data_source_that_is_provisioned(repository: Path) -> None:
    panels = json.loads((repository / DASHBOARD).read_text(encoding="utf-8"))["panels"]
    (source,) = yaml.safe_load((repository / DATASOURCE).read_text(encoding="utf-8"))["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels if "datasource" in panel} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_readme_documents_every_setting_and_its_meaning(repository: Path) -> None:
    text = (repository / README).read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    assert documented == {field.alias: field.description for field in WorkerSettings.model_fields.values()}


def test_a_series_is_there_before_the_first_thing_happens() -> None:
    found = values(Metrics())
    assert all(found["audit_worker_refused_total", reason.value] == 0 for reason in Reason)
    assert all(found["audit_worker_outage_seconds", step] == 0 for step in STEPS)


def test_a_batch_counts_each_record_once_by_what_became_of_it() -> None:
    observer = Observer()
    chunk = a_chunk(*(a_record(an_event(UserCreation()), offset) for offset in range(10)))
    refused = [Reason.MALFORMED, Reason.CONFLICTING_EVENT, Reason.CONFLICTING_EVENT]
    observer.stored([chunk], expired=2, refused=refused, off_boarded=1)
    found = values(observer.metrics)
    assert {key[1]: found[key] for key in found if key[0] == "audit_worker_records_total"} == {
        "stored": 4,
        "expired": 2,
        "refused": 3,
        "off_boarded": 1,
    }
    assert found["audit_worker_refused_total", "malformed"] == 1
    assert found["audit_worker_conflicts_total",] == 2
    assert (found["audit_worker_batches_total",], found["audit_worker_batch_records_sum",]) == (1, 10)


def test_a_failed_attempt_is_a_retry_and_a_successful_one_a_duration() -> None:
    clock = iter([0.0] * 5 + [3.0] * 50)
    observer = Observer(clock=lambda: next(clock))
    with pytest.raises(Unavailable), observer.attempting("insert"):
        raise Unavailable("down")
    with observer.attempting("insert"):
        pass
    found = values(observer.metrics)
    assert found["audit_worker_retries_total", "insert"] == 1
    assert found["audit_worker_step_seconds_count", "insert"] == 1


def test_a_refused_commit_is_counted() -> None:
    observer = Observer()
    observer.committed([], whole=False)
    observer.committed([], whole=True)
    assert values(observer.metrics)["audit_worker_refused_commits_total",] == 1


def test_only_own_partitions_show_a_lag() -> None:
    metrics = Metrics()
    metrics.lag({0: 5, 1: 6})
    metrics.lag({1: 7})
    assert {key: value for key, value in values(metrics).items() if "lag" in key[0]} == {
        ("audit_worker_lag_records", "1"): 7
    }


def test_latencies_fall_into_the_buckets_that_prometheus_would_put_them_in() -> None:
    latencies = Latencies(Metric("x", "histogram", "seconds", "x", buckets=(0.1, 1.0)))
    latencies.observe([1_000, 950, 900, 800, 0, 0, 5_000], now_ms=1_000)
    (family,) = latencies.collect()
    found = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    # Three within 0.1 s, the bound itself and a broker clock ahead included; one of 0.2 s and two of 1 s.
    assert found == {"0.1": 4, "1.0": 7, "+Inf": 7, "x_count": 7, "x_sum": pytest.approx(2.35)}


def test_no_metric_holds_anything_of_an_event() -> None:
    observer = Observer()
    event = an_event()
    observer.stored([a_chunk(a_record(event), FakeRecord(1, b"junk"))], expired=0, refused=[Reason.WRONG_MAGIC])
    text = observer.metrics.text().decode()
    for value in ("acme", "usr_ada", "ada@example.com", "Ada Lovelace", str(event.event_id), str(NOW_MS)):
        assert value not in text
