import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'

import type { CheckRequest, RuleDefinition, RuleQuery } from './types'

const LONG_MS = 10 * 60_000

export function useRuleList(filters: MaybeRefOrGetter<RuleQuery>) {
  return useQuery({
    queryKey: ['rules', 'list', computed(() => toValue(filters))],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/rules', { params: { query: toValue(filters) }, signal })),
    placeholderData: keepPreviousData,
  })
}

export function useRule(key: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['rules', 'one', computed(() => toValue(key))],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/rules/{key}', { params: { path: { key: toValue(key)! } }, signal })),
    enabled: computed(() => Boolean(toValue(key))),
    staleTime: Infinity, // a form is open on it: saving compares versions
  })
}

/** The device library: what a rule may be about. */
export function useProfiles() {
  return useQuery({
    queryKey: ['profiles'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/profiles', { signal })),
    staleTime: LONG_MS,
  })
}

/** What the hub says of an expression while it is typed: right, or what is wrong and where. */
export function useCheck(asked: MaybeRefOrGetter<CheckRequest>, isWanted: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['rule-check', computed(() => toValue(asked))],
    queryFn: ({ signal }) => unwrap(api.POST('/api/v1/rules/check', { body: toValue(asked), signal })),
    enabled: computed(() => toValue(isWanted)),
    placeholderData: keepPreviousData,
    staleTime: LONG_MS,
  })
}

interface RuleSaving {
  definition: RuleDefinition
  enabled: boolean
  reason: string | null
  /** null: a new rule */
  version: number | null
}

export function useRuleActions() {
  const queries = useQueryClient()
  const onSuccess = () => queries.invalidateQueries({ queryKey: ['rules'] })
  const save = useMutation({
    mutationFn: ({ version, ...said }: RuleSaving) =>
      version === null
        ? unwrap(api.POST('/api/v1/rules', { body: said }))
        : unwrap(api.PUT('/api/v1/rules/{key}', { params: { path: { key: said.definition.key } }, body: { ...said, version } })),
    onSuccess,
  })
  const enable = useMutation({
    mutationFn: ({ key, version, enabled }: { key: string; version: number; enabled: boolean }) => {
      const given = { params: { path: { key } }, body: { version } }
      return unwrap(
        enabled ? api.POST('/api/v1/rules/{key}/enable', given) : api.POST('/api/v1/rules/{key}/disable', given),
      )
    },
    onSuccess,
  })
  return { save, enable }
}
