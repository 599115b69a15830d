import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

const LONG_MS = 10 * 60_000

/** The sites this person may see. */
export function useSites() {
  const query = useQuery({
    queryKey: ['sites'],
    queryFn: () => unwrap(api.GET('/api/v1/sites')),
    staleTime: LONG_MS,
  })
  return { ...query, sites: query.data }
}

/** The site one works at: the chosen one, or the only one; null while there is a choice to make. */
export function useCurrentSite() {
  const preferences = usePreferences()
  const { sites } = useSites()
  return computed(() => {
    const known = sites.value ?? []
    return known.find(({ id }) => id === preferences.siteId) ?? (known.length === 1 ? known[0]! : null)
  })
}

export function useBuildings(siteId: MaybeRefOrGetter<string | null | undefined>) {
  return useQuery({
    queryKey: ['buildings', computed(() => toValue(siteId) ?? null)],
    queryFn: () => {
      const site = toValue(siteId)
      return unwrap(api.GET('/api/v1/buildings', { params: { query: site ? { site_id: site } : {} } }))
    },
    staleTime: LONG_MS,
  })
}
