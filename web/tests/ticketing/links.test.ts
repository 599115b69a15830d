import { describe, expect, it } from 'vitest'

import { isOver, isThere, stepOf } from '@/ticketing/contractorWork'
import { asForm, filledOf, isTheirs, unfilled } from '@/ticketing/linkedForm'
import { faceOf, standingOf } from '@/ticketing/quotation'
import { ORDER_STATES } from '@/ticketing/state'
import type { ContractorField, Quotation } from '@/ticketing/types'

describe('a quotation, as its payer sees it', () => {
  const until = '2026-11-22T10:00:00Z'
  const before = Date.parse('2026-11-22T09:59:59Z')

  it.each<[Quotation['state'], number, string]>([
    ['asked', before, 'asked'],
    ['asked', Date.parse(until), 'expired'],
    ['approved', Date.parse(until), 'approved'],
    ['shown', Date.parse(until), 'shown'],
  ])('%s at %d is %s', (state, now, face) => {
    expect(faceOf({ state, expires_at: until }, now)).toBe(face)
  })

  it.each([
    ['30.00', '30.00', 'published'],
    ['9.50', '10.00', 'published'],
    ['30.01', '30.00', 'above'],
    ['30.00', null, 'unlisted'],
  ])('a price of %s beside a published %s is %s', (unit_price, published_price, standing) => {
    expect(standingOf({ unit_price, published_price })).toBe(standing)
  })
})

describe("a contractor's order", () => {
  it.each([
    [['accept', 'arrive'], 'accept'],
    [['arrive', 'finish'], 'arrive'],
    [['finish'], 'finish'],
    [[], null],
  ])('with %j allowed, the next step is %s', (actions, step) => {
    expect(stepOf({ actions, state: 'dispatched' })).toBe(step)
  })

  it('has no next step once it is over', () => {
    for (const state of ORDER_STATES.filter((one) => isOver({ state: one }))) {
      expect(stepOf({ actions: ['finish'], state })).toBeNull()
    }
    expect(isOver({ state: 'done' })).toBe(true)
    expect(isOver({ state: 'reopened' })).toBe(false)
  })

  it('asks for what its kind wants, and says what of it is there', () => {
    const wanted = [{ what: 'labour', name: '' }, { what: 'parts', name: '' }] as const
    const sheet = { wanted: [...wanted], missing: [wanted[1]] }
    expect(isThere(sheet, 'labour')).toBe(true)
    expect(isThere(sheet, 'parts')).toBe(false)
    expect(isThere(sheet, 'signature')).toBeNull()
  })
})

describe("what a contractor fills in at the end", () => {
  const field = (changes: Partial<ContractorField>): ContractorField => ({
    key: 'k', name: '', type: 'text', unit: null, low: null, high: null, many: false, options: [], value: null,
    may_write: true, ...changes,
  })

  it.each([
    [field({}), true],
    [field({ may_write: false }), false],
    [field({ type: 'equipment' }), false],
    [field({ type: 'equipment', options: [{ code: 'e', name: 'PUMP-01' }] }), true],
    [field({ type: 'photo' }), true],
  ])('%o is theirs: %s', (one, expected) => {
    expect(isTheirs(one)).toBe(expected)
  })

  it('is sent as the field takes it, zero is something and emptiness nothing', () => {
    const fields = [
      field({ key: 'depth', type: 'number' }),
      field({ key: 'at', type: 'datetime' }),
      field({ key: 'where', type: 'equipment', many: true, options: [{ code: 'e', name: 'PUMP-01' }] }),
      field({ key: 'note' }),
      field({ key: 'verdict', may_write: false }),
    ]
    const filled = { depth: '0', at: '2026-11-22T10:00', where: ['e'], note: ' ', verdict: 'x' }
    const at = new Date('2026-11-22T10:00').toISOString()
    expect(asForm(fields, filled)).toEqual({ depth: 0, at, where: ['e'] })
    expect(unfilled(fields, filled).map(({ key }) => key)).toEqual(['note', 'verdict'])
  })

  it('begins with what is there, a time on the clock of whoever looks', () => {
    const at = new Date('2026-11-22T10:00').toISOString()
    const fields = [field({ key: 'at', type: 'datetime', value: at }), field({ key: 'n', type: 'number', value: 0 }), field({ key: 'e' })]
    expect(filledOf(fields)).toEqual({ at: '2026-11-22T10:00', n: '0' })
  })
})
