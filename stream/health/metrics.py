"""The worker's Prometheus metrics: one closed table of definitions, and the only way to move them.

No label holds anything of an event: every label's values are listed here, save the partition's number, of which there
are as many as the topic has partitions.
"""

from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from schemas.errors import Reason

STEPS = ("schema", "registry", "epoch", "conflicts", "dead_letters", "insert", "history", "commit")
"""The steps of a batch, by the names under which the pipeline does and retries them."""
SERVICES = ("kafka", "clickhouse", "schema_registry")
ERASURE_STORES = ("clickhouse", "topic")
OUTCOMES = ("stored", "expired", "refused", "off_boarded")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LATENCY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)
_RECORDS = (1.0, 10.0, 100.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0, 40_000.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. *labels* maps each label to its values; `None` is the number of a partition."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    meaning: str
    labels: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    buckets: Sequence[float] = ()


METRICS = (
    Metric(
        "audit_worker_records_total",
        "counter",
        "records",
        "records finished: a row, too old to be shown, a dead letter, or of a client space that has left",
        {"outcome": OUTCOMES},
    ),
    Metric(
        "audit_worker_refused_total",
        "counter",
        "records",
        "records that became dead letters, by reason code",
        {"reason": [reason.value for reason in Reason]},
    ),
    Metric(
        "audit_worker_conflicts_total",
        "counter",
        "records",
        "records that contradict an earlier account of their event; also refused, as `conflicting_event`",
    ),
    Metric(
        "audit_worker_missing_records_total",
        "counter",
        "records",
        "records that left the topic before the worker read them; transactions' markers among them count too",
    ),
    Metric("audit_worker_batches_total", "counter", "batches", "batches stored"),
    Metric("audit_worker_batch_records", "histogram", "records", "records of a batch", buckets=_RECORDS),
    Metric(
        "audit_worker_step_seconds",
        "histogram",
        "seconds",
        "time that a step took when it succeeded; `insert` is ClickHouse's",
        {"step": STEPS},
        _SECONDS,
    ),
    Metric(
        "audit_worker_retries_total",
        "counter",
        "attempts",
        "attempts at a step that failed and are made again",
        {"step": STEPS},
    ),
    Metric(
        "audit_worker_outage_seconds",
        "gauge",
        "seconds",
        "for how long a step has failed; 0 while it works",
        {"step": STEPS},
    ),
    Metric(
        "audit_worker_dependency_up",
        "gauge",
        "1 or 0",
        "whether the last probe was answered",
        {"service": SERVICES},
    ),
    Metric("audit_worker_assigned_partitions", "gauge", "partitions", "partitions that this worker holds"),
    Metric(
        "audit_worker_lag_records",
        "gauge",
        "records",
        "records of a partition of this worker that are not committed",
        {"partition": None},
    ),
    Metric(
        "audit_worker_oldest_unfinished_seconds",
        "gauge",
        "seconds",
        "age of the oldest record that was fetched and is not finished; 0 where there is none",
    ),
    Metric(
        "audit_worker_last_commit_seconds",
        "gauge",
        "seconds",
        "time since the last commit, or since the start",
    ),
    Metric(
        "audit_worker_refused_commits_total",
        "counter",
        "commits",
        "commits that lost a partition to a rebalance; another worker stores those records again",
    ),
    Metric(
        "audit_worker_publish_to_stored_seconds",
        "histogram",
        "seconds",
        "from a record's `recorded_at` to its row, or dead letter, being stored",
        buckets=_LATENCY_SECONDS,
    ),
    Metric(
        "audit_worker_erasure_last_success_seconds",
        "gauge",
        "seconds",
        "time since names were last erased from the store; 0 while another worker does it",
        {"store": ERASURE_STORES},
    ),
    Metric(
        "audit_worker_erasure_due_persons",
        "gauge",
        "persons",
        "deleted persons of whom ClickHouse still holds a name, at the last look",
    ),
    Metric(
        "audit_worker_refused_deletions_total",
        "counter",
        "records",
        "deletions that became dead letters; a person is erased if the record identifies them",
    ),
    Metric(
        "audit_worker_doubtful_lives_total",
        "counter",
        "persons",
        "persons who stay deleted despite a later creation, because the clocks disagree",
    ),
)

# They double every series with the time at which it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The values, in a registry of their own. One event loop moves and reads them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made = {metric.name: _make(metric, self.registry) for metric in METRICS}
        self._counters = {name: one for name, one in made.items() if isinstance(one, Counter)}
        self._gauges = {name: one for name, one in made.items() if isinstance(one, Gauge)}
        self._histograms = {name: one for name, one in made.items() if isinstance(one, Histogram)}
        self._latencies = next(one for one in made.values() if isinstance(one, Latencies))

    def text(self) -> bytes:
        """Every value, in Prometheus's text format."""
        return generate_latest(self.registry)

    def finished(self, *, stored: int, expired: int, refused: Sequence[Reason], off_boarded: int = 0) -> None:
        """A batch is stored: that many records became rows, were too old, and became dead letters for these reasons.

        *off_boarded* of them are of client spaces that have left.
        """
        records = self._counters["audit_worker_records_total"]
        for outcome, count in zip(OUTCOMES, (stored, expired, len(refused), off_boarded), strict=True):
            records.labels(outcome).inc(count)
        for reason, count in Tally(refused).items():
            self._counters["audit_worker_refused_total"].labels(reason.value).inc(count)
        self._counters["audit_worker_conflicts_total"].inc(refused.count(Reason.CONFLICTING_EVENT))
        self._counters["audit_worker_batches_total"].inc()
        self._histograms["audit_worker_batch_records"].observe(stored + expired + len(refused) + off_boarded)

    def latencies(self, recorded_at_ms: Iterable[int], *, now_ms: float) -> None:
        """Records that the broker dated so are stored *now*."""
        self._latencies.observe(recorded_at_ms, now_ms=now_ms)

    def count(self, name: str, by: int = 1) -> None:
        """Add *by* to the counter *name*, which has no labels. Any thread may call it."""
        self._counters[name].inc(by)

    def step_done(self, step: str, seconds: float) -> None:
        """*step* succeeded in that time."""
        self._histograms["audit_worker_step_seconds"].labels(step).observe(seconds)

    def step_failed(self, step: str) -> None:
        """*step* failed and is tried again."""
        self._counters["audit_worker_retries_total"].labels(step).inc()

    def set(self, name: str, value: float | Callable[[], float], *labels: str) -> None:
        """Set the gauge *name*; a function is called for each scrape."""
        gauge = self._gauges[name].labels(*labels) if labels else self._gauges[name]
        if callable(value):
            gauge.set_function(value)
        else:
            gauge.set(value)

    def lag(self, by_partition: Mapping[int, int]) -> None:
        """The lag of each partition that is this worker's; those of the others are no longer shown."""
        gauge = self._gauges["audit_worker_lag_records"]
        gauge.clear()
        for partition, records in by_partition.items():
            gauge.labels(str(partition)).set(records)


class Latencies(Collector):
    """A histogram that takes a whole chunk at once: a call for each record would cost more than all the rest."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._counts = [0] * (len(metric.buckets) + 1)
        self._sum = 0.0

    def observe(self, recorded_at_ms: Iterable[int], *, now_ms: float) -> None:
        """Count the time from each of *recorded_at_ms* until now; a broker whose clock is ahead counts as 0."""
        ages = sorted(max(0.0, now_ms - at) for at in recorded_at_ms)
        self._sum += sum(ages) / 1000
        below = 0
        for bucket, bound in enumerate(self._metric.buckets):
            until = bisect_right(ages, bound * 1000)
            self._counts[bucket] += until - below
            below = until
        self._counts[-1] += len(ages) - below

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as Prometheus reads it."""
        family = HistogramMetricFamily(self._metric.name, self._metric.meaning)
        total, buckets = 0, []
        for bound, count in zip([*map(str, self._metric.buckets), "+Inf"], self._counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric([], buckets, self._sum)
        yield family


def _make(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram | Latencies:
    if metric.name == "audit_worker_publish_to_stored_seconds":
        latencies = Latencies(metric)
        registry.register(latencies)
        return latencies
    names = list(metric.labels)
    if metric.kind == "counter":
        made: Counter | Gauge | Histogram = Counter(metric.name, metric.meaning, names, registry=registry)
    elif metric.kind == "gauge":
        made = Gauge(metric.name, metric.meaning, names, registry=registry)
    else:
        made = Histogram(metric.name, metric.meaning, names, registry=registry, buckets=metric.buckets)
    # A series that appears with its first increase hides that increase from `rate()`.
    for values in metric.labels.values():
        for value in values or ():
            made.labels(value)
    return made
