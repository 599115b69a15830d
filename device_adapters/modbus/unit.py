"""One unit behind an endpoint: what to read of it, when it is due, and whether it answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from building.quality import Quality
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry
from device_adapters.modbus.block_codec import BlockCodec, Qualities, Values
from device_adapters.modbus.plan import Block, plan
from device_adapters.modbus.registers import RegisterMap
from kit.backoff import Backoff

PointNumbers = npt.NDArray[np.int32]

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
    _codecs: dict[Block, tuple[PointNumbers, BlockCodec]] = field(default_factory=dict)

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

    def batch(self, found: Sequence[tuple[Block, bytes | None]], *, ts_ms: int) -> ReadingBatch:
        """Every point of these blocks; FAULT where there is no data."""
        parts = [self._part(block, data) for block, data in found]
        point_no, value, quality = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return ReadingBatch(point_no, np.full(len(point_no), ts_ms, np.int64), value, quality)

    def batch_of_silence(self, *, ts_ms: int) -> ReadingBatch:
        """Every point down: what is not heard is not known."""
        heard = self.batch([(block, None) for block in self.blocks], ts_ms=ts_ms)
        return ReadingBatch(heard.point_no, heard.ts_ms, heard.value, np.full(len(heard), Quality.DOWN, np.uint8))

    def _part(self, block: Block, data: bytes | None) -> tuple[PointNumbers, Values, Qualities]:
        known = self._codecs.get(block)
        if known is None:
            points = self.spec.entry.points
            numbers = np.array([points[point.key].point_no for point in block.points], np.int32)
            known = self._codecs[block] = numbers, BlockCodec(block)
        numbers, codec = known
        if data is None:
            return numbers, np.full(len(numbers), np.nan), np.full(len(numbers), Quality.FAULT, np.uint8)
        return numbers, *codec.decode(data)
