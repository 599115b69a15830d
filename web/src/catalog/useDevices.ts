import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

interface Slice {
  limit: number
  offset: number
}

/** Devices that speak and that no catalog knows. */
export function useDiscoveredDevices(filters: MaybeRefOrGetter<Slice & { bound: boolean }>) {
  const preferences = usePreferences()
  const query = computed(() => ({ ...toValue(filters), ...(preferences.siteId ? { site_id: preferences.siteId } : {}) }))
  return useQuery({
    queryKey: ['discovered-devices', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/discovered-devices', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
  })
}

/** One of them, with the newest messages it sent. */
export function useDiscoveredDevice(id: MaybeRefOrGetter<string | null>) {
  return useQuery({
    queryKey: ['discovered-devices', 'one', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/discovered-devices/{discovered_id}', {
          params: { path: { discovered_id: toValue(id)! } },
          signal,
        }),
      ),
    enabled: computed(() => Boolean(toValue(id))),
  })
}

export function useBindDevice() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ discoveredId, equipmentId }: { discoveredId: string; equipmentId: string }) =>
      unwrap(
        api.POST('/api/v1/discovered-devices/{discovered_id}/bind', {
          params: { path: { discovered_id: discoveredId } },
          body: { equipment_id: equipmentId },
        }),
      ),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['discovered-devices'] }),
        queries.invalidateQueries({ queryKey: ['equipment'] }),
      ]),
  })
}

/** Input that was refused, and why. */
export function useDeadLetters(filters: MaybeRefOrGetter<Slice & { reason?: string }>) {
  const preferences = usePreferences()
  const query = computed(() => ({ ...toValue(filters), ...(preferences.siteId ? { site_id: preferences.siteId } : {}) }))
  return useQuery({
    queryKey: ['dead-letters', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/dead-letters', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: REFUSALS_EVERY_MS,
  })
}

export function useDeadLetterCounts() {
  return useQuery({
    queryKey: ['dead-letters', 'counts'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/dead-letters/counts', { signal })),
    refetchInterval: REFUSALS_EVERY_MS,
  })
}

export function usePurgeDeadLetters() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (reason: string) => unwrap(api.DELETE('/api/v1/dead-letters', { params: { query: { reason } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['dead-letters'] }),
  })
}

// A flood of refusals is no event each; an open page asks.
const REFUSALS_EVERY_MS = 15_000
