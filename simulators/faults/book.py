"""The faults that are on now. Physics, publishers and gateways read it; HTTP writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit.ids import new_id
from simulators.errors import FaultNotFound
from simulators.physics.faults import NO_FAULTS, DeviceFaults, FaultName, Parameters


@dataclass(frozen=True)
class ActiveFault:
    """One fault of one device. `ends_at` None: until somebody ends it."""

    fault_id: UUID
    name: FaultName
    device: str
    parameters: Parameters
    started_at: datetime
    ends_at: datetime | None


class FaultBook:
    """At most one fault of a name a device: starting it again replaces the parameters and the end."""

    def __init__(self) -> None:
        self._faults: dict[UUID, ActiveFault] = {}
        self._by_device: dict[str, dict[FaultName, Parameters]] = {}

    def start(
        self, name: FaultName, *, device: str, parameters: Parameters, now: datetime, duration_s: float | None
    ) -> ActiveFault:
        for fault in [f for f in self._faults.values() if f.device == device and f.name is name]:
            self._remove(fault)
        ends_at = None if duration_s is None else now + timedelta(seconds=duration_s)
        fault = ActiveFault(new_id(), name, device, parameters, now, ends_at)
        self._faults[fault.fault_id] = fault
        self._by_device.setdefault(device, {})[name] = parameters
        return fault

    def stop(self, fault_id: UUID) -> None:
        """Raises FaultNotFound."""
        fault = self._faults.get(fault_id)
        if fault is None:
            raise FaultNotFound(str(fault_id))
        self._remove(fault)

    def stop_all(self, device: str | None) -> int:
        """Ends every fault, or every fault of one device; how many."""
        ended = [fault for fault in self._faults.values() if device is None or fault.device == device]
        for fault in ended:
            self._remove(fault)
        return len(ended)

    def expire(self, now: datetime) -> list[ActiveFault]:
        over = [fault for fault in self._faults.values() if fault.ends_at is not None and fault.ends_at <= now]
        for fault in over:
            self._remove(fault)
        return over

    def all(self) -> list[ActiveFault]:
        return sorted(self._faults.values(), key=lambda fault: fault.started_at)

    def of(self, device: str) -> DeviceFaults:
        return self._by_device.get(device, NO_FAULTS)

    @property
    def by_device(self) -> Mapping[str, DeviceFaults]:
        """Devices with faults only."""
        return self._by_device

    def has(self, device: str, name: FaultName) -> bool:
        return name in self._by_device.get(device, NO_FAULTS)

    def _remove(self, fault: ActiveFault) -> None:
        del self._faults[fault.fault_id]
        del self._by_device[fault.device][fault.name]
        if not self._by_device[fault.device]:
            del self._by_device[fault.device]
