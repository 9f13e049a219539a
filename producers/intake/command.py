"""`audit-produce serve`: the intake as a process."""

import uvicorn

from producers.intake.app import create_app
from producers.intake.metrics import Metrics
from producers.intake.settings import IntakeSettings
from schemas.metrics_server import metrics_served


def serve(settings: IntakeSettings, host: str, port: int) -> None:
    """Take events until SIGTERM. Raises `InvalidSettings` where the metrics' port cannot be opened."""
    metrics = Metrics()
    with metrics_served(metrics.registry, settings.metrics_host, settings.metrics_port):
        # No access log: it prints query strings, in which a client may write anything.
        uvicorn.run(create_app(settings, metrics), host=host, port=port, access_log=False, server_header=False)
