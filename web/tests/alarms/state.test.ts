import { describe, expect, it } from 'vitest'

import { ALARM_STATES, awaitsPerson, canClear, canShelve, canTakeOut, endOf } from '@/alarms/state'

describe('an alarm', () => {
  it('waits for a person until somebody acknowledged it, gone or not', () => {
    expect(ALARM_STATES.filter((state) => awaitsPerson({ state }))).toEqual(['UNACKED', 'RTN_UNACKED'])
  })

  it('is cleared by hand after the acknowledgement; one of life safety only when its condition is gone', () => {
    const clearable = (life_safety: boolean) => ALARM_STATES.filter((state) => canClear({ state, life_safety }))
    expect(clearable(false)).toEqual(['RTN_UNACKED', 'ACKED'])
    expect(clearable(true)).toEqual(['RTN_UNACKED'])
  })

  it('is shelved while it is not over, once, and never when it is of life safety', () => {
    const shelvable = (life_safety: boolean, suppressed_by: 'shelved' | 'inhibited' | null) =>
      ALARM_STATES.filter((state) => canShelve({ state, life_safety, suppressed_by }))
    expect(shelvable(false, null)).toEqual(['UNACKED', 'RTN_UNACKED', 'ACKED'])
    expect(shelvable(false, 'shelved')).toEqual([])
    expect(shelvable(true, null)).toEqual([])
  })

  it('is taken out of service once, and never when it is of life safety', () => {
    expect(canTakeOut({ life_safety: false, suppressed_by: 'inhibited' })).toBe(true)
    expect(canTakeOut({ life_safety: false, suppressed_by: 'out_of_service' })).toBe(false)
    expect(canTakeOut({ life_safety: true, suppressed_by: null })).toBe(false)
  })

  it('lasts on the time axis until its condition returned', () => {
    const at = '2026-11-22T02:00:00Z'
    expect(endOf({ is_present: true, returned_at: null, cleared_at: null })).toBeNull()
    expect(endOf({ is_present: true, returned_at: at, cleared_at: null })).toBeNull() // it came back
    expect(endOf({ is_present: false, returned_at: at, cleared_at: null })).toBe(Date.parse(at))
    expect(endOf({ is_present: false, returned_at: null, cleared_at: at })).toBe(Date.parse(at))
  })
})
