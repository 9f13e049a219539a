"""A server on the blocking client that forks children when it has published; each kind of them ends in its way.

It prints the id of each event that was acknowledged: `python -m tests.contract.prefork_server`.
"""

import multiprocessing
import os
import signal
import sys
from datetime import UTC, datetime

from producers import AuditLog
from tests.builders import an_event

# Kafka's answers to a connection that a child has broken are awaited as long.
os.environ["AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS"] = "10"
log = AuditLog()


def publish(_: object = None) -> None:
    """Print the id of an event that the broker has acknowledged."""
    event = an_event(occurred_at=datetime.now(UTC))
    os.write(1, f"{log.publish(event).event_id}\n".encode())


def serve_until_terminated() -> None:
    """What a worker of gunicorn does: an end in order, which runs `atexit` and all destructors."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        publish()
        os.write(writing, b"ready")
        signal.pause()
    os.read(reading, 5)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    assert status == 0, status


def end_in_the_middle_of_a_request() -> None:
    """A child that uses nothing it inherited, and whose end destroys it."""
    child = os.fork()
    if not child:
        sys.exit()
    _, status = os.waitpid(child, 0)
    assert status == 0, status


def run_in_a_pool() -> None:
    """What Celery does: the children end without `atexit`."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(publish, range(4))


def main() -> None:
    """Publish before each kind of children, and after the last."""
    for children in (serve_until_terminated, end_in_the_middle_of_a_request, run_in_a_pool):
        publish()
        children()
    publish()


if __name__ == "__main__":
    main()
