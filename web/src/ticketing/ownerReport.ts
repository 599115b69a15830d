import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'

import type { OwnerState } from './types'

const AGAIN_MS = 30_000

/** What an owner follows, in order. */
export const STEPS = ['received', 'assigned', 'in_progress', 'done'] as const satisfies readonly OwnerState[]

/** Which of STEPS a report is at; null for one that was cancelled and goes nowhere. */
export function stepOf(state: OwnerState): number | null {
  if (state === 'cancelled') return null
  return state === 'closed' ? STEPS.indexOf('done') : STEPS.indexOf(state)
}

/** Whether somebody still waits for it: only then is there a promise. */
export function isAwaited(state: OwnerState): boolean {
  return state !== 'done' && state !== 'closed' && state !== 'cancelled'
}

/** The report that a link in a message is about. No live line without a log-in: it is asked for again. */
export function useLinkedReport(token: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['owner-report', computed(() => toValue(token))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/reports/by-link/{token}', { params: { path: { token: toValue(token) } }, signal })),
    refetchInterval: ({ state }) => (state.data && isAwaited(state.data.state) ? AGAIN_MS : false),
  })
}
