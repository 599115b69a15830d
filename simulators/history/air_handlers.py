"""Air handling units: a loop that keeps the supply air by its valves, a filter and coils that clog."""

import numpy as np

from building.equipment import EquipmentKind
from simulators.history.lives import BenignKind
from simulators.history.machines import MachineKind, Machines
from simulators.physics.air_handler import BEGINS_H, CLEAN_FILTER_PA, COOLS_K, ENDS_H, HEATS_K, SETPOINT_C
from simulators.physics.tick import BASEMENT, DAY_S
from simulators.physics.wear import Column, WearFault

CLOGGED_BY_PA = 190.0
CAPACITY_LOST = 0.6
OWN_DUST_PA_A_DAY = 0.12  # of a filter that is changed in time
IDLE_C = 21.0


def _played(machines: Machines) -> dict[str, Column]:
    span = machines.span
    is_on = ((span.hour >= BEGINS_H) & (span.hour < ENDS_H)) * np.ones((machines.count, 1))
    runs = is_on * (1 - machines.stands)
    damper = runs * machines.each(18, 30)
    return_c = machines.each(23, 25) + 1.2 * (machines.load - 0.6) + 0.04 * (span.outdoor_c - 17)
    mixed = damper / 100 * span.outdoor_c + (1 - damper / 100) * return_c + machines.noise(0.15)
    strength = machines.each(0.9, 1.15) * (1 - CAPACITY_LOST * np.minimum(machines.wear[WearFault.COIL_FOULING], 1.5))
    excess = mixed - SETPOINT_C + machines.each(1.0, 2.5) * machines.load
    cooling = runs * np.clip(100 * excess / (COOLS_K * strength), 0.0, 100.0)
    heating = runs * np.clip(-100 * excess / (HEATS_K * strength), 0.0, 100.0)
    supply = SETPOINT_C + excess - (COOLS_K * cooling - HEATS_K * heating) / 100 * strength
    still = np.zeros_like(runs)
    return {
        "fan_command": is_on, "fan_running": runs,
        "supply_temp_c": np.round(np.where(runs > 0, supply, IDLE_C) + machines.noise(0.2), 1),
        "supply_setpoint_c": still + SETPOINT_C,
        "mixed_temp_c": np.round(mixed + machines.noise(0.05), 1),
        "return_temp_c": np.round(return_c + machines.noise(0.1), 1),
        "heating_valve_pct": np.rint(heating), "cooling_valve_pct": np.rint(cooling),
        "outdoor_damper_command_pct": np.rint(damper),
        "outdoor_damper_pct": np.rint(np.clip(damper + runs * machines.noise(0.6), 0.0, 100.0)),
        "filter_dp_pa": np.rint(np.maximum(0.0, runs * (_filter_pa(machines) + machines.noise(3)))),
        "freeze_alarm": still,
    }  # fmt: skip


def _filter_pa(machines: Machines) -> Column:
    """Grows a little by itself until the filter is changed at a service."""
    since = np.stack([_days_since_service(machines, row) for row in range(machines.count)])
    clean = CLEAN_FILTER_PA * machines.each(0.85, 1.2) + OWN_DUST_PA_A_DAY * since
    return np.asarray(clean + CLOGGED_BY_PA * machines.wear[WearFault.FILTER_CLOGGING])


def _days_since_service(machines: Machines, row: int) -> Column:
    ts_s = machines.span.ts_s
    begins = sorted(each.begins_s for each in machines.lives[row].benign if each.kind is BenignKind.SERVICED)
    changed_s = np.array([ts_s[0] - 30 * DAY_S, *begins])
    return np.asarray((ts_s - changed_s[np.searchsorted(changed_s, ts_s, side="right") - 1]) / DAY_S)


AIR_HANDLERS = MachineKind(
    "air-handlers", "AHU", EquipmentKind.AHU, "ahu-controller",
    (WearFault.FILTER_CLOGGING, WearFault.COIL_FOULING), BASEMENT,
    {"supply_temp_c": 0.4, "mixed_temp_c": 0.4, "return_temp_c": 0.4, "filter_dp_pa": 6.0, "outdoor_damper_pct": 1.5},
    _played,
)  # fmt: skip
