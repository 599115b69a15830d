import { describe, expect, it } from 'vitest'

import { DAY_MS, HOUR_MS, MINUTE_MS } from '@/shared/time'
import { type Mark, placeMarks, spread } from '@/telemetry/marks'
import { alignedTo, bucketFor, zoomTo } from '@/telemetry/range'

describe('the bucket', () => {
  it.each([
    [5 * MINUTE_MS, 1_000],
    [HOUR_MS, 10_000],
    [DAY_MS, 5 * MINUTE_MS],
    [7 * DAY_MS, 30 * MINUTE_MS],
    [30 * DAY_MS, 2 * HOUR_MS],
    [3650 * DAY_MS, DAY_MS],
  ])('of a range of %d ms is %d ms', (length, bucket) => {
    expect(bucketFor({ start: 0, end: length })).toBe(bucket)
  })

  it('bounds the range from outside', () => {
    expect(alignedTo({ start: 90_001, end: 100_000 }, MINUTE_MS)).toEqual({ start: MINUTE_MS, end: 2 * MINUTE_MS })
  })
})

describe('a zoom', () => {
  const now = 100 * HOUR_MS
  it('may be drawn from right to left', () => {
    expect(zoomTo({ start: 5 * HOUR_MS, end: 2 * HOUR_MS }, now)).toEqual({ start: 2 * HOUR_MS, end: 5 * HOUR_MS })
  })

  it('ends at the present at the latest', () => {
    expect(zoomTo({ start: 90 * HOUR_MS, end: 120 * HOUR_MS }, now).end).toBe(now)
  })

  it('is never too narrow to show anything', () => {
    const { start, end } = zoomTo({ start: now, end: now }, now)
    expect(end - start).toBe(2 * MINUTE_MS)
    expect(end).toBeLessThanOrEqual(now)
  })
})

describe('marks on the time axis', () => {
  const mark = (id: string, at: number, end: number | null): Mark => ({ id, kind: 'alarm', at, end, text: id, detail: '' })
  const range = { start: 1000, end: 2000 }

  it('stand where they happened and are as wide as they lasted', () => {
    expect(placeMarks([mark('a', 1250, 1500)], range, 9000)).toMatchObject([{ left: 0.25, width: 0.25 }])
  })

  it('stand at the left edge when they began before and still last', () => {
    expect(placeMarks([mark('a', 10, null)], range, 9000)).toMatchObject([{ left: 0, width: 1 }])
  })

  it('are left out when they were over before or began after', () => {
    expect(placeMarks([mark('a', 10, 500), mark('b', 2500, null)], range, 9000)).toEqual([])
  })

  it('come oldest first, whatever the order they were fetched in', () => {
    const ids = placeMarks([mark('b', 1800, null), mark('a', 1200, null)], range, 1900).map(({ mark: one }) => one.id)
    expect(ids).toEqual(['a', 'b'])
  })
})

describe('symbols on the strip', () => {
  it('stand where they belong when there is room', () => {
    expect(spread([10, 50, 90], 15, 100)).toEqual([10, 50, 90])
  })

  it('step aside from each other, and never outside', () => {
    expect(spread([50, 50, 52], 15, 100)).toEqual([50, 65, 80])
    expect(spread([99, 100, 100], 15, 100)).toEqual([70, 85, 100])
  })

  it('close up when more than fit happened at once', () => {
    const places = spread(Array<number>(21).fill(100), 15, 100)
    expect(places[0]).toBeCloseTo(0)
    expect(places.at(-1)).toBeCloseTo(100)
  })

  it('are no trouble when there is none, or one', () => {
    expect(spread([], 15, 100)).toEqual([])
    expect(spread([100], 15, 100)).toEqual([100])
  })
})
