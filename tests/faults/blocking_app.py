"""An application that records through the blocking client until it is killed, and keeps a ledger of what it was told.

`python -m tests.faults.blocking_app --seed N --ledger FILE --client-space SPACE`, with the producers' settings.
"""

import argparse
import random
from pathlib import Path

from producers import AuditLog
from tests.faults.ledger import EventSource, Ledger


def main() -> None:
    """Record one event or a few at a time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--client-space", required=True)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - nothing here is secret
    source, ledger = EventSource([options.client_space], rng), Ledger(options.ledger)
    log = AuditLog()
    while True:
        events = [source.next() for _ in range(rng.choice((1, 1, 5)))]
        for event in events:
            ledger.doubt(event)
        log.publish_all(events)
        for event in events:
            ledger.acknowledge(event)


if __name__ == "__main__":
    main()
