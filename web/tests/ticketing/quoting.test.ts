import { describe, expect, it } from 'vitest'

import { asItems, emptyLine, isComplete, lineOf, type QuoteLine, totalOf } from '@/ticketing/quoting'

const VISIT = { code: 'VISIT', names: { 'zh-CN': '上门费', en: 'Visit' }, kind: 'labour' as const, unit: '次', price: '30.00' }
const tap = (changes: Partial<QuoteLine> = {}): QuoteLine => ({
  ...emptyLine(), name: '混水阀', unit: '个', unitPrice: '420', ...changes,
})

describe('the lines of a quotation', () => {
  it('are added up like the hub does: each line rounded half up, in decimals', () => {
    expect(totalOf([])).toBe('0.00')
    expect(totalOf([lineOf(VISIT, 'en'), tap()])).toBe('450.00')
    expect(totalOf([tap({ quantity: '0.335', unitPrice: '0.10' })])).toBe('0.03')
    expect(totalOf([tap({ quantity: '0.35', unitPrice: '0.10' })])).toBe('0.04')
    expect(totalOf([tap({ quantity: '3', unitPrice: '0.1' }), tap({ quantity: '0.1', unitPrice: '0.2' })])).toBe('0.32')
  })

  it.each([
    [[], false],
    [[tap()], true],
    [[tap({ name: ' ' })], false],
    [[tap({ unit: '' })], false],
    [[tap({ quantity: '0' })], false],
    [[tap({ quantity: '1.2345' })], false],
    [[tap({ unitPrice: '' })], false],
    [[tap({ unitPrice: '-1' })], false],
    [[tap({ unitPrice: '0' })], true],
    [[tap(), tap({ unitPrice: '1.234' })], false],
  ])('%j: complete is %s', (lines, expected) => {
    expect(isComplete(lines)).toBe(expected)
  })

  it('name a published item by its code alone, and anything else in words', () => {
    expect(lineOf(VISIT, 'en').name).toBe('Visit')
    expect(asItems([lineOf(VISIT, 'en'), tap({ name: ' 混水阀 ' })])).toEqual([
      { code: 'VISIT', quantity: '1', unit_price: '30.00' },
      { name: '混水阀', kind: 'material', unit: '个', quantity: '1', unit_price: '420' },
    ])
  })
})
