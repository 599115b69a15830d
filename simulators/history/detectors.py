"""Smoke detectors and monitors of distribution boards: few points, slow ones."""

import numpy as np

from building.equipment import EquipmentKind
from simulators.history.machines import MachineKind, Machines
from simulators.physics.smoke import ALARM_DB_M, BATTERY_LIFE_S
from simulators.physics.tick import BASEMENT, LIGHTING
from simulators.physics.wear import Column, WearFault

CONTACT_AT_FAILURE_C, LEAKS_AT_FAILURE_MA = 32.0, 260.0


def _smoke(machines: Machines) -> dict[str, Column]:
    span = machines.span
    aged = 100 * (span.ts_s - span.ts_s[0]) / BATTERY_LIFE_S
    drained = np.minimum(1.0, machines.wear[WearFault.BATTERY_DRAIN])
    charge = (machines.each(60.0, 100.0) - aged) * (1 - 0.95 * drained)
    damp = 0.0015 * np.sin(2 * np.pi * span.day / 47)  # of the weather, by weeks
    dirt = (ALARM_DB_M - 0.02) * machines.wear[WearFault.DETECTOR_DIRT]
    level = machines.each(0.005, 0.02) + damp + dirt + machines.noise(0.0012)
    indoor_c = 18 + 0.3 * (span.outdoor_c - 15) + machines.each(-1.5, 1.5) + machines.noise(0.3)
    return {
        "smoke": (level >= ALARM_DB_M).astype(np.float64), "smoke_level": np.round(np.maximum(0.0, level), 3),
        "temperature_c": np.round(indoor_c, 1), "battery_pct": np.rint(np.clip(charge, 0.0, 100.0)),
        "tamper": machines.is_serviced, "signal_dbm": np.rint(machines.each(-108, -82) + machines.noise(1.5)),
    }  # fmt: skip


def _board(machines: Machines) -> dict[str, Column]:
    share = machines.load / BASEMENT.peak
    warm = machines.each(13, 19) * share**2 + CONTACT_AT_FAILURE_C * machines.wear[WearFault.LOOSE_CONTACT] * share**2
    cable_c = machines.each(17, 23) + 0.35 * machines.span.outdoor_c + warm + machines.noise(0.3)
    usual_ma = machines.each(40, 90) * (0.75 + 0.3 * share) + machines.wander(2, keep_s=14_400)
    leaks_ma = LEAKS_AT_FAILURE_MA * machines.wear[WearFault.INSULATION_AGEING]
    return {
        "residual_current_ma": np.rint(np.maximum(0.0, usual_ma + leaks_ma + machines.noise(3))),
        "cable_temp_c": np.round(cable_c, 1), "detector_fault": 0 * cable_c,
    }  # fmt: skip


SMOKE_DETECTORS = MachineKind(
    "smoke-detectors", "SMOKE", EquipmentKind.SMOKE_DETECTOR, "nbiot-smoke",
    (WearFault.BATTERY_DRAIN, WearFault.DETECTOR_DIRT), LIGHTING,
    {"smoke_level": 0.002, "temperature_c": 0.5, "signal_dbm": 2.0}, _smoke, reports_every_s=3600.0,
)  # fmt: skip
BOARDS = MachineKind(
    "boards", "EFM", EquipmentKind.SENSOR, "electrical-fire-monitor",
    (WearFault.LOOSE_CONTACT, WearFault.INSULATION_AGEING), BASEMENT,
    {"residual_current_ma": 8.0, "cable_temp_c": 1.0}, _board,
)  # fmt: skip
