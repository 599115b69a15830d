import { describe, expect, it } from 'vitest'

import { answered } from '@/ticketing/answers'
import type { Report } from '@/ticketing/types'

type Answer = Report['answers'][number]
const answer = (value: unknown, more: Partial<Answer> = {}): Answer => ({
  key: 'field',
  names: {},
  unit: null,
  value,
  value_names: [],
  ...more,
})

describe('what somebody filled in', () => {
  it('is told in the words of a choice, in the language of whoever reads it', () => {
    const choice = answer('bath', { value_names: [{ 'zh-CN': '卫生间', en: 'Bathroom' }] })
    expect(answered(choice, 'zh-CN')).toBe('卫生间')
    expect(answered(choice, 'en')).toBe('Bathroom')
  })

  it('keeps a zero and its unit, and each of several', () => {
    expect(answered(answer(0, { unit: 'm' }), 'en')).toBe('0 m')
    expect(answered(answer(['a', 'b']), 'zh-CN')).toBe('a、b')
  })

  it('writes a time as a time', () => {
    expect(answered(answer('2026-11-22T04:00:00Z'), 'en')).not.toContain('T04')
  })
})
