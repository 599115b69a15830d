import { keepPreviousData, useQueries, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, fetchBlob, unwrap } from '@/api/client'
import { useNow } from '@/shared/now'
import { MINUTE_MS, SECOND_MS } from '@/shared/time'

import { alignedTo, bucketFor, type TimeRange } from './range'
import type { Row } from './trace'

/** Readings come too often to be events: an open equipment page asks for them. */
const LATEST_EVERY_MS = 2 * SECOND_MS
/** A range moves on in steps of its buckets; a device that has just begun to speak is not made to wait for that. */
const EMPTY_AGAIN_MS = 10 * SECOND_MS

export function useLatest(equipmentId: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['points', 'latest', computed(() => toValue(equipmentId))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/points/latest', { params: { query: { equipment: toValue(equipmentId) } }, signal })),
    refetchInterval: LATEST_EVERY_MS,
    staleTime: 0,
  })
}

export interface DrawnSeries {
  pointNo: number
  rows: Row[]
  bucketMs: number
}

/** The series of several points over one range, at the bucket that suits its length. A range at "now" moves along. */
export function useSeries(pointNos: MaybeRefOrGetter<readonly number[]>, range: MaybeRefOrGetter<TimeRange>) {
  const asked = computed(() => {
    const wanted = toValue(range)
    const bucketMs = bucketFor(wanted)
    return { bucketMs, ...alignedTo(wanted, bucketMs) }
  })
  const queries = computed(() =>
    toValue(pointNos).map((pointNo) => ({
      queryKey: ['points', 'series', pointNo, asked.value],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<DrawnSeries> => {
        const { start, end, bucketMs } = asked.value
        const query = { start: iso(start), end: iso(end), bucket: `${bucketMs / SECOND_MS}s` }
        const path = { point_no: pointNo }
        const series = await unwrap(
          api.GET('/api/v1/points/{point_no}/series', { params: { path, query }, signal }),
        )
        const rows = series.rows.map((row) => ({ ...row, ts_ms: Date.parse(row.ts) }))
        return { pointNo, rows, bucketMs: series.bucket_s * SECOND_MS }
      },
      placeholderData: keepPreviousData,
      staleTime: MINUTE_MS,
      refetchInterval: ({ state }: { state: { data?: DrawnSeries } }) =>
        state.data?.rows.length === 0 && EMPTY_AGAIN_MS,
    })),
  )
  const results = useQueries({ queries })
  return {
    drawn: computed(() => results.value.flatMap(({ data }) => (data ? [data] : []))),
    isPending: computed(() => results.value.some(({ isPending }) => isPending)),
    isFetching: computed(() => results.value.some(({ isFetching }) => isFetching)),
    error: computed(() => results.value.find(({ error }) => error)?.error ?? null),
    retry: () => results.value.forEach((result) => void result.refetch()),
  }
}

/** Saves the readings of a range as a CSV file. */
export async function downloadSeries(pointNo: number, range: TimeRange, name: string): Promise<void> {
  const query = new URLSearchParams({
    start: iso(range.start),
    end: iso(range.end),
    bucket: `${bucketFor(range) / SECOND_MS}s`,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
  })
  const blob = await fetchBlob(`/api/v1/points/${pointNo}/series.csv?${query}`)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `${name}.csv`
  link.click()
  URL.revokeObjectURL(link.href)
}

/** A range that ends now and moves on by itself, in steps of a minute. */
export function useMovingRange(lengthMs: MaybeRefOrGetter<number>) {
  const now = useNow(MINUTE_MS)
  return computed<TimeRange>(() => ({ start: now.value - toValue(lengthMs), end: now.value }))
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
