import { QueryClient } from '@tanstack/vue-query'

import { Problem } from './problem'

const FRESH_MS = 10_000
const MAX_RETRIES = 2

/** How server data is kept: fresh for a moment, refetched by live events; a refusal is final, a hiccup is retried. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        retry: (failures, error) => failures < MAX_RETRIES && error instanceof Problem && error.isPassing,
        retryDelay: (attempt) => Math.min(8_000, 500 * 2 ** attempt),
      },
    },
  })
}
