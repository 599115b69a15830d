"""The running fleet over HTTP: its devices, and what goes wrong with them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import Field

from building.equipment import EquipmentKind
from kit.clock import Clock
from kit.errors import DomainError
from kit.http import Page, Paging, Schema, add_error_handlers, provide, service
from kit.i18n import Texts
from simulators.durations import seconds
from simulators.errors import (
    BadDuration,
    BadFaultParameter,
    FaultDoesNotFit,
    FaultNotFound,
    UnknownDevice,
    UnknownFault,
)
from simulators.faults.book import ActiveFault
from simulators.faults.catalog import CATALOG, FaultKind, Word
from simulators.fleet.devices import Device
from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.links import Links

router = APIRouter(tags=["Fleet"])

STATUS: dict[type[DomainError], int] = {
    UnknownFault: 404,
    UnknownDevice: 404,
    FaultNotFound: 404,
    FaultDoesNotFit: 422,
    BadFaultParameter: 422,
    BadDuration: 422,
}


class FaultIn(Schema):
    """`for`: 90s, 10m, 1h30m, or nothing for until it is ended. `with`: parameters, see GET /fault-kinds."""

    name: str = Field(max_length=60, examples=["passenger-trapped"])
    device: str = Field(max_length=60, examples=["LIFT-06"])
    duration: str | float | None = Field(None, alias="for", examples=["10m"])
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with", examples=[{}])


class FaultOut(Schema):
    fault_id: UUID
    name: str
    device: str
    parameters: dict[str, float | str]
    started_at: datetime
    ends_at: datetime | None


class ParameterOut(Schema):
    name: str
    default: float | str
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: list[str] | None = None


class FaultKindOut(Schema):
    name: str
    meaning: str
    devices: list[EquipmentKind] | None = Field(description="kinds it may happen to; null: every kind")
    parameters: list[ParameterOut]


class DeviceOut(Schema):
    code: str
    name: str
    kind: EquipmentKind
    profile: str | None
    online: bool
    faults: list[str]
    values: dict[str, float]


class HealthOut(Schema):
    """`links`: connections and listening sockets that are up, of how many."""

    status: str
    site: str
    devices: int
    faults: int
    links_up: int
    links: int


FleetNow = Annotated[Fleet, Depends(service(Fleet))]
Now = Annotated[Clock, Depends(service(Clock))]


@router.get("/healthz", response_model=HealthOut)
async def fleet_health(fleet: FleetNow, links: Annotated[Links, Depends(service(Links))]) -> HealthOut:
    up, total = links.count()
    return HealthOut(
        status="ok" if up == total else "connecting",
        site=fleet.site.code, devices=len(fleet.register), faults=len(fleet.faults.all()), links_up=up, links=total,
    )  # fmt: skip


@router.get("/devices", response_model=Page[DeviceOut])
async def list_devices(
    fleet: FleetNow,
    paging: Paging,
    kind: EquipmentKind | None = None,
    q: Annotated[str, Query(max_length=60, description="part of the code or name")] = "",
) -> Page[DeviceOut]:
    found = [
        device
        for device in fleet.register
        if (kind is None or device.kind is kind) and (q.upper() in device.code or q in device.name)
    ]
    rows = found[paging.offset : paging.offset + paging.limit]
    items = [_device_out(fleet, device) for device in rows]
    return Page(items=items, total=len(found), limit=paging.limit, offset=paging.offset)


@router.get("/devices/{code}", response_model=DeviceOut)
async def get_device(code: str, fleet: FleetNow) -> DeviceOut:
    return _device_out(fleet, fleet.register.find(code))


@router.get("/fault-kinds", response_model=list[FaultKindOut])
async def list_fault_kinds() -> list[FaultKindOut]:
    return [_kind_out(kind) for kind in CATALOG.values()]


@router.get("/faults", response_model=list[FaultOut])
async def list_faults(fleet: FleetNow) -> list[FaultOut]:
    return [_fault_out(fault) for fault in fleet.faults.all()]


@router.post("/faults", response_model=FaultOut, status_code=201)
async def start_fault(body: FaultIn, fleet: FleetNow, clock: Now) -> FaultOut:
    """Starts a fault at once. The same fault of the same device again replaces its parameters and end."""
    duration_s = None if body.duration is None else seconds(body.duration)
    request = FaultRequest(body.name, body.device, body.parameters, duration_s)
    return _fault_out(fleet.start_fault(request, now=clock.now()))


@router.delete("/faults/{fault_id}", status_code=204)
async def stop_fault(fault_id: UUID, fleet: FleetNow) -> None:
    fleet.stop_fault(fault_id)


@router.delete("/faults", status_code=204)
async def stop_faults(fleet: FleetNow, device: Annotated[str | None, Query(max_length=60)] = None) -> None:
    """Ends every fault, or every fault of one device."""
    fleet.faults.stop_all(None if device is None else fleet.register.find(device).code)


def control_app(*, fleet: Fleet, links: Links, clock: Clock, texts: Texts) -> FastAPI:
    app = FastAPI(title="Simulated fleet", docs_url="/docs", redoc_url=None)
    provide(app, fleet)
    provide(app, links)
    provide(app, clock, as_type=Clock)
    app.include_router(router)
    add_error_handlers(app, texts=texts, status=STATUS)
    return app


def _device_out(fleet: Fleet, device: Device) -> DeviceOut:
    return DeviceOut(
        code=device.code,
        name=device.name,
        kind=device.kind,
        profile=device.profile,
        online=not fleet.is_offline(device),
        faults=sorted(fleet.faults.of(device.code)),
        values=fleet.values(device.code),
    )


def _fault_out(fault: ActiveFault) -> FaultOut:
    return FaultOut(
        fault_id=fault.fault_id,
        name=fault.name.value,
        device=fault.device,
        parameters=dict(fault.parameters),
        started_at=fault.started_at,
        ends_at=fault.ends_at,
    )


def _kind_out(kind: FaultKind) -> FaultKindOut:
    parameters = [
        ParameterOut(
            name=name, default=parameter.default, meaning=parameter.meaning, choices=list(parameter.choices) or None
        )
        if isinstance(parameter, Word)
        else ParameterOut(
            name=name, default=parameter.default, meaning=parameter.meaning, low=parameter.low, high=parameter.high
        )
        for name, parameter in kind.parameters.items()
    ]
    devices = None if kind.devices is None else sorted(kind.devices)
    return FaultKindOut(name=kind.name.value, meaning=kind.meaning, devices=devices, parameters=parameters)
