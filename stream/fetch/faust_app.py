"""The Faust application of the worker: its settings, each with its reason, and what it leaves out of Faust."""

import tempfile
from pathlib import Path
from typing import Any

import faust
from faust.app import base
from mode.utils.queues import ThrowableQueue

from stream.fetch.broker import broker_options
from stream.fetch.repeated_lines import bound_repeated_lines
from stream.fetch.transport import ChunkTransport
from stream.settings import WorkerSettings


class FaustApp(faust.App):
    """A Faust app that serves nothing, whatever the command line says.

    `faust worker` switches Faust's own web server on, on every interface, over the setting `web_enabled=False`.
    """

    def FlowControlQueue(  # noqa: N802 - Faust's
        self,
        maxsize: int | None = None,
        *,
        clear_on_resume: bool = False,  # noqa: ARG002 - Faust's
    ) -> ThrowableQueue[Any]:
        """A queue whose content stays when the flow is resumed.

        The flow may have been resumed before, and the queue hold chunks of the present generation. The pipeline drops
        chunks of an earlier one by their number.
        """
        return super().FlowControlQueue(maxsize, clear_on_resume=False)

    class BootStrategy(base.BootStrategy):
        """Starts everything but the web server."""

        enable_web = False


def faust_app(settings: WorkerSettings) -> FaustApp:
    """The worker's Faust app, which fetches through `ChunkTransport`."""
    app = FaustApp(
        settings.consumer_group,
        # Faust makes this directory at its start, in the current one by default. It holds nothing.
        datadir=Path(tempfile.gettempdir()) / "user-management-audit-log",
        **broker_options(settings.kafka),
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance,
        consumer_max_fetch_size=1024 * 1024,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 4,
        # The agent blocks for as long as an outage lasts; leaving the group meanwhile would end in a deadlock.
        broker_max_poll_interval=14 * 24 * 3600,
        # What waits unpacked is memory: 5,000 records of a fetch, which may hold far more, then two chunks.
        broker_max_poll_records=5_000,
        stream_buffer_maxsize=2,
        # Nothing is acknowledged through Faust, so there is nothing to wait for in a rebalance or a shutdown.
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
    )
    app.transport = ChunkTransport([*app.conf.broker_consumer], app)
    bound_repeated_lines("aiokafka")
    return app
