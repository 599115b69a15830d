import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, fetchBlob, unwrap } from '@/api/client'
import { usePreferences } from '@/shared/preferences'

import type { ActionBody, NewOrder, TaskActionBody, WorkOrder, WorkOrderQuery } from './types'

function atChosenSite(filters: WorkOrderQuery, siteId: string | null): WorkOrderQuery {
  return { ...(siteId ? { site: siteId } : {}), ...filters }
}

export function useWorkOrderList(filters: MaybeRefOrGetter<WorkOrderQuery>, isWanted: MaybeRefOrGetter<boolean> = true) {
  const preferences = usePreferences()
  const query = computed(() => atChosenSite(toValue(filters), preferences.siteId))
  return useQuery({
    queryKey: ['work-orders', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/work-orders', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    enabled: computed(() => toValue(isWanted)),
  })
}

/** How the desk stands: orders by state, overdue, urgent; narrowed like the list. */
export function useWorkOrderCounts(filters: MaybeRefOrGetter<WorkOrderQuery> = {}) {
  const preferences = usePreferences()
  const query = computed(() => atChosenSite(toValue(filters), preferences.siteId))
  return useQuery({
    queryKey: ['work-orders', 'count', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/work-orders/counts', { params: { query: query.value }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: OVERDUE_EVERY_MS,
  })
}

export function useOverdueCount() {
  const { data } = useWorkOrderCounts()
  return computed(() => data.value?.overdue ?? 0)
}

export function useWorkOrder(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['work-orders', 'one', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/work-orders/{work_order_id}', { params: { path: { work_order_id: toValue(id) } }, signal }),
      ),
  })
}

/** Everything one can do to an order. Each answer is the order as it stands after it. */
export function useWorkOrderActions(id: MaybeRefOrGetter<string>) {
  const queries = useQueryClient()
  const path = () => ({ work_order_id: toValue(id) })

  function keep(order: WorkOrder): void {
    queries.setQueryData(['work-orders', 'one', order.id], order)
    void queries.invalidateQueries({ queryKey: ['work-orders', 'list'] })
    void queries.invalidateQueries({ queryKey: ['work-orders', 'count'] })
  }
  const refresh = () => queries.invalidateQueries({ queryKey: ['work-orders', 'one', toValue(id)] })

  return {
    act: useMutation({
      mutationFn: (body: ActionBody) =>
        unwrap(api.POST('/api/v1/work-orders/{work_order_id}/actions', { params: { path: path() }, body })),
      onSuccess: keep,
      onError: refresh, // somebody else was quicker: show how it stands now
    }),
    actOnTask: useMutation({
      mutationFn: ({ taskId, body }: { taskId: string; body: TaskActionBody }) =>
        unwrap(
          api.POST('/api/v1/work-orders/{work_order_id}/tasks/{task_id}/actions', {
            params: { path: { ...path(), task_id: taskId } },
            body,
          }),
        ),
      onSuccess: keep,
      onError: refresh,
    }),
    comment: useMutation({
      mutationFn: (text: string) =>
        unwrap(api.POST('/api/v1/work-orders/{work_order_id}/comments', { params: { path: path() }, body: { text } })),
      onSuccess: keep,
    }),
    confirmOutage: useMutation({
      mutationFn: (note: string | null) =>
        unwrap(
          api.POST('/api/v1/work-orders/{work_order_id}/confirm-outage', { params: { path: path() }, body: { note } }),
        ),
      onSuccess: keep,
    }),
    revealPhone: useMutation({
      mutationFn: (reportId: string) =>
        unwrap(
          api.POST('/api/v1/work-orders/{work_order_id}/reports/{report_id}/phone', {
            params: { path: { ...path(), report_id: reportId } },
          }),
        ),
      onSuccess: refresh,
    }),
    addPhoto: useMutation({
      mutationFn: (file: File) =>
        unwrap(
          api.POST('/api/v1/work-orders/{work_order_id}/photos', {
            params: { path: path() },
            body: { file: file as unknown as string, purpose: 'work', keep_location: false },
            bodySerializer: ({ file: picture }) => {
              const form = new FormData()
              form.append('file', picture as unknown as File)
              return form
            },
          }),
        ),
      onSuccess: refresh,
    }),
  }
}

/** Who is on shift: who fits best and why, and what keeps the others out. */
export function useSuggestions(id: MaybeRefOrGetter<string>, isWanted: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['work-orders', 'suggestions', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/v1/work-orders/{work_order_id}/suggestions', {
          params: { path: { work_order_id: toValue(id) } },
          signal,
        }),
      ),
    enabled: computed(() => toValue(isWanted)),
    staleTime: 0,
  })
}

export function useCreateWorkOrder() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: NewOrder) => unwrap(api.POST('/api/v1/work-orders', { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['work-orders'] }),
  })
}

/** A picture as an object URL: the token travels in a header, which an `<img src>` cannot carry. */
export function usePhotoUrl(orderId: MaybeRefOrGetter<string>, photoId: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['photo', computed(() => toValue(photoId))],
    queryFn: async () =>
      URL.createObjectURL(await fetchBlob(`/api/v1/work-orders/${toValue(orderId)}/photos/${toValue(photoId)}`)),
    staleTime: Infinity,
  })
}

// Time alone makes an order overdue, without an event.
const OVERDUE_EVERY_MS = 60_000
