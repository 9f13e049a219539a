"""The worker, made to stand still at a named step so that a test can kill it: `python worker_that_stops.py STEP FILE`.

STEP is a table's name (stand still after its insert) or `commit` (before the offsets move). FILE appears when it does.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stream.fetch.records import Chunk
from stream.pipeline.commits import Commits
from stream.pipeline.sink import ClickHouseSink

STEP, REACHED = sys.argv[1], Path(sys.argv[2])
_insert = ClickHouseSink._insert


def insert_then_stop(
    self: ClickHouseSink, table: str, types: Mapping[str, str], columns: Sequence[Sequence[object]]
) -> None:
    """Insert, and go no further after the table that was named."""
    _insert(self, table, types, columns)
    if table == STEP and columns[0]:
        REACHED.touch()
        time.sleep(600)


async def stop_instead_of_commit(self: Commits, chunks: Iterable[Chunk]) -> bool:  # noqa: ARG001 - as the real one
    """Never commit."""
    REACHED.touch()
    await asyncio.sleep(600)
    return False


if __name__ == "__main__":
    ClickHouseSink._insert = insert_then_stop  # type: ignore[method-assign]
    if STEP == "commit":
        Commits.finish = stop_instead_of_commit  # type: ignore[method-assign]
    from faust.cli.faust import cli

    cli(["-A", "stream.app", "worker", "-l", "info"])
