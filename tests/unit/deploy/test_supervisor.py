"""When a service that died is started again."""

from deploy.local.stack.supervisor import Revival


def test_a_service_that_dies_again_and_again_waits_longer_each_time_up_to_half_a_minute() -> None:
    revival = Revival()
    now, delays = 1000.0, []
    for _ in range(7):
        revival.plan(now)
        delays.append(revival.delay_seconds)
        now += revival.delay_seconds
        revival.started(now)
    assert delays == [1, 2, 4, 8, 16, 30, 30]
    revival.plan(now + 61)
    assert revival.delay_seconds == 1
