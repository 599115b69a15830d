import { describe, expect, it } from 'vitest'

import { formatAmount, formatYuan } from '@/shared/money'

describe('money', () => {
  it.each([
    ['450.00', '¥450.00'],
    ['0.00', '¥0.00'],
    ['1234567.5', '¥1,234,567.50'],
    ['30', '¥30.00'],
    ['-12.30', '−¥12.30'],
    [null, '—'],
    [undefined, '—'],
    ['a lot', '—'],
  ])('%s is written %s', (amount, written) => {
    expect(formatYuan(amount)).toBe(written)
  })

  it.each([
    ['1.000', '1'],
    ['2.50', '2.5'],
    ['100', '100'],
    ['0.300', '0.3'],
  ])('a quantity of %s is %s', (quantity, written) => {
    expect(formatAmount(quantity)).toBe(written)
  })
})
