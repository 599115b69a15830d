import { describe, expect, it } from 'vitest'

import { completed, wordAt } from '@/rules/completion'
import { definitionOf, draftOf, EMPTY, keptFields, missingFields } from '@/rules/draft'
import { mayChange, mayMake, ruleScope } from '@/rules/scope'
import type { RuleDefinition } from '@/rules/types'

const RULE: RuleDefinition = {
  key: 'pump-bearing-wear',
  name: { 'zh-CN': '水泵轴承磨损', en: 'Pump bearing wear' },
  message: { 'zh-CN': '轴承 {bearing_temp_c} °C', en: 'Bearing {bearing_temp_c} °C' },
  profile: 'grundfos-cim-pump',
  kind: null,
  site_id: 'site',
  equipment: ['e1'],
  equipment_params: { e1: { hot_c: 80 } },
  points: [],
  when: 'bearing_temp_c > hot_c',
  clear: 'bearing_temp_c < hot_c - 5',
  for: '2m',
  clear_for: null,
  missing: null,
  repeats: null,
  stuck: null,
  rate: null,
  params: { hot_c: 75 },
  units: { hot_c: '°C' },
  schedules: { night: '22:00-06:00' },
  severity: 'major',
  fault_mode: 'bearing_wear',
  life_safety: false,
  order: { kind: 'repair', priority: 2, joins: 'building' },
}

describe('a rule in the form', () => {
  it('goes back as it came when nothing was touched', () => {
    expect(definitionOf(draftOf(RULE), RULE)).toEqual(RULE)
  })

  it('keeps what the form does not show', () => {
    const changed = definitionOf({ ...draftOf(RULE), severity: 'critical' }, RULE)
    expect(changed).toEqual({ ...RULE, severity: 'critical' })
  })

  it.each<Partial<RuleDefinition>>([
    { repeats: { times: 3, within: '1h' }, for: null },
    { when: null, stuck: { points: ['head_bar', 'flow_m3_h'], for: '2h' } },
    { when: null, rate: { point: 'level_m', over: '5m', above: 0.2, below: -0.2 } },
    { when: null, rate: { point: 'level_m', over: '5m', above: 'fast', below: null } },
    { levels: [{ severity: 'critical', when: 'bearing_temp_c > 85' }], active_in: 'night', basis: { 'zh-CN': '据', en: 'b' } },
  ])('goes back as it came, whatever form it has: %j', (form) => {
    const rule = { ...RULE, ...form }
    expect(definitionOf(draftOf(rule), rule)).toEqual(rule)
    expect(missingFields(draftOf(rule))).toEqual([])
  })

  it('becomes another form and keeps its levels and hours', () => {
    const rule: RuleDefinition = { ...RULE, levels: [{ severity: 'critical', when: 'bearing_temp_c > 85' }], active_in: 'night' }
    const stuck = definitionOf({ ...draftOf(rule), basis: 'stuck', stuckPoints: ['head_bar'], stuckFor: '2h' }, rule)
    expect(stuck).toMatchObject({ when: null, stuck: { points: ['head_bar'], for: '2h' }, levels: rule.levels, active_in: 'night' })
    expect(missingFields({ ...EMPTY, basis: 'rate' })).toEqual(expect.arrayContaining(['ratePoint', 'rateOver', 'rateAbove']))
    expect(missingFields({ ...draftOf(RULE), repeatsTimes: 3 })).toEqual(['repeatsWithin'])
  })

  it('says what it keeps without showing it, and what silence cannot have', () => {
    const rule: RuleDefinition = { ...RULE, levels: [{ severity: 'critical', when: 'bearing_temp_c > 85' }] }
    const kept = (draft = draftOf(rule)) => keptFields(draft, rule).map(({ field, isLost }) => [field, isLost])
    expect(kept()).toEqual([['levels', false], ['schedules', false], ['equipment', false], ['equipmentParams', false]])
    expect(kept({ ...draftOf(rule), basis: 'missing' })).toEqual([
      ['levels', true], ['schedules', true], ['equipment', false], ['equipmentParams', false],
    ])
    expect(keptFields(EMPTY, null)).toEqual([])
  })

  it('drops the condition when it becomes a rule about silence', () => {
    const silent = definitionOf({ ...draftOf(RULE), basis: 'missing', missing: '10m' }, RULE)
    expect(silent).toMatchObject({ when: null, clear: null, for: null, missing: '10m' })
    expect(silent.schedules).toBeUndefined()
  })

  it('leaves out a parameter without a name or a value, and keeps one that is zero', () => {
    const params = [
      { name: 'low', value: 0 },
      { name: '', value: 3 },
      { name: 'high', value: null },
    ]
    expect(definitionOf({ ...draftOf(RULE), params }, RULE)).toMatchObject({ params: { low: 0 }, units: {} })
  })

  it('says what is missing', () => {
    expect(missingFields(EMPTY)).toContain('when')
    expect(missingFields(EMPTY)).toContain('profile')
    expect(missingFields(draftOf(RULE))).toEqual([])
  })
})

describe('who may change a rule', () => {
  const me = (grants: { role: 'manager' | 'admin' | 'engineer'; site_id: string | null }[]) => ({
    person_id: 'p',
    name: '李敏',
    grants,
  })

  it('is a manager of its site', () => {
    const scope = ruleScope(me([{ role: 'manager', site_id: 's1' }]))
    expect(mayChange(scope, 's1')).toBe(true)
    expect(mayChange(scope, 's2')).toBe(false)
  })

  it('is, for a rule of every site, only somebody who answers for every site', () => {
    expect(mayChange(ruleScope(me([{ role: 'manager', site_id: 's1' }])), null)).toBe(false)
    expect(mayChange(ruleScope(me([{ role: 'admin', site_id: null }])), null)).toBe(true)
  })

  it('is not an engineer', () => {
    expect(mayMake(ruleScope(me([{ role: 'engineer', site_id: null }])))).toBe(false)
    expect(mayMake(ruleScope(undefined))).toBe(false)
  })
})

describe('completion', () => {
  it('finds the name under the cursor', () => {
    expect(wordAt('bearing_te > 75', 10)).toEqual({ text: 'bearing_te', start: 0, end: 10 })
    expect(wordAt('a > ', 4)).toEqual({ text: '', start: 4, end: 4 })
    expect(wordAt('a > 75', 6).text).toBe('') // a number is no name
  })

  it('puts the point in its place and the cursor behind it', () => {
    const text = 'bearing_te > 75'
    expect(completed(text, wordAt(text, 3), 'bearing_temp_c')).toEqual({ text: 'bearing_temp_c > 75', cursor: 14 })
  })

  it('keeps a space to what stands before', () => {
    expect(completed('a >', wordAt('a >', 3), 'b')).toEqual({ text: 'a > b', cursor: 5 })
    expect(completed('abs(', wordAt('abs(', 4), 'b')).toEqual({ text: 'abs(b', cursor: 5 })
  })
})
