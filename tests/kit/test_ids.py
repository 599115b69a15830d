from hypothesis import given
from hypothesis import strategies as st

from kit.ids import new_id


@given(st.integers(2, 50))
def test_ids_are_version_7_and_never_repeat(count: int) -> None:
    made = [new_id() for _ in range(count)]
    assert {made_id.version for made_id in made} == {7}
    assert {made_id.variant for made_id in made} == {"specified in RFC 4122"}
    assert len(set(made)) == count


def test_ids_of_later_milliseconds_sort_later() -> None:
    import time

    first = new_id()
    time.sleep(0.005)
    assert first < new_id()
