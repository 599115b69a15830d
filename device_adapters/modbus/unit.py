"""One unit behind an endpoint: what to read of it, when it is due, and whether it answers."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from building.quality import Quality
from building.reading import Reading
from catalog.directory import EquipmentEntry
from device_adapters.modbus.codec import Decoded
from device_adapters.modbus.plan import Block, plan
from device_adapters.modbus.registers import RegisterMap
from kit.backoff import Backoff

# The link is down when this many polls in a row went unanswered.
POLLS_TO_LINK_DOWN = 2


@dataclass(frozen=True)
class UnitSpec:
    """An equipment that is polled: its unit id and the registers of its profile."""

    entry: EquipmentEntry
    unit: int
    registers: RegisterMap

    @property
    def blocks(self) -> tuple[Block, ...]:
        wanted = [point for point in self.registers.points if point.key in self.entry.points]
        return plan(wanted, max_gap=self.registers.max_gap, max_registers=self.registers.max_registers)


@dataclass
class Unit:
    """A unit's state between polls. `blocks` may be finer than planned where the device refused a merged read."""

    spec: UnitSpec
    backoff: Backoff
    due_at: float
    cost_s: float
    blocks: tuple[Block, ...] = field(default=())
    link_up: bool | None = None

    @classmethod
    def starting(cls, spec: UnitSpec, *, now: float, timeout_s: float, longest_backoff_s: float) -> "Unit":
        # Spread over a part of the interval: a restart must not ask a whole building at the same instant.
        spread_s = min(spec.registers.poll_interval_s / 4, 0.5)
        return cls(
            spec=spec,
            backoff=Backoff(first_s=spec.registers.poll_interval_s, longest_s=longest_backoff_s),
            due_at=now + random.random() * spread_s,  # noqa: S311 - spreads polls, guards nothing
            cost_s=timeout_s,
            blocks=spec.blocks,
        )

    def answered(self, *, now: float, took_s: float) -> bool:
        """Plans the next poll in step with the last; whether the link has just come up."""
        self.backoff.reset()
        self.cost_s = took_s
        self.due_at = max(self.due_at + self.spec.registers.poll_interval_s, now)
        came_up = self.link_up is not True
        self.link_up = True
        return came_up

    def failed(self, *, now: float, cost_s: float) -> bool:
        """Plans the next try; whether the link has just gone down.

        Until the link counts as down the interval is kept, so that it is known within two polls.
        """
        wait_s = self.backoff.next_s()
        self.cost_s = cost_s
        is_down = self.backoff.failures >= POLLS_TO_LINK_DOWN
        self.due_at = now + (wait_s if is_down else self.spec.registers.poll_interval_s)
        went_down = is_down and self.link_up is not False
        self.link_up = False if is_down else self.link_up
        return went_down

    def readings(self, decoded: Mapping[str, Decoded], *, ts_ms: int) -> list[Reading]:
        points = self.spec.entry.points
        return [Reading(points[key].point_no, ts_ms, value, quality) for key, (value, quality) in decoded.items()]

    def readings_of_silence(self, *, ts_ms: int) -> list[Reading]:
        """Every point down: what is not heard is not known."""
        keys = [point.key for block in self.blocks for point in block.points]
        return self.readings({key: (float("nan"), Quality.DOWN) for key in keys}, ts_ms=ts_ms)
