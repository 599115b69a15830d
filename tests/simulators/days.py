"""Steps of simulated time for tests of physics."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from simulators.physics.tick import Tick

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT_S = 1_795_276_800.0  # 2026-11-22 00:00 in Shanghai


def ticks(*, seconds: float, dt_s: float = 1.0, from_hour: float = 8.0, speed: float = 1.0) -> Iterator[Tick]:
    start_s = MIDNIGHT_S + from_hour * 3600
    for number in range(1, round(seconds / dt_s) + 1):
        yield Tick.at(start_s + number * dt_s, dt_s=dt_s, timezone=SHANGHAI, speed=speed)
