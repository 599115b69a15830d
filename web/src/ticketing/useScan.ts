import { useQueryClient } from '@tanstack/vue-query'
import { ref } from 'vue'

import { api, unwrap } from '@/api/client'
import { useSending } from '@/shared/sending'

import type { Scan } from './types'

/** What a scanned label means to whoever is signed in: their order there is begun, chosen of several, or reported. */
export function useScan(token: () => string) {
  const queries = useQueryClient()
  const sending = useSending()
  const scanned = ref<Scan | null>(null)

  /** Accepts the order and checks in. `orderId`: the one chosen of several. */
  async function scan(orderId: string | null = null): Promise<void> {
    const body = { token: token(), ...(orderId ? { work_order_id: orderId } : {}) }
    const answer = await sending.send(JSON.stringify(body), (headers) =>
      unwrap(api.POST('/api/v1/work-orders/scan', { body, headers })),
    )
    if (!answer) return
    scanned.value = answer
    if (answer.arrival) void queries.invalidateQueries({ queryKey: ['work-orders'] })
  }

  return { scanned, sending, scan }
}
