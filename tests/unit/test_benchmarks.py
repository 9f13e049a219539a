"""What the benchmarks decide: what their tables say, and what is made and raced."""

from datetime import UTC, datetime

from tests.benchmarks.ingest.race import SLOW, order, participants
from tests.benchmarks.machine import Machine, Watch
from tests.benchmarks.read_data import Log, inserts
from tests.benchmarks.table import Row, at_least, at_most, table

IDLE, BUSY = Machine(2000, 3), Machine(2000, 30)


def test_a_table_has_misses_first_and_figures_without_a_target_last() -> None:
    rows = [Row("size", "5 MB"), at_most("page", 9, 10, "ms"), at_least("rate", 9, 10, "events/s")]
    lines = [line for line in table(rows, Watch(IDLE, IDLE)).splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| rate", "| page", "| size"]
    assert [line.split(" | ")[4] for line in lines[2:]] == ["**missed**", "yes", ""]


def test_a_run_beside_others_is_marked_in_each_of_its_rows() -> None:
    for watch in (Watch(BUSY, IDLE), Watch(IDLE, BUSY), Watch(IDLE, IDLE, others_percent=30)):
        assert table([Row("size", "5 MB")], watch).endswith(", busy |")
    assert not table([Row("size", "5 MB")], Watch(IDLE, IDLE, others_percent=3)).endswith(", busy |")


def test_the_inserts_of_a_log_hold_each_line_once_and_each_copy_once() -> None:
    log = Log(1_000_003, 500, datetime.now(UTC))
    for copy in (0, 1):
        parts = sorted((start, count) for start, count, is_copy in inserts(log) if is_copy == copy)
        ends = [start + count for start, count in parts]
        assert [start for start, _ in parts] == [0, *ends[:-1]]
        assert ends[-1] == log.lines


def test_everybody_races_in_the_first_round_and_the_slow_sit_out_the_second() -> None:
    names = list(participants())
    assert sorted(order(names, 0)) == sorted(names)
    assert set(order(names, 1)) == set(names) - SLOW
    assert order(names, 0)[0] != order(names, 1)[0] != order(names, 2)[0]
