import type { Role } from '@/people/roles'

import type { Alarm, AlarmState } from './types'

export const ALARM_STATES: readonly AlarmState[] = ['UNACKED', 'RTN_UNACKED', 'ACKED', 'NORMAL']

/** Who answers for an alarm on shift; a tester looks on. */
export const ANSWERING: readonly Role[] = ['engineer', 'dispatcher', 'manager']

/** Somebody must still look, whether the condition lasts or not. */
export function awaitsPerson({ state }: Pick<Alarm, 'state'>): boolean {
  return state === 'UNACKED' || state === 'RTN_UNACKED'
}

/** By hand, once acknowledged; one of life safety only after its condition is gone. */
export function canClear({ state, life_safety }: Pick<Alarm, 'state' | 'life_safety'>): boolean {
  return state === 'RTN_UNACKED' || (state === 'ACKED' && !life_safety)
}

/** When it ended, for the time axis; null while it lasts. */
export function endOf(alarm: Pick<Alarm, 'is_present' | 'returned_at' | 'cleared_at'>): number | null {
  const end = alarm.returned_at ?? alarm.cleared_at
  return alarm.is_present || !end ? null : Date.parse(end)
}

/** How long a nuisance may be put away, hours. */
export const SHELF_HOURS: readonly number[] = [1, 4, 8, 24]

/** Neither the alarm of a device that protects lives, nor one that is out already. */
export function canTakeOut({ life_safety, suppressed_by }: Pick<Alarm, 'life_safety' | 'suppressed_by'>): boolean {
  return !life_safety && suppressed_by !== 'out_of_service'
}

/** What keeps coming up may be put away for a while; life safety never. */
export function canShelve({ state, life_safety, suppressed_by }: Pick<Alarm, 'state' | 'life_safety' | 'suppressed_by'>): boolean {
  return state !== 'NORMAL' && !life_safety && suppressed_by !== 'shelved'
}
