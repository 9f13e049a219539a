from types import SimpleNamespace

import pytest

from query_api.log import piecewise as module
from query_api.log.piecewise import PIECE, piecewise


async def test_after_each_piece_others_have_the_loop_for_as_long_as_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 0.0
    rests: list[tuple[float, float]] = []

    async def rest(seconds: float) -> None:
        rests.append((clock, seconds))

    def work(number: int) -> int:
        nonlocal clock
        clock += 0.5 if number < PIECE else 0.25
        return -number

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=rest))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock))
    made = await piecewise(work, range(3 * PIECE))

    assert made == [-number for number in range(3 * PIECE)]
    assert rests == [(0.5 * PIECE, 0.5 * PIECE), (0.75 * PIECE, 0.25 * PIECE)]


async def test_a_page_is_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "asyncio", None)

    assert await piecewise(str, range(PIECE)) == [str(number) for number in range(PIECE)]
