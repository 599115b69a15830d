import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

import { awaitsPerson } from './state'
import type { AlarmQuery } from './types'

const OPEN_LIMIT = 500

/** One page of alarms under these filters, at the chosen site. */
export function useAlarmList(filters: MaybeRefOrGetter<AlarmQuery>, isWanted: MaybeRefOrGetter<boolean> = true) {
  const preferences = usePreferences()
  const query = computed<AlarmQuery>(() => ({
    ...(preferences.siteId ? { site: preferences.siteId } : {}),
    ...toValue(filters),
  }))
  return useQuery({
    queryKey: ['alarms', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/alarms', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    enabled: computed(() => toValue(isWanted)),
  })
}

/** Every alarm that is not over: counts, badges and the strip of life safety are read from this one answer. */
export function useOpenAlarms() {
  return useAlarmList({ active: true, limit: OPEN_LIMIT, sort: '-raised_at' })
}

/** How many alarms wait for a person; muted ones and tests wait for nobody. */
export function useUnackedCount() {
  const { data } = useOpenAlarms()
  return computed(
    () =>
      data.value?.items.filter((alarm) => awaitsPerson(alarm) && !alarm.suppressed_by && !alarm.is_test).length ?? 0,
  )
}

export function useAlarm(id: MaybeRefOrGetter<string | null>) {
  return useQuery({
    queryKey: ['alarms', 'one', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/alarms/{alarm_id}', { params: { path: { alarm_id: toValue(id)! } }, signal })),
    enabled: computed(() => Boolean(toValue(id))),
  })
}

export function useAlarmHistory(id: MaybeRefOrGetter<string | null>) {
  return useQuery({
    queryKey: ['alarms', 'history', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/alarms/{alarm_id}/history', { params: { path: { alarm_id: toValue(id)! } }, signal })),
    enabled: computed(() => Boolean(toValue(id))),
  })
}

export function useAlarmActions() {
  const queries = useQueryClient()
  const onSuccess = () => queries.invalidateQueries({ queryKey: ['alarms'] })
  const acknowledge = useMutation({
    mutationFn: ({ id, note = '' }: { id: string; note?: string }) =>
      unwrap(
        api.POST('/api/v1/alarms/{alarm_id}/acknowledge', { params: { path: { alarm_id: id } }, body: { note } }),
      ),
    onSuccess,
  })
  const clear = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(api.POST('/api/v1/alarms/{alarm_id}/clear', { params: { path: { alarm_id: id } }, body: { note } })),
    onSuccess,
  })
  const shelve = useMutation({
    mutationFn: ({ id, minutes, note }: { id: string; minutes: number; note: string }) =>
      unwrap(
        api.POST('/api/v1/alarms/{alarm_id}/shelve', { params: { path: { alarm_id: id } }, body: { minutes, note } }),
      ),
    onSuccess,
  })
  const unshelve = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(api.POST('/api/v1/alarms/{alarm_id}/unshelve', { params: { path: { alarm_id: id } }, body: { note } })),
    onSuccess,
  })
  const comment = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(api.POST('/api/v1/alarms/{alarm_id}/comment', { params: { path: { alarm_id: id } }, body: { note } })),
    onSuccess,
  })
  const assign = useMutation({
    mutationFn: ({ id, personId, note }: { id: string; personId: string | null; note: string }) =>
      unwrap(
        api.POST('/api/v1/alarms/{alarm_id}/assign', {
          params: { path: { alarm_id: id } },
          body: { person_id: personId, note },
        }),
      ),
    onSuccess,
  })
  const takeOut = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(
        api.POST('/api/v1/alarms/{alarm_id}/out-of-service', {
          params: { path: { alarm_id: id } },
          body: { whole_equipment: false, note },
        }),
      ),
    onSuccess,
  })
  const putBack = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(api.POST('/api/v1/alarms/{alarm_id}/in-service', { params: { path: { alarm_id: id } }, body: { note } })),
    onSuccess,
  })
  const realFire = useMutation({
    mutationFn: ({ id, note }: { id: string; note: string }) =>
      unwrap(api.POST('/api/v1/alarms/{alarm_id}/real-fire', { params: { path: { alarm_id: id } }, body: { note } })),
    onSuccess,
  })
  return { acknowledge, clear, shelve, unshelve, comment, assign, takeOut, putBack, realFire }
}
