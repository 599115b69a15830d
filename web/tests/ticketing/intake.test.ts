import { describe, expect, it } from 'vitest'

import { emergencyOf, emptyIntake, missingOf, orderOf } from '@/ticketing/intake'

describe('the intake form', () => {
  it('says what is still needed', () => {
    expect(missingOf(emptyIntake(''))).toEqual(['site', 'category', 'place'])
    expect(missingOf({ ...emptyIntake('s'), category: 'water_leak', text: '小区东门漏水' })).toEqual([])
  })

  it('sends what was said and nothing else', () => {
    const intake = { ...emptyIntake('s'), category: 'water_leak' as const, roomId: 'r', text: ' 漏水 ', phone: '138' }
    expect(orderOf(intake)).toEqual({
      site_id: 's',
      channel: 'phone',
      category: 'water_leak',
      text: '漏水',
      space_id: 'r',
      contact_phone: '138',
    })
  })

  it('starts a rescue only when somebody said that people are in danger', () => {
    const intake = { ...emptyIntake('s'), category: 'elevator' as const, equipmentId: 'e' }
    expect(orderOf(intake)).not.toHaveProperty('fault_mode')
    expect(orderOf({ ...intake, isEmergency: true })).toMatchObject({ fault_mode: 'passenger_trapped' })
  })

  it('does not carry an emergency over to a category that has none', () => {
    expect(emergencyOf('noise')).toBeNull()
    expect(orderOf({ ...emptyIntake('s'), category: 'noise', isEmergency: true })).not.toHaveProperty('fault_mode')
  })
})
