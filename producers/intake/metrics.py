"""The intake's Prometheus metrics. No label holds anything of a request: its values are known at the start."""

from collections import Counter as Counts
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

STATUSES = (200, 207, 400, 401, 408, 413, 415, 422, 500, 502, 503)
OUTCOMES = ("acknowledged", "refused", "not_acknowledged")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0)


class Metrics:
    """The values, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "audit_intake_requests_total", "Requests that were answered.", ["status"], registry=self.registry
        )
        self._events = Counter(
            "audit_intake_events_total",
            "Events of requests, by what became of them.",
            ["status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "audit_intake_request_seconds",
            "From a request to its answer.",
            registry=self.registry,
            buckets=_SECONDS,
        )
        # A series that appears with its first increase hides that increase from `rate()`.
        for status in STATUSES:
            self._requests.labels(str(status))
        for outcome in OUTCOMES:
            self._events.labels(outcome)

    def answered(self, status: int, seconds: float) -> None:
        """A request got that answer after that time."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def became(self, outcomes: Iterable[str]) -> None:
        """What became of each event of a request."""
        for outcome, count in Counts(outcomes).items():
            self._events.labels(outcome).inc(count)
