"""A relay over the outbox that ends itself by SIGKILL at random steps; unsafe, it deletes before the acknowledgement.

`python -m tests.faults.outbox_relay --seed N --deadly P [--unsafe]`, with the settings of `audit-produce relay`.
"""

import argparse
import asyncio
import os
import random
import signal
from collections.abc import Sequence

from sqlalchemy import create_engine

from producers import KafkaPublisher
from producers.outbox.relay import Relay
from producers.outbox.settings import RelaySettings, load_relay_settings
from producers.outbox.store import Outbox, Row


class DeadlyOutbox(Outbox):
    """The real one, whose process may end before and after each step."""

    rng: random.Random
    chance: float
    is_unsafe: bool

    def lease(self, now_ms: int, until_ms: int) -> list[int]:
        found = super().lease(now_ms, until_ms)
        self._perhaps_end()
        return found

    def waiting(self, buckets: Sequence[int], limit: int) -> list[Row]:
        rows = super().waiting(buckets, limit)
        if self.is_unsafe and rows:
            super().remove([row.id for row in rows])
            self.chance = 1.0
        self._perhaps_end()
        return rows

    def remove(self, ids: Sequence[int]) -> None:
        self._perhaps_end()
        super().remove(ids)
        self._perhaps_end()

    def release(self) -> None:
        super().release()
        self._perhaps_end()

    def _perhaps_end(self) -> None:
        if self.rng.random() < self.chance:
            os.kill(os.getpid(), signal.SIGKILL)


async def run(settings: RelaySettings, options: argparse.Namespace) -> None:
    """Relay until the process ends."""
    outbox = DeadlyOutbox(create_engine(settings.outbox_database_url.get_secret_value()), relay=str(options.seed))
    outbox.rng, outbox.chance, outbox.is_unsafe = random.Random(options.seed), options.deadly, options.unsafe  # noqa: S311
    async with KafkaPublisher(settings) as publisher:
        await Relay(outbox, publisher, lease_seconds=1.0, idle_seconds=0.02).run(asyncio.Event())


def main() -> None:
    """Read the options, and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--deadly", type=float, default=0.0)
    parser.add_argument("--unsafe", action="store_true")
    asyncio.run(run(load_relay_settings(), parser.parse_args()))


if __name__ == "__main__":
    main()
