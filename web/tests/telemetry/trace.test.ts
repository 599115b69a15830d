import { describe, expect, it } from 'vitest'

import { rowAt, traceOf } from '@/telemetry/trace'

const row = (ts_ms: number, avg: number | null = 1) => ({ ts_ms, avg, min: avg, max: avg === null ? null : avg + 1 })
const MINUTE = 60_000

describe('a trace', () => {
  it('breaks where a periodic point was silent', () => {
    const { line } = traceOf([row(0), row(MINUTE), row(10 * MINUTE)], {
      mode: 'periodic',
      intervalMs: 30_000,
      bucketMs: MINUTE,
    })
    expect(line).toEqual([
      [0, 1],
      [MINUTE, 1],
      [2 * MINUTE, null],
      [10 * MINUTE, 1],
    ])
  })

  it('goes on where a point that reports on change had nothing new to say', () => {
    const { line } = traceOf([row(0), row(10 * MINUTE)], { mode: 'on_change', intervalMs: 30_000, bucketMs: MINUTE })
    expect(line).toHaveLength(2)
  })

  it('does not break a slow point whose buckets are merely finer than its interval', () => {
    const { line } = traceOf([row(0), row(5 * MINUTE)], { mode: 'periodic', intervalMs: 5 * MINUTE, bucketMs: MINUTE })
    expect(line).toHaveLength(2)
  })

  it('shows a bucket of bad readings as a gap, never as zero', () => {
    const { line, height } = traceOf([row(0, null)], { mode: 'periodic', intervalMs: 1000, bucketMs: MINUTE })
    expect(line).toEqual([[0, null]])
    expect(height).toEqual([[0, null]])
  })

  it('keeps zero as a value', () => {
    expect(traceOf([row(0, 0)], { mode: 'periodic', intervalMs: 1, bucketMs: 1 }).line).toEqual([[0, 0]])
  })
})

describe('the row under the cursor', () => {
  const rows = [row(10), row(20), row(30)]
  it.each([
    [9, undefined],
    [10, 10],
    [19, 10],
    [20, 20],
    [99, 30],
  ])('at %d is that of %s', (at, ts) => {
    expect(rowAt(rows, at)?.ts_ms).toBe(ts)
  })
})
