from kit.backoff import Backoff


def test_the_wait_doubles_up_to_the_longest_with_jitter() -> None:
    backoff = Backoff(first_s=1.0, longest_s=8.0)
    waits = [backoff.next_s() for _ in range(6)]
    for wait, full in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert full / 2 <= wait <= full
    assert backoff.failures == 6


def test_a_success_starts_it_over() -> None:
    backoff = Backoff(first_s=1.0, longest_s=8.0)
    assert not backoff.reset()
    backoff.next_s()
    backoff.next_s()
    assert backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_s() <= 1.0


def test_a_thousand_failures_still_wait_the_longest() -> None:
    backoff = Backoff(first_s=0.5, longest_s=60.0)
    assert [backoff.next_s() for _ in range(1000)][-1] <= 60.0
