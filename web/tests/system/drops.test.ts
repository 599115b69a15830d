import { describe, expect, it } from 'vitest'

import { counted, labelWords, quiet } from '@/system/drops'
import type { Drop } from '@/system/types'

const drop = (counter: string, kind: Drop['kind'], day: number, week: number): Drop => ({
  counter,
  kind,
  title: {},
  meaning: {},
  action: {},
  last_24h: day,
  last_7d: week,
  last_at: null,
  places: [],
})

const DROPS = [
  drop('late', 'late', 90, 900),
  drop('rare loss', 'lost', 0, 1),
  drop('loss', 'lost', 2, 3),
  drop('never', 'failed', 0, 0),
  drop('refused', 'refused', 1, 1),
]

describe('what was counted', () => {
  it('has the gravest kind first, and in it the most frequent of the day', () => {
    expect(counted(DROPS).map(({ kind, drops }) => [kind, drops.map(({ counter }) => counter)])).toEqual([
      ['lost', ['loss', 'rare loss']],
      ['refused', ['refused']],
      ['late', ['late']],
    ])
  })

  it('leaves out what never happened, which stands apart', () => {
    expect(quiet(DROPS).map(({ counter }) => counter)).toEqual(['never'])
  })

  it('is empty when nothing happened', () => {
    expect(counted([drop('never', 'lost', 0, 0)])).toEqual([])
  })
})

it('says labels as words', () => {
  expect(labelWords({ reason: 'bad_json', source: 'mqtt' })).toBe('reason bad_json · source mqtt')
  expect(labelWords({})).toBe('')
})
