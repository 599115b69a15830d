import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { Problem } from '@/api/problem'
import { usePreferences } from '@/shared/preferences'
import type { Sending } from '@/shared/sending'

import type { ChecklistAnswer, ContractorAction, ContractorOrder, ContractorSheet, PartMove, Wanted } from './types'

const AGAIN_MS = 30_000
/** In the order of the work: the first one that the hub allows is the next step. */
const STEPS = ['accept', 'arrive', 'finish'] as const
const OVER: readonly ContractorOrder['state'][] = ['done', 'verified', 'closed', 'cancelled']

export type PhotoPurpose = 'before' | 'after'

/** The one big button; null where nothing is left to do, or where the order waits for somebody else. */
export function stepOf(order: Pick<ContractorOrder, 'actions' | 'state'>): (typeof STEPS)[number] | null {
  if (OVER.includes(order.state)) return null
  return STEPS.find((step) => order.actions.includes(step)) ?? null
}

export function isOver(order: Pick<ContractorOrder, 'state'>): boolean {
  return OVER.includes(order.state)
}

/** Of what the kind asks for: is it there? Null: it is not asked for. */
export function isThere(sheet: Pick<ContractorSheet, 'wanted' | 'missing'>, what: Wanted): boolean | null {
  if (!sheet.wanted.some((one) => one.what === what)) return null
  return !sheet.missing.some((one) => one.what === what)
}

export type ContractorWork = ReturnType<typeof useContractorWork>

/** What a contractor's link opens, and all that its holder may send. Every answer is the order as it stands then. */
export function useContractorWork(token: MaybeRefOrGetter<string>) {
  const queries = useQueryClient()
  const preferences = usePreferences()
  // The hub names what is wanted in the reader's language.
  const key = computed(() => ['contractor', toValue(token), preferences.language])
  const params = () => ({ path: { token: toValue(token) } })
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => unwrap(api.GET('/api/v1/contractor/{token}', { params: params(), signal })),
    refetchInterval: ({ state }) => (state.data && !isOver(state.data) ? AGAIN_MS : false),
  })

  const keep = (order: ContractorOrder) => queries.setQueryData(key.value, order)

  /** Whether it was sent. What was refused because the order has moved on shows the order as it is now. */
  async function sent(
    sending: Sending,
    what: string,
    post: (headers: { 'Idempotency-Key': string }) => Promise<ContractorOrder>,
  ): Promise<boolean> {
    const order = await sending.send(what, post)
    if (order) keep(order)
    else if (sending.problem.value instanceof Problem && [404, 409].includes(sending.problem.value.status)) await query.refetch()
    return order !== null
  }

  async function sentFile(
    sending: Sending,
    file: Blob,
    post: (headers: { 'Idempotency-Key': string }) => Promise<unknown>,
  ): Promise<boolean> {
    const kept = await sending.send(nameOfFile(file), post)
    if (kept !== null) await query.refetch()
    return kept !== null
  }

  /** The id under which a file is kept with the order, for a field of its form; null when it was refused. */
  async function kept(
    sending: Sending,
    file: File,
    post: (headers: { 'Idempotency-Key': string }) => Promise<{ id: string }>,
  ): Promise<string | null> {
    const answer = await sending.send(nameOfFile(file), post)
    if (answer) await query.refetch()
    return answer?.id ?? null
  }

  return {
    ...query,
    act: (sending: Sending, body: ContractorAction) =>
      sent(sending, JSON.stringify(body), (headers) =>
        unwrap(api.POST('/api/v1/contractor/{token}/actions', { params: params(), body, headers })),
      ),
    check: (sending: Sending, item: string, body: ChecklistAnswer) =>
      sent(sending, item + JSON.stringify(body), (headers) =>
        unwrap(
          api.PUT('/api/v1/contractor/{token}/checklist/{item}', {
            params: { path: { token: toValue(token), item } },
            body,
            headers,
          }),
        ),
      ),
    enterLabour: (sending: Sending, minutes: string) =>
      sent(sending, minutes, (headers) =>
        unwrap(
          api.POST('/api/v1/contractor/{token}/labour', { params: params(), body: { minutes, note: '' }, headers }),
        ),
      ),
    movePart: (sending: Sending, body: PartMove) =>
      sent(sending, JSON.stringify(body), (headers) =>
        unwrap(api.POST('/api/v1/contractor/{token}/parts', { params: params(), body, headers })),
      ),
    addPhoto: (sending: Sending, file: File, purpose: PhotoPurpose) =>
      sentFile(sending, file, (headers) =>
        unwrap(
          api.POST('/api/v1/contractor/{token}/photos', {
            params: params(),
            headers,
            body: { file: file as unknown as string, purpose },
            bodySerializer: () => formOf(file, { purpose }),
          }),
        ),
      ),
    keepPhoto: (sending: Sending, file: File) =>
      kept(sending, file, (headers) =>
        unwrap(
          api.POST('/api/v1/contractor/{token}/photos', {
            params: params(),
            headers,
            body: { file: file as unknown as string, purpose: 'work' },
            bodySerializer: () => formOf(file),
          }),
        ),
      ),
    keepVideo: (sending: Sending, file: File) =>
      kept(sending, file, (headers) =>
        unwrap(
          api.POST('/api/v1/contractor/{token}/videos', {
            params: params(),
            headers,
            body: { file: file as unknown as string, purpose: 'work' },
            bodySerializer: () => formOf(file),
          }),
        ),
      ),
    sign: (sending: Sending, strokes: Blob) =>
      sentFile(sending, strokes, (headers) =>
        unwrap(
          api.POST('/api/v1/contractor/{token}/signature', {
            params: params(),
            headers,
            body: { file: strokes as unknown as string },
            bodySerializer: () => formOf(strokes),
          }),
        ),
      ),
  }
}

/** The parts that the site has; asked for only where the kind wants parts. */
export function useContractorStock(token: MaybeRefOrGetter<string>, words: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['contractor-stock', computed(() => toValue(token)), computed(() => toValue(words))],
    queryFn: ({ signal }) => {
      const q = toValue(words).trim()
      const params = { path: { token: toValue(token) }, query: q ? { q } : {} }
      return unwrap(api.GET('/api/v1/contractor/{token}/stock', { params, signal }))
    },
  })
}

function formOf(file: Blob, words: Record<string, string> = {}): FormData {
  const form = new FormData()
  form.append('file', file, file instanceof File ? file.name : 'signature.png')
  for (const [name, value] of Object.entries(words)) form.append(name, value)
  return form
}

/** The same file sent again is the same sending. */
function nameOfFile(file: Blob): string {
  return file instanceof File ? `${file.name} ${file.size} ${file.lastModified}` : `${file.size}`
}
