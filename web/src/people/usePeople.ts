import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import type { paths } from '@/api/schema'

export type PeopleQuery = NonNullable<paths['/api/v1/people']['get']['parameters']['query']>

export function usePeople(filters: MaybeRefOrGetter<PeopleQuery>, isWanted: MaybeRefOrGetter<boolean>) {
  const query = computed(() => toValue(filters))
  return useQuery({
    queryKey: ['people', 'list', query],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/people', { params: { query: query.value }, signal })),
    enabled: computed(() => toValue(isWanted)),
  })
}

/** Somebody with homes and phone, as far as the caller may see them. */
export function usePerson(id: MaybeRefOrGetter<string | null>) {
  return useQuery({
    queryKey: ['people', 'one', computed(() => toValue(id))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/people/{person_id}', { params: { path: { person_id: toValue(id)! } }, signal })),
    enabled: computed(() => Boolean(toValue(id))),
  })
}
