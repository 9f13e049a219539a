"""The real worker, made to fail: `python -m tests.faults.failpoint_worker [options]`.

Nothing of it is replaced: each failpoint stands before or after one of its own steps. Its settings are the worker's.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

POINTS = (
    "after_poll",
    "after_decode",
    "before_insert",
    "between_inserts",
    "after_insert",
    "in_dead_letters",
    "after_dead_letters",
    "before_history",
    "after_history",
    "before_commit",
    "after_commit",
)
KILLED = 137


class Failpoint(RuntimeError):
    """The failure, where it is an exception."""


class Failpoints:
    """Fails at a point with the probability that was given for it, by ending the process or by raising."""

    def __init__(self, probabilities: dict[str, float], *, raises: bool, rng: random.Random) -> None:
        self._probabilities = probabilities
        self._raises = raises
        self._rng = rng

    def reach(self, point: str) -> None:
        """Pass *point*, or not."""
        if self._rng.random() >= self._probabilities.get(point, 0.0):
            return
        print(f"failpoint {point}", flush=True)  # noqa: T201 - the test reads it
        if self._raises:
            raise Failpoint(point)
        os._exit(KILLED)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", help="read this topic instead of the events topic")
    parser.add_argument("--fail", action="append", default=[], metavar="POINT=PROBABILITY")
    parser.add_argument("--raises", action="store_true", help="raise instead of exit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-records", type=int, help="records of a chunk and of a batch, at most")
    parser.add_argument("--hold", type=Path, help="no insert begins while this file exists; *.held says that one waits")
    parser.add_argument("--believed-after-seconds", type=float, help="for how long the registry may deny an id")
    parser.add_argument("--clock-offset-seconds", type=float, default=0.0, help="how wrong this process's clock is")
    return parser.parse_args()


def use_topic(topic: str) -> None:
    """Let the worker read *topic*. Call it before anything of `stream` is imported."""
    import schemas.topics  # noqa: PLC0415 - see above

    schemas.topics.EVENTS_TOPIC = topic


def use_patience(seconds: float) -> None:
    """Believe a registry that denies an id after so many seconds."""
    import schemas.registry  # noqa: PLC0415 - as above

    schemas.registry.BELIEVED_AFTER_SECONDS = seconds


def set_clock(offset_seconds: float) -> None:
    """Let the process's clock be wrong by so much."""
    real = time.time
    time.time = lambda: real() + offset_seconds


def install(points: Failpoints, options: argparse.Namespace) -> None:
    """Put the failpoints into the worker's steps."""
    from stream.pipeline import pipeline  # noqa: PLC0415 - after `use_topic`
    from stream.pipeline.commits import Commits  # noqa: PLC0415 - as above
    from stream.pipeline.dead_letters import KafkaDeadLetters  # noqa: PLC0415 - as above
    from stream.pipeline.history import KafkaHistory  # noqa: PLC0415 - as above
    from stream.pipeline.sink import ClickHouseSink  # noqa: PLC0415 - as above

    around_async(pipeline.Pipeline, "put", points, before="after_poll")
    around(pipeline, "build_batch", points, after="after_decode")
    around(ClickHouseSink, "write", points, before="before_insert", after="after_insert")
    around(ClickHouseSink, "_insert", points, after="between_inserts")
    around_async(KafkaDeadLetters, "keep", points, before="in_dead_letters", after="after_dead_letters")
    around_async(KafkaHistory, "publish", points, before="before_history", after="after_history")
    around_async(Commits, "finish", points, before="before_commit", after="after_commit")
    if options.hold is not None:
        hold_inserts(ClickHouseSink, options.hold)


def around(owner: object, name: str, points: Failpoints, *, before: str = "", after: str = "") -> None:
    """Let *owner*'s function or method pass a failpoint before or after its work."""
    method: Callable[..., Any] = getattr(owner, name)

    def wrapped(*args: Any, **options: Any) -> Any:
        points.reach(before)
        result = method(*args, **options)
        points.reach(after)
        return result

    setattr(owner, name, wrapped)


def around_async(owner: type, name: str, points: Failpoints, *, before: str = "", after: str = "") -> None:
    """`around` for a coroutine method."""
    method: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def wrapped(*args: Any, **options: Any) -> Any:
        points.reach(before)
        result = await method(*args, **options)
        points.reach(after)
        return result

    setattr(owner, name, wrapped)


def hold_inserts(sink: Any, hold: Path) -> None:
    """Let each write wait while *hold* exists, before it has an effect, and show that it waits."""
    write = sink.write

    def held(self: Any, rows: Any) -> None:
        while hold.exists():
            hold.with_suffix(".held").touch()
            time.sleep(0.02)
        write(self, rows)

    sink.write = held


def use_small_batches(records: int) -> None:
    """Let chunks and batches hold so many records at most, so that failures land between many of them."""
    import stream.fetch.transport  # noqa: PLC0415 - as above
    import stream.pipeline.pipeline  # noqa: PLC0415 - after `use_topic`

    stream.fetch.transport.MAX_CHUNK_RECORDS = records
    stream.pipeline.pipeline.MAX_BATCH_RECORDS = records


def probabilities(given: Sequence[str]) -> dict[str, float]:
    """`POINT=PROBABILITY` as a mapping; `all` names every point."""
    found: dict[str, float] = {}
    for text in given:
        name, _, probability = text.partition("=")
        found |= dict.fromkeys(POINTS if name == "all" else (name,), float(probability))
    if unknown := found.keys() - set(POINTS):
        sys.exit(f"no such failpoint: {', '.join(sorted(unknown))}")
    return found


def failpoints(options: argparse.Namespace) -> Failpoints:
    """The failpoints that the command line arms."""
    rng = random.Random(options.seed)  # noqa: S311 - nothing here is secret
    return Failpoints(probabilities(options.fail), raises=options.raises, rng=rng)


def main() -> None:
    """Run the worker until it ends."""
    options = arguments()
    if options.topic:
        use_topic(options.topic)
    if options.batch_records:
        use_small_batches(options.batch_records)
    if options.clock_offset_seconds:
        set_clock(options.clock_offset_seconds)
    if options.believed_after_seconds:
        use_patience(options.believed_after_seconds)
    install(failpoints(options), options)
    from faust.cli.faust import cli  # noqa: PLC0415 - Faust patches the event loop when it is imported

    cli(["-A", "stream.app", "worker", "-l", "info"])


if __name__ == "__main__":
    main()
