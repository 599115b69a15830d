import type { Equipment } from './types'

/** Where an equipment stands, as people say it: its location, else building, unit and space by name. */
export function placeOf(equipment: Pick<Equipment, 'location' | 'building_name' | 'unit_name' | 'space_name'>): string {
  const { location, building_name: building, unit_name: unit, space_name: space } = equipment
  return location || [...new Set([building, unit, space])].filter(Boolean).join(' · ')
}
