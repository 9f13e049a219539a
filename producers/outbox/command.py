"""`audit-produce relay`: a relay as a process."""

import asyncio
import signal
from uuid import uuid4

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from producers.kafka.publisher import KafkaPublisher
from producers.outbox.relay import Relay
from producers.outbox.settings import RelaySettings
from producers.outbox.store import Backlog, Outbox
from producers.outbox.table import now_ms
from schemas.metrics_server import metrics_served


class RelayMetrics:
    """What a relay tells of its outbox, as it last saw it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._backlog = Backlog(0, None, 0)
        pending = Gauge("audit_outbox_pending", "Events that wait.", registry=self.registry)
        pending.set_function(lambda: self._backlog.pending)
        refused = Gauge("audit_outbox_refused", "Events that are kept and passed over.", registry=self.registry)
        refused.set_function(lambda: self._backlog.refused)
        age = Gauge("audit_outbox_oldest_age_seconds", "Age of the oldest event that waits.", registry=self.registry)
        # Of this moment: it grows while Kafka or the database is away and no round ends.
        age.set_function(self._age_seconds)

    def note(self, backlog: Backlog) -> None:
        """Take what a relay saw."""
        self._backlog = backlog

    def _age_seconds(self) -> float:
        oldest_ms = self._backlog.oldest_ms
        return 0.0 if oldest_ms is None else max(0.0, (now_ms() - oldest_ms) / 1000)


async def relay(settings: RelaySettings) -> None:
    """Publish until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    metrics = RelayMetrics()
    # `hide_parameters`: an error's text would hold names.
    engine = create_engine(settings.outbox_database_url.get_secret_value(), hide_parameters=True, pool_pre_ping=True)
    with metrics_served(metrics.registry, settings.outbox_metrics_host, settings.outbox_metrics_port):
        await _relay(settings, engine, metrics, stopping)
    engine.dispose()


async def _relay(settings: RelaySettings, engine: Engine, metrics: RelayMetrics, stopping: asyncio.Event) -> None:
    async with KafkaPublisher(settings) as publisher:
        outbox = Outbox(engine, relay=str(uuid4()))
        on_count = metrics.note if settings.outbox_metrics_port else None
        await Relay(outbox, publisher, on_count=on_count).run(stopping)
