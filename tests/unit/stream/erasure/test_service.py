"""Whether erasure stands still can be told from the metrics."""

from stream.erasure.service import LastSuccess


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_since_the_last_success_counts_from_the_beginning_of_the_duty() -> None:
    clock = Clock()
    last = LastSuccess(clock)
    assert last.seconds("topic") == 0
    last.on_duty("topic", is_on_duty=True)
    clock.now += 30
    last.on_duty("topic", is_on_duty=True)
    assert last.seconds("topic") == 30
    last.succeeded("topic")
    clock.now += 5
    assert (last.seconds("topic"), last.seconds("clickhouse")) == (5, 0)


def test_a_worker_that_is_off_duty_tells_nothing() -> None:
    clock = Clock()
    last = LastSuccess(clock)
    last.on_duty("topic", is_on_duty=True)
    last.succeeded("topic")
    last.on_duty("topic", is_on_duty=False)
    clock.now += 3600
    assert last.seconds("topic") == 0
