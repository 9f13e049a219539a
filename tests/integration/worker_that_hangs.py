"""The worker, made to hang before the offsets move: `python worker_that_hangs.py`."""

import asyncio
from collections.abc import Iterable

from stream.fetch.records import Chunk
from stream.pipeline.commits import Commits


async def hang_instead_of_commit(self: Commits, chunks: Iterable[Chunk]) -> bool:  # noqa: ARG001 - as the real one
    """Never commit."""
    await asyncio.sleep(600)
    return False


if __name__ == "__main__":
    Commits.finish = hang_instead_of_commit  # type: ignore[method-assign]
    from faust.cli.faust import cli

    cli(["-A", "stream.app", "worker", "-l", "info"])
