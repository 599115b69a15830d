import { useQuery } from '@tanstack/vue-query'

import { api, unwrap } from '@/api/client'

// Counting is no event on the live stream; an open page asks.
const EVERY_MS = 10_000

/** Everything the hub lost, refused, put off or failed at, in all its processes. */
export function useDrops() {
  return useQuery({
    queryKey: ['system', 'drops'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/system/drops', { signal })),
    refetchInterval: EVERY_MS,
  })
}
