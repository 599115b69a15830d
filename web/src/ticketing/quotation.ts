import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'
import { Problem } from '@/api/problem'
import { usePreferences } from '@/shared/preferences'
import { useSending } from '@/shared/sending'

import type { Quotation, QuotationItem } from './types'

/** How a quotation stands for whoever pays: `expired` is one that nobody answered, though no sweep has said so yet. */
export type QuotationFace = Quotation['state'] | 'expired'

export function faceOf(quotation: Pick<Quotation, 'state' | 'expires_at'>, now: number): QuotationFace {
  return quotation.state === 'asked' && Date.parse(quotation.expires_at) <= now ? 'expired' : quotation.state
}

/** How a line stands to the published price list. Both prices are decimal text with two places. */
export function standingOf(item: Pick<QuotationItem, 'unit_price' | 'published_price'>): 'published' | 'above' | 'unlisted' {
  if (item.published_price === null) return 'unlisted'
  return Number(item.unit_price) > Number(item.published_price) ? 'above' : 'published'
}

/** The quotation that a link in a message is about, and the payer's word on it. */
export function useLinkedQuotation(token: MaybeRefOrGetter<string>) {
  const queries = useQueryClient()
  const preferences = usePreferences()
  // The hub names the items in the reader's language.
  const key = computed(() => ['quotation', toValue(token), preferences.language])
  const path = () => ({ token: toValue(token) })
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/v1/quotations/by-link/{token}', { params: { path: path() }, signal })),
  })
  const sending = useSending()

  async function answer(approve: boolean, reason: string): Promise<void> {
    const body = { approve, ...(reason.trim() ? { reason: reason.trim() } : {}) }
    const answered = await sending.send(JSON.stringify(body), (headers) =>
      unwrap(api.POST('/api/v1/quotations/by-link/{token}/answer', { params: { path: path() }, body, headers })),
    )
    if (answered) queries.setQueryData(key.value, answered)
    // Answered before (elsewhere, or by a sending whose answer was lost): what holds now is shown.
    else if (sending.problem.value instanceof Problem && sending.problem.value.status === 409) await query.refetch()
  }

  return { ...query, sending, answer }
}
