"""Polls the units of one endpoint, each on its own schedule."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry
from device_adapters.modbus.address import Endpoint
from device_adapters.modbus.client import EndpointClient, EndpointUnreachable, UnitRefused, UnitSilent
from device_adapters.modbus.metrics import ModbusMetrics
from device_adapters.modbus.plan import Block, split
from device_adapters.modbus.schedule import QUICK_S, choose, slow_from_after
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.modbus.turns import Turns
from device_adapters.modbus.unit import POLLS_TO_LINK_DOWN, Unit, UnitSpec
from device_adapters.modbus.writer import Writer
from kit.cancellation import raise_if_cancelled
from kit.clock import Clock, to_ms
from kit.logs import logger

log = logger(__name__)

# Illegal address and illegal value: some register of a merged block is not there; its neighbours may be.
_SPLITTING_CODES = frozenset({0x02, 0x03})
_LONGEST_SLEEP_S = 1.0
_LOOK_AGAIN_S = 0.1


@dataclass(frozen=True)
class PollerOutputs:
    """Where a poller tells what it found. Neither call waits."""

    readings: Callable[[EquipmentEntry, ReadingBatch], None]
    link: Callable[[UUID, bool], None]


class EndpointPoller:
    """One socket, one question at a time, whoever is due. `gateway_id`: the equipment that the endpoint itself is."""

    def __init__(
        self,
        endpoint: Endpoint,
        specs: Sequence[UnitSpec],
        *,
        gateway_id: UUID | None,
        outputs: PollerOutputs,
        settings: ModbusSettings,
        clock: Clock,
        metrics: ModbusMetrics,
    ) -> None:
        self._endpoint = endpoint
        self._gateway_id = gateway_id
        self._outputs = outputs
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._client = EndpointClient(
            endpoint, timeout_s=settings.timeout_s, connect_timeout_s=settings.connect_timeout_s
        )
        now = clock.monotonic()
        self._units = [
            Unit.starting(spec, now=now, timeout_s=settings.timeout_s, longest_backoff_s=settings.longest_backoff_s)
            for spec in specs
        ]
        self._turns = Turns()
        self._unreachable_in_a_row = 0

    @property
    def writer(self) -> Writer:
        """Carries out commands over this poller's socket, before whatever poll is next."""
        specs = {unit.spec.entry.equipment_id: unit.spec for unit in self._units}
        return Writer(self._client, self._turns, specs, clock=self._clock)

    async def run(self) -> None:
        """Polls until cancelled; the socket is closed on the way out."""
        slow_from = self._clock.monotonic()
        try:
            while True:
                raise_if_cancelled()
                now = self._clock.monotonic()
                unit = choose(self._units, now=now, slow_from=slow_from)
                if unit is None:
                    await asyncio.sleep(self._pause_s(now))
                    continue
                was_slow = unit.cost_s > QUICK_S
                await self._poll(unit)
                if was_slow:
                    after = self._clock.monotonic()
                    slow_from = slow_from_after(now=after, took_s=after - now)
        finally:
            self._client.close()

    def _pause_s(self, now: float) -> float:
        """Until the next unit is due; a slow unit that waits for a pause is looked at often."""
        waits = [unit.due_at - now for unit in self._units]
        longest_s = _LOOK_AGAIN_S if min(waits) <= 0 else _LONGEST_SLEEP_S
        return min([wait for wait in waits if wait > 0] + [longest_s])

    async def _poll(self, unit: Unit) -> None:
        started = self._clock.monotonic()
        try:
            async with self._turns.taken(is_command=False):
                await self._client.connect()
            self._endpoint_answered()
            decoded = await self._read(unit)
        except EndpointUnreachable as error:
            self._endpoint_unreachable(error)
        except UnitSilent as error:
            self._unit_silent(unit, error)
        else:
            now = self._clock.monotonic()
            self._metrics.answered.inc()
            self._metrics.poll_seconds.observe(now - started)
            came_up = unit.answered(now=now, took_s=now - started)
            if came_up:
                self._link_came_up(unit)
            self._outputs.readings(unit.spec.entry, unit.batch(decoded, ts_ms=to_ms(self._clock.now())))

    async def _read(self, unit: Unit) -> list[tuple[Block, bytes | None]]:
        """What each block holds, None for a fault. Blocks that the unit refuses are halved, and the halves kept."""
        found: list[tuple[Block, bytes | None]] = []
        pending = list(reversed(unit.blocks))
        while pending:
            block = pending.pop()
            try:
                data: bytes | None = await self._ask(block, unit)
            except UnitRefused as refusal:
                halves = split(block) if refusal.code in _SPLITTING_CODES else None
                if halves:
                    pending += reversed(halves)
                    continue
                self._metrics.refusals.labels(str(refusal.code)).inc()
                data = None
            found.append((block, data))
        unit.blocks = tuple(block for block, _ in found)
        return found

    async def _ask(self, block: Block, unit: Unit) -> bytes:
        """A turn a block: a command that comes in the middle of a poll waits for one answer only."""
        async with self._turns.taken(is_command=False):
            await self._client.connect()  # a command that failed has closed the socket
            return await self._client.read(block, unit=unit.spec.unit)

    def _endpoint_answered(self) -> None:
        if self._unreachable_in_a_row:
            # Whoever sat out a back-off only because the endpoint was away is asked now.
            now = self._clock.monotonic()
            for unit in self._units:
                unit.due_at = min(unit.due_at, now)
            log.info("modbus endpoint is back", endpoint=str(self._endpoint))
        self._unreachable_in_a_row = 0
        if self._gateway_id is not None:
            self._outputs.link(self._gateway_id, True)

    def _endpoint_unreachable(self, error: EndpointUnreachable) -> None:
        """One failed connection is a failed poll of every unit behind it, and the next try is for all of them."""
        self._metrics.polls.labels("unreachable").inc()
        self._unreachable_in_a_row += 1
        if self._unreachable_in_a_row == 1:
            log.warning("modbus endpoint is unreachable", endpoint=str(self._endpoint), error=str(error))
        if self._gateway_id is not None and self._unreachable_in_a_row >= POLLS_TO_LINK_DOWN:
            self._outputs.link(self._gateway_id, False)
        for unit in self._units:
            self._note_failure(unit)
        soonest = min(unit.due_at for unit in self._units)
        for unit in self._units:
            unit.due_at = soonest

    def _unit_silent(self, unit: Unit, error: UnitSilent) -> None:
        self._metrics.polls.labels("silent").inc()
        if not unit.backoff.failures:
            log.warning("modbus unit is silent", equipment=unit.spec.entry.code, error=str(error))
        self._note_failure(unit)

    def _note_failure(self, unit: Unit) -> None:
        went_down = unit.failed(now=self._clock.monotonic(), cost_s=self._settings.timeout_s)
        if went_down:
            entry = unit.spec.entry
            self._outputs.link(entry.equipment_id, False)
            self._outputs.readings(entry, unit.batch_of_silence(ts_ms=to_ms(self._clock.now())))

    def _link_came_up(self, unit: Unit) -> None:
        log.info("modbus unit answers", equipment=unit.spec.entry.code, endpoint=str(self._endpoint))
        self._outputs.link(unit.spec.entry.equipment_id, True)
