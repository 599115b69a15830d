/** From rolled-up rows to what is drawn. Pure. */

export interface Row {
  ts_ms: number
  avg: number | null
  min: number | null
  max: number | null
}

export interface Trace {
  /** [time, average or null for a gap] */
  line: [number, number | null][]
  /** the lower edge and the height of the min–max band at each step */
  low: [number, number | null][]
  height: [number, number | null][]
}

/** A gap is a gap for a periodic point, and steadiness for one that reports on change. */
export interface Reporting {
  mode: 'periodic' | 'on_change'
  intervalMs: number
  bucketMs: number
}

const LATE = 2.5

/** `rows` oldest first; buckets without a reading are absent from them. */
export function traceOf(rows: readonly Row[], reporting: Reporting): Trace {
  const trace: Trace = { line: [], low: [], height: [] }
  const longest = LATE * Math.max(reporting.bucketMs, reporting.intervalMs)
  let previous: number | null = null
  for (const row of rows) {
    if (reporting.mode === 'periodic' && previous !== null && row.ts_ms - previous > longest) {
      breakAt(trace, previous + reporting.bucketMs)
    }
    trace.line.push([row.ts_ms, row.avg])
    trace.low.push([row.ts_ms, row.min])
    trace.height.push([row.ts_ms, row.min === null || row.max === null ? null : row.max - row.min])
    previous = row.ts_ms
  }
  return trace
}

function breakAt(trace: Trace, ts: number): void {
  trace.line.push([ts, null])
  trace.low.push([ts, null])
  trace.height.push([ts, null])
}

/** The value shown at `at`: of the last row at or before it. Undefined before the first. */
export function rowAt(rows: readonly Row[], at: number): Row | undefined {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]!.ts_ms <= at) low = middle + 1
    else high = middle
  }
  return rows[low - 1]
}
