/** The one way times are written: relative within a day, absolute beyond, the full time always at hand for a title. */
import type { Language } from '@/i18n'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

type Instant = string | number | Date

export function instantMs(value: Instant): number {
  return value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Date.parse(value)
}

/** "刚刚", "3 分钟前", "2 小时后"; beyond a day "11月20日 09:05", beyond a year with the year. */
export function formatWhen(value: Instant, now: number, language: Language): string {
  const at = instantMs(value)
  const ahead = at - now
  const distance = Math.abs(ahead)
  if (distance < 45 * SECOND_MS) return language === 'en' ? 'just now' : '刚刚'
  if (distance >= DAY_MS) return formatDate(at, now, language)
  const [amount, unit] = distance < HOUR_MS ? ([MINUTE_MS, 'minute'] as const) : ([HOUR_MS, 'hour'] as const)
  const count = Math.max(1, Math.round(distance / amount))
  return new Intl.RelativeTimeFormat(language, { numeric: 'always' }).format(ahead < 0 ? -count : count, unit)
}

/** Date and time to the second, for titles. */
export function formatFull(value: Instant, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    year: 'numeric',
    month: language === 'en' ? 'short' : '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(instantMs(value))
}

/** "14:05:09" (or "14:05"), with the date when it is not today's. */
export function formatClock(
  value: Instant,
  now: number,
  language: Language,
  precision: 'second' | 'minute' = 'second',
): string {
  const at = instantMs(value)
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString()
  if (!sameDay) return formatDate(at, now, language)
  return new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    ...(precision === 'second' ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  }).format(at)
}

/** A stretch of time in its two largest parts: "1 小时 5 分", "4 min 10 s". Negative counts as its size. */
export function formatSpan(ms: number, language: Language): string {
  const size = Math.abs(ms)
  const words = language === 'en' ? EN_UNITS : ZH_UNITS
  for (const [index, [length]] of words.entries()) {
    if (size < length && index < words.length - 1) continue
    const [first, firstWord] = words[index]!
    const whole = Math.floor(size / first)
    const next = words[index + 1]
    const rest = next ? Math.floor((size - whole * first) / next[0]) : 0
    const head = `${whole} ${firstWord}`
    return next && rest > 0 ? `${head} ${rest} ${next[1]}` : head
  }
  return ''
}

/** A countdown as a clock: "4:10", "1:02:03". The sign is the reader's business: late or left. */
export function formatCountdown(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / SECOND_MS)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

const ZH_UNITS: readonly (readonly [number, string])[] = [
  [DAY_MS, '天'],
  [HOUR_MS, '小时'],
  [MINUTE_MS, '分'],
  [SECOND_MS, '秒'],
]
const EN_UNITS: readonly (readonly [number, string])[] = [
  [DAY_MS, 'd'],
  [HOUR_MS, 'h'],
  [MINUTE_MS, 'min'],
  [SECOND_MS, 's'],
]

function formatDate(at: number, now: number, language: Language): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat(language, {
    ...(sameYear ? {} : { year: 'numeric' }),
    month: language === 'en' ? 'short' : 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(at)
}
