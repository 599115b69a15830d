import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

import type { EquipmentQuery } from './types'

const LONG_MS = 10 * 60_000

export function useEquipmentList(filters: MaybeRefOrGetter<EquipmentQuery>, isWanted: MaybeRefOrGetter<boolean> = true) {
  const preferences = usePreferences()
  const query = computed<EquipmentQuery>(() => ({
    ...(preferences.siteId ? { site_id: preferences.siteId } : {}),
    ...toValue(filters),
  }))
  return useQuery({
    queryKey: ['equipment', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/equipment', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    enabled: computed(() => toValue(isWanted)),
  })
}

export function useEquipment(id: MaybeRefOrGetter<string | null | undefined>) {
  return useQuery({
    queryKey: ['equipment', 'one', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/equipment/{equipment_id}', { params: { path: { equipment_id: toValue(id)! } }, signal })),
    enabled: computed(() => Boolean(toValue(id))),
  })
}

/** The equipment whose printed label carries this token; for staff only. */
export function useLabelledEquipment(token: MaybeRefOrGetter<string>, isWanted: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['equipment', 'by-qr', computed(() => toValue(token))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/equipment/by-qr/{token}', { params: { path: { token: toValue(token) } }, signal })),
    enabled: computed(() => toValue(isWanted)),
  })
}

/** The points of an equipment: names in both languages, units, words for states. */
export function usePoints(equipmentId: MaybeRefOrGetter<string | null | undefined>) {
  return useQuery({
    queryKey: ['equipment', 'points', computed(() => toValue(equipmentId))],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/equipment/{equipment_id}/points', {
          params: { path: { equipment_id: toValue(equipmentId)! } },
          signal,
        }),
      ),
    enabled: computed(() => Boolean(toValue(equipmentId))),
    staleTime: LONG_MS,
  })
}
