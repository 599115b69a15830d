import pytest

from rules.durations import parse_duration_ms


@pytest.mark.parametrize(
    ("text", "expected_ms"), [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("2d", 172_800_000)]
)
def test_durations_are_read(text: str, expected_ms: int) -> None:
    assert parse_duration_ms(text) == expected_ms


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "-5m", "1.5h", "5 m", "32d", "9999999s", "五分钟"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration_ms(text)
