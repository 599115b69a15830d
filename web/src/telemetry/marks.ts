import type { TimeRange } from './range'

/** Something that happened, put on the time axis: an alarm ▲ or a work order ■. `end` null: it still lasts. */
export interface Mark {
  id: string
  kind: 'alarm' | 'order'
  at: number
  end: number | null
  text: string
  /** state words for the title, e.g. 紧急 · 未确认 */
  detail: string
  severity?: 'critical' | 'major' | 'minor' | 'warning'
}

/** Where a moment lies in the range, 0…1, or null outside. */
export function placeOf(at: number, range: TimeRange): number | null {
  if (at < range.start || at > range.end) return null
  return (at - range.start) / (range.end - range.start)
}

export interface PlacedMark {
  mark: Mark
  /** 0…1 along the axis; a mark that began before the range and still lasts stands at its left edge */
  left: number
  /** how much of the axis it lasted, 0…1 */
  width: number
}

/** The marks that touch the range, oldest first. */
export function placeMarks(marks: readonly Mark[], range: TimeRange, now: number): PlacedMark[] {
  const length = range.end - range.start
  return marks
    .filter((mark) => mark.at <= range.end && (mark.end ?? now) >= range.start)
    .map((mark) => {
      const from = Math.max(mark.at, range.start)
      const until = Math.min(mark.end ?? now, range.end)
      return { mark, left: (from - range.start) / length, width: Math.max(0, until - from) / length }
    })
    .sort((one, other) => one.mark.at - other.mark.at)
}

/**
 * Where symbols are drawn, px, so that each can be seen and pressed: in order, moved as little as needed to stand
 * `gapPx` apart, never outside 0…`widthPx`. With more than fit they stand as close as the width allows.
 */
export function spread(wantedPx: readonly number[], gapPx: number, widthPx: number): number[] {
  const gap = wantedPx.length > 1 ? Math.min(gapPx, widthPx / (wantedPx.length - 1)) : gapPx
  const places: number[] = []
  for (const wanted of wantedPx) places.push(Math.max(wanted, (places.at(-1) ?? -Infinity) + gap))
  let limit = widthPx
  for (let index = places.length - 1; index >= 0; index -= 1) {
    places[index] = Math.min(places[index]!, limit)
    limit = places[index]! - gap
  }
  return places
}
