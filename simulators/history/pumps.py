"""Pumps, three to a room: they keep the pressure of a riser while its homes draw water, and take turns."""

import numpy as np

from building.equipment import EquipmentKind
from simulators.history.machines import MachineKind, Machines
from simulators.physics.pump import BAR_PER_M, WATER_N_PER_M3, PumpCurve
from simulators.physics.pump_room import ONE_MORE_ABOVE_M3_H, PEAK_DEMAND_M3_H, SETPOINT_M
from simulators.physics.tick import WATER_USE
from simulators.physics.wear import Column, WearFault

IN_A_ROOM = 3
BLOCKED, OVERTEMPERATURE = 51, 64
VIBRATION_AT_FAILURE_MM_S, BEARING_HEAT_AT_FAILURE_C = 7.0, 38.0
HEAD_LOST, EFFICIENCY_LOST = 0.16, 0.3
MOTOR_HEAT_C, MOTOR_POWER = 34.0, 0.08
STANDBY_W = 20.0


def _played(machines: Machines) -> dict[str, Column]:
    curve = PumpCurve()
    runs, flow = _duty(machines)
    worn = machines.wear[WearFault.IMPELLER_WEAR]
    shutoff = curve.shutoff_head_m * machines.each(0.99, 1.05) * (1 - HEAD_LOST * np.minimum(worn, 2))
    drop = curve.curvature * flow**2
    speed = runs * np.minimum(1.0, np.sqrt((SETPOINT_M + drop) / shutoff))
    head = np.maximum(0.0, shutoff * speed**2 - drop) * runs
    power = _power_w(machines, curve, flow=flow, speed=speed, head=head)
    bearing, vibration = _bearing(machines, load=power / curve.rated_power_w, speed=speed)
    hours = 4000 * machines.each(1, 3) + np.cumsum(runs, axis=1) * machines.span.step_s / 3600
    energy = 3.6 * hours[:, :1] + np.cumsum(power, axis=1) * machines.span.step_s / 3_600_000
    code = np.where(machines.wear[WearFault.MOTOR_OVERHEATING] > 0, OVERTEMPERATURE, BLOCKED) * machines.has_failed
    still = np.zeros_like(runs)
    return {
        "running": runs, "fault": machines.has_failed, "remote_control": 1 - machines.is_serviced,
        "control_mode": still + 4, "operation_mode": still, "fault_code": code, "warning_code": still,
        "head_bar": np.round(head * BAR_PER_M + runs * machines.noise(0.01), 3),
        "flow_m3_h": np.asarray(np.abs(flow + runs * machines.noise(0.05)).round(1)),
        "speed_rpm": np.rint(speed * curve.rated_rpm), "setpoint_pct": np.round(speed * 100, 2),
        "power_w": np.rint(power), "run_hours": np.floor(hours), "energy_kwh": np.floor(energy),
        "bearing_temp_c": np.round(bearing, 1), "vibration_mm_s": np.round(vibration, 2),
    }  # fmt: skip


def _duty(machines: Machines) -> tuple[Column, Column]:
    """Which pumps turn, 0 or 1, and the flow of each in m³/h. The lead goes round by the day."""
    rows = np.arange(machines.count)
    rooms, place = rows // IN_A_ROOM, rows % IN_A_ROOM
    shared = machines.load[rooms * IN_A_ROOM]  # a room has one demand: that of its first pump
    demand = PEAK_DEMAND_M3_H * shared * np.maximum(0.2, 1 + machines.noise(0.12)[rooms * IN_A_ROOM])
    turn = (place[:, None] + machines.span.day.astype(np.int64)[None, :]) % IN_A_ROOM
    order = turn + 10 * machines.stands  # what cannot run comes last
    ahead = np.zeros(order.shape)
    for other in range(IN_A_ROOM):
        neighbour = np.minimum(rooms * IN_A_ROOM + other, machines.count - 1)
        ahead += (order[neighbour] < order) & (neighbour != rows)[:, None]
    wanted = np.clip(np.ceil(demand / ONE_MORE_ABOVE_M3_H), 1, IN_A_ROOM)
    runs = ((ahead < wanted) & (machines.stands == 0)).astype(np.float64)
    return runs, runs * demand / wanted


def _power_w(machines: Machines, curve: PumpCurve, *, flow: Column, speed: Column, head: Column) -> Column:
    share = flow / np.maximum(curve.best_flow_m3_h * speed, 1e-6)
    worn = np.minimum(machines.wear[WearFault.IMPELLER_WEAR], 2)
    efficiency = curve.best_efficiency * np.maximum(0.05, 1 - (1 - share) ** 2) * (1 - EFFICIENCY_LOST * worn)
    hydraulic = WATER_N_PER_M3 * flow / 3600 * head / efficiency * np.minimum(1.0, share * 4)
    churning = 0.3 * curve.rated_power_w * speed**3 * np.maximum(0.0, 1 - share)
    dragging = (
        1 + 0.1 * machines.wear[WearFault.BEARING_WEAR] + MOTOR_POWER * machines.wear[WearFault.MOTOR_OVERHEATING]
    )
    own = machines.each(0.96, 1.05) * (1 + machines.noise(0.01))
    return np.asarray(np.where(speed > 0, (hydraulic + churning) * dragging * own, STANDBY_W))


def _bearing(machines: Machines, *, load: Column, speed: Column) -> tuple[Column, Column]:
    """Its temperature, °C, and the vibration, mm/s. Heat comes after the shaking has begun."""
    worn, hot = machines.wear[WearFault.BEARING_WEAR], machines.wear[WearFault.MOTOR_OVERHEATING]
    room_c = 15 + 0.35 * machines.span.outdoor_c + machines.each(-2, 2)
    turns = speed > 0
    heat = machines.each(14, 20) * load + BEARING_HEAT_AT_FAILURE_C * worn**1.5 + MOTOR_HEAT_C * hot * (0.4 + load)
    shaking = machines.each(0.7, 1.5) + machines.each(0.3, 0.6) * load + VIBRATION_AT_FAILURE_MM_S * worn**1.3
    shaking += 0.6 * machines.wear[WearFault.IMPELLER_WEAR]
    return room_c + turns * heat + machines.noise(0.3), np.maximum(
        0.0, shaking * speed**2 + machines.noise(0.05) * turns
    )


PUMPS = MachineKind(
    "pumps", "PUMP", EquipmentKind.PUMP, "grundfos-cim-pump",
    (WearFault.BEARING_WEAR, WearFault.IMPELLER_WEAR, WearFault.MOTOR_OVERHEATING), WATER_USE,
    {"head_bar": 0.08, "flow_m3_h": 0.25, "power_w": 90.0, "bearing_temp_c": 1.0, "vibration_mm_s": 0.12}, _played,
)  # fmt: skip
