import { DAY_MS, HOUR_MS, MINUTE_MS } from '@/shared/time'

/** A stretch of time, `start` ≤ t < `end`, ms since epoch. */
export interface TimeRange {
  start: number
  end: number
}

export const SPANS = { '1h': HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS } as const
export type Span = keyof typeof SPANS

/** The span that a word of the address bar means, if any. */
export function spanOf(word: string): Span | undefined {
  return (Object.keys(SPANS) as Span[]).find((span) => span === word)
}

export const SHORTEST_MS = 2 * MINUTE_MS

/** Widths a bucket may have: round in people's time, so that a refetch a minute later meets the same buckets. */
const BUCKETS_MS = [
  1_000,
  5_000,
  10_000,
  30_000,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  6 * HOUR_MS,
  DAY_MS,
]
const WANTED_BUCKETS = 600

/** The finest round bucket that draws the range in at most ~600 steps: what the width of a desk can show. */
export function bucketFor(range: TimeRange): number {
  const length = range.end - range.start
  return BUCKETS_MS.find((width) => length / width <= WANTED_BUCKETS) ?? DAY_MS
}

/** The range widened to whole buckets, so that moving by a second does not ask anew. */
export function alignedTo(range: TimeRange, bucketMs: number): TimeRange {
  return {
    start: Math.floor(range.start / bucketMs) * bucketMs,
    end: Math.ceil(range.end / bucketMs) * bucketMs,
  }
}

/** A zoom somebody drew: ordered, inside what is past, never narrower than two minutes. */
export function zoomTo(wanted: TimeRange, now: number): TimeRange {
  let start = Math.min(wanted.start, wanted.end)
  let end = Math.min(Math.max(wanted.start, wanted.end), now)
  if (end - start < SHORTEST_MS) {
    const middle = Math.min((start + end) / 2, now - SHORTEST_MS / 2)
    start = middle - SHORTEST_MS / 2
    end = middle + SHORTEST_MS / 2
  }
  return { start: Math.round(start), end: Math.round(end) }
}
