import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

import type { NotificationQuery } from './types'

// Sending is no event on the live stream; an open page asks.
const EVERY_MS = 15_000

/** What people were told, what waits and what failed. */
export function useNotifications(filters: MaybeRefOrGetter<NotificationQuery>) {
  const preferences = usePreferences()
  const query = computed<NotificationQuery>(() => ({
    ...(preferences.siteId ? { site_id: preferences.siteId } : {}),
    ...toValue(filters),
  }))
  return useQuery({
    queryKey: ['notifications', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/notifications', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_MS,
  })
}
