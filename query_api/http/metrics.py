"""The query API's Prometheus metrics. No label holds anything of a request: its values are known at the start."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

STATUSES = ("2xx", "3xx", "4xx", "429", "5xx")
OTHER_ROUTE = "other"
"""Files of the panel, and whatever leads nowhere."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_TOO_MANY = 429

# They double every series with the time at which it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The values, in a registry of their own, for the paths *routes* and `OTHER_ROUTE`."""

    def __init__(self, routes: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._routes = frozenset({*routes, OTHER_ROUTE})
        self._requests = Counter(
            "audit_query_requests_total",
            "requests that were answered; 4xx are without the 429 of the rate limit",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "audit_query_request_seconds",
            "from a request to the beginning of its answer",
            ["route"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._store_requests = Gauge(
            "audit_query_store_requests",
            "requests to ClickHouse under way, those that wait for one of the 32 connections included",
            registry=self.registry,
        )
        self._views_waiting = Gauge(
            "audit_query_views_waiting",
            "views that are not recorded in the access log yet; at 10,000 the API refuses further ones",
            registry=self.registry,
        )
        # A series that appears with its first increase hides that increase from `rate()`.
        for route in self._routes:
            self._seconds.labels(route)
            for status in STATUSES:
                self._requests.labels(route, status)

    def answered(self, route: str | None, status: int, seconds: float) -> None:
        """The answer to a request of *route*, a path's template, began after that time."""
        known = route if route in self._routes and route is not None else OTHER_ROUTE
        self._requests.labels(known, "429" if status == _TOO_MANY else f"{status // 100}xx").inc()
        self._seconds.labels(known).observe(seconds)

    def read_at_scrapes(self, *, store_requests: Callable[[], int], views_waiting: Callable[[], int]) -> None:
        """Ask these for the two gauges, from any thread."""
        self._store_requests.set_function(store_requests)
        self._views_waiting.set_function(views_waiting)
