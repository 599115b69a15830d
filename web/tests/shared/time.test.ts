import { describe, expect, it } from 'vitest'

import { formatClock, formatCountdown, formatFull, formatSpan, formatWhen, MINUTE_MS } from '@/shared/time'

const NOW = Date.parse('2026-11-22T02:15:00Z') // 10:15 in Shanghai

describe('times', () => {
  it('are relative within a day', () => {
    expect(formatWhen(NOW - 20_000, NOW, 'zh-CN')).toBe('刚刚')
    expect(formatWhen(NOW - 3 * MINUTE_MS, NOW, 'zh-CN')).toBe('3分钟前')
    expect(formatWhen(NOW + 2 * 60 * MINUTE_MS, NOW, 'en')).toBe('in 2 hours')
    expect(formatWhen(NOW - 3 * MINUTE_MS, NOW, 'en')).toBe('3 minutes ago')
  })

  it('are absolute beyond a day, with the year only when it is another', () => {
    expect(formatWhen('2026-11-20T01:05:00Z', NOW, 'zh-CN')).toBe('11月20日 09:05')
    expect(formatWhen('2025-11-20T01:05:00Z', NOW, 'zh-CN')).toBe('2025年11月20日 09:05')
    expect(formatWhen('2026-11-20T01:05:00Z', NOW, 'en')).toContain('Nov 20')
  })

  it('have a full form to the second, on a 24-hour clock', () => {
    expect(formatFull('2026-11-22T16:00:09Z', 'zh-CN')).toBe('2026/11/23 00:00:09')
    expect(formatFull('2026-11-22T16:00:09Z', 'en')).toContain('00:00:09')
  })

  it('are a bare clock today and carry the date on other days', () => {
    expect(formatClock('2026-11-22T02:14:09Z', NOW, 'zh-CN')).toBe('10:14:09')
    expect(formatClock('2026-11-21T02:14:09Z', NOW, 'zh-CN')).toContain('11月21日')
  })
})

describe('spans', () => {
  it.each([
    [0, '0 秒'],
    [59_000, '59 秒'],
    [60_000, '1 分'],
    [65 * MINUTE_MS, '1 小时 5 分'],
    [25 * 60 * MINUTE_MS, '1 天 1 小时'],
    [-65 * MINUTE_MS, '1 小时 5 分'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatSpan(ms, 'zh-CN')).toBe(text)
  })

  it('speak English too', () => {
    expect(formatSpan(250_000, 'en')).toBe('4 min 10 s')
  })

  it.each([
    [250_000, '4:10'],
    [-5_000, '0:05'],
    [3_723_000, '1:02:03'],
  ])('%d ms counts down as %s', (ms, text) => {
    expect(formatCountdown(ms)).toBe(text)
  })
})
