import {
  Box,
  Camera,
  CircleGauge,
  DoorOpen,
  Droplets,
  Fan,
  Flame,
  GitFork,
  MoveVertical,
  Network,
  PlugZap,
  Siren,
  Snowflake,
  Thermometer,
  Waves,
  Zap,
} from '@lucide/vue'
import type { Component } from 'vue'

import type { EquipmentKind } from './types'

export const KIND_ICONS: Record<EquipmentKind, Component> = {
  elevator: MoveVertical,
  escalator: MoveVertical,
  pump: Waves,
  smoke_detector: Siren,
  heat_detector: Thermometer,
  gas_detector: Siren,
  fire_panel: Flame,
  fire_pump: Flame,
  fire_door: Flame,
  smoke_exhaust: Flame,
  electricity_meter: Zap,
  water_meter: Droplets,
  gas_meter: CircleGauge,
  heat_meter: CircleGauge,
  ahu: Fan,
  chiller: Snowflake,
  fan: Fan,
  valve: GitFork,
  tank: Box,
  riser: GitFork,
  power_supply: PlugZap,
  gateway: Network,
  camera: Camera,
  door: DoorOpen,
  sensor: CircleGauge,
  other: Box,
}

/** What a desk asks for most, first. */
export const USUAL_KINDS: readonly EquipmentKind[] = [
  'elevator',
  'pump',
  'smoke_detector',
  'electricity_meter',
  'water_meter',
  'gateway',
]

/** Points worth a curve when a page opens, by kind of equipment: what tells wear and trouble, at most three. */
export const TELLING_POINTS: Partial<Record<EquipmentKind, readonly string[]>> = {
  elevator: ['door_motor_current_a', 'levelling_error_mm', 'floor'],
  pump: ['bearing_temp_c', 'vibration_mm_s', 'flow_m3_h'],
  smoke_detector: ['smoke_level', 'temperature_c', 'battery_pct'],
  electricity_meter: ['power_kw', 'voltage_a_v', 'energy_total_kwh'],
  water_meter: ['flow_l_h', 'volume_m3', 'battery_pct'],
}
