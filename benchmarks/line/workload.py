"""What is published: one site of 2,000 devices, which value each message carries, which messages cross the threshold.

Everything follows from a message's number, so that publisher, peers and verification agree without talking.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SITE = "bench"
BUILDINGS = 8
ALARM_TOPIC = f"site/{SITE}/alarms"
TELEMETRY_FILTER = f"site/{SITE}/device/+/telemetry"
POINTS = ("supply_temp_c", "return_temp_c", "pressure_kpa", "vibration_mm_s")
THRESHOLD = 80.0
# One message in so many crosses the threshold; the device's next message is back below it.
CROSSING_EVERY = 200
# Where in its 200 a crossing stands moves by so many hundredths a block, so that in time every device has one.
_CROSSING_STEP = 730
_HIGH = 9_150
# Values are hundredths of 10.00 … 49.99: always five characters, always far from the threshold.
_LOWEST, _SPAN = 1_000, 4_000
_STRIDES = np.array([7, 1_013, 389, 2_741], np.int64)

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fleet:
    """How many devices take turns: message `number` is that of device `number % devices`."""

    devices: int = 2_000

    def __post_init__(self) -> None:
        assert self.devices % BUILDINGS == 0
        assert 0 < self.devices <= 9_999

    @property
    def codes(self) -> list[str]:
        """The code of each device, all of one length; device n stands in building n % 8."""
        return [f"DEV-{n:04}" for n in range(self.devices)]

    def topic(self, device: int) -> str:
        return f"site/{SITE}/device/DEV-{device:04}/telemetry"


def is_above(numbers: Numbers, *, until: int) -> Flags:
    """Which messages are above the threshold; none from `until` on, so that every alarm also ends."""
    block, offset = np.divmod(numbers, CROSSING_EVERY)
    found: Flags = (offset == block * _CROSSING_STEP // 100 % CROSSING_EVERY) & (numbers < until)
    return found


def raises(numbers: Numbers, devices: int, *, until: int) -> Flags:
    """Which messages begin an alarm: above, and that device's message before was not."""
    return is_above(numbers, until=until) & ~_was_above(numbers, devices, until)


def returns(numbers: Numbers, devices: int, *, until: int) -> Flags:
    """Which messages end an alarm: not above, and that device's message before was."""
    return ~is_above(numbers, until=until) & _was_above(numbers, devices, until)


def hundredths(numbers: Numbers, high: Flags) -> Numbers:
    """The values of messages in hundredths, shape (n, 4); where `high`, the first is above the threshold."""
    values = _LOWEST + numbers[:, None] * _STRIDES % _SPAN
    values[:, 0] = np.where(high, _HIGH, values[:, 0])
    return values


def site_declaration(fleet: Fleet) -> str:
    """The site as `hub load-site` takes it. One building is one partition of the bus."""
    equipment = "\n".join(
        f'[[equipment]]\ncode = "{code}"\nkind = "sensor"\nprofile = "bench-sensor"\nprotocol = "mqtt"\n'
        f'building = "B{number % BUILDINGS + 1}"\n'
        for number, code in enumerate(fleet.codes)
    )
    buildings = "\n".join(f'[[buildings]]\ncode = "B{b}"\nname = "B{b}"\n' for b in range(1, BUILDINGS + 1))
    return f'[site]\ncode = "{SITE}"\nname = "Bench"\ntimezone = "Asia/Shanghai"\n\n{buildings}\n{equipment}'


def profile() -> str:
    """The device profile of the bench, in the hub's native dialect."""
    head = (
        'key = "bench-sensor"\nkind = "sensor"\nprotocol = "mqtt"\nedition = "hub bench"\n'
        'name = { zh-CN = "压测传感器", en = "Bench sensor" }\n\n[mqtt]\ndialect = "native"\n'
    )
    points = "\n".join(
        f'[[points]]\nkey = "{key}"\nname = {{ zh-CN = "{key}", en = "{key}" }}\nkind = "sensor"\nunit = ""\n'
        f'range = [0, 100]\ndecimals = 2\nreporting = {{ mode = "periodic", interval_s = 60 }}\n'
        for key in POINTS
    )
    return f"{head}\n{points}"


def rule() -> dict[str, object]:
    """An edge-triggered threshold that raises no order, as POST /api/v1/rules takes it."""
    return {
        "key": "bench-threshold",
        "name": {"zh-CN": "压测阈值", "en": "Bench threshold"},
        "message": {"zh-CN": "{supply_temp_c} °C", "en": "{supply_temp_c} °C"},
        "profile": "bench-sensor",
        "when": f"supply_temp_c > {THRESHOLD:g}",
        "severity": "warning",
        "fault_mode": "bench",
    }


def write_files(folder: Path, fleet: Fleet) -> None:
    """`site.toml` and `profiles/bench-sensor.toml`."""
    (folder / "profiles").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(site_declaration(fleet), "utf-8")
    (folder / "profiles" / "bench-sensor.toml").write_text(profile(), "utf-8")


def _was_above(numbers: Numbers, devices: int, until: int) -> Flags:
    return is_above(numbers - devices, until=until) & (numbers >= devices)
