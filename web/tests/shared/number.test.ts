import { describe, expect, it } from 'vitest'

import { formatNumber, formatQuantity } from '@/shared/number'

describe('the number formatter', () => {
  it.each([
    [0, '0'],
    [-0.0004, '0'],
    [0.0512, '0.051'],
    [2.9, '2.9'],
    [3.14159, '3.14'],
    [61.42, '61.4'],
    [381.26, '381.3'],
    [12345.678, '12,346'],
    [-14.2, '−14.2'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })

  it.each([null, undefined, NaN, Infinity])('shows a dash for %s, never zero', (value) => {
    expect(formatQuantity(value, 'kW')).toBe('—')
  })

  it('lets a point say its own decimals', () => {
    expect(formatNumber(61.456, 2)).toBe('61.46')
    expect(formatNumber(61.456, 0)).toBe('61')
  })

  it('puts a thin space before a unit, and none before per cent', () => {
    expect(formatQuantity(2.9, 'A')).toBe('2.9\u2009A')
    expect(formatQuantity(85, '%')).toBe('85%')
    expect(formatQuantity(85, '')).toBe('85')
  })
})
