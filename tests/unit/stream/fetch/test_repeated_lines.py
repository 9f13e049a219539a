"""What passes of a library's log when it says the same again and again."""

import logging

import aiokafka.client
import pytest

from stream.fetch.repeated_lines import RepeatedLines, bound_repeated_lines


class Library:
    """A library's logger with the filter on it, and a clock."""

    def __init__(self, name: str) -> None:
        self.now = 0.0
        self.logger = logging.getLogger(name)
        self.logger.filters[:] = [RepeatedLines(period_seconds=30, clock=lambda: self.now)]


@pytest.fixture
def library(request: pytest.FixtureRequest) -> Library:
    return Library(request.node.name)


def test_a_flood_of_one_kind_becomes_a_line_per_period_with_the_number_of_those_kept_back(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2 * 30 * 32 + 1):
        library.logger.error('Unable connect to "%s:%s": %s', "broker", 9092, "refused")
        library.now += 1 / 32
    line = 'Unable connect to "broker:9092": refused'
    kept_back = f"{line} (and 959 more of these before)"
    assert caplog.messages == [line, kept_back, kept_back]


def test_each_kind_passes_whatever_the_others_do(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(10):
        library.logger.error("Unable connect to node %s", number)
        library.logger.warning("Heartbeat failed: %s", number)
    assert caplog.messages == ["Unable connect to node 0", "Heartbeat failed: 0"]


def test_a_line_that_comes_once_a_period_is_left_as_it_is(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        library.logger.warning("now and then")
        library.now += 30
    assert caplog.messages == ["now and then"] * 3


def test_what_is_no_warning_always_passes(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            library.logger.info("(Re-)joining group")
    assert len(caplog.messages) == 5


def test_the_loggers_of_a_librarys_modules_are_bounded_and_no_others(caplog: pytest.LogCaptureFixture) -> None:
    assert aiokafka.client.log.name == "aiokafka", "its clients log elsewhere now"
    bounded = [logging.getLogger(name) for name in ("aiokafka", "aiokafka.of_a_module")]
    other = logging.getLogger("aiokafka_of_someone_else")
    before = {logger: list(logger.filters) for logger in [*bounded, other]}
    try:
        bound_repeated_lines("aiokafka")
        for logger in [*bounded, other]:
            for _ in range(5):
                logger.error("again")
    finally:
        for logger, filters in before.items():
            logger.filters[:] = filters
    assert [record.name for record in caplog.records] == [
        "aiokafka",
        "aiokafka.of_a_module",
        *["aiokafka_of_someone_else"] * 5,
    ]
