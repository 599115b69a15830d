import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'

import { api, unwrap } from '@/api/client'

import type { PriceItem, QuotationItemBody, QuotationItem } from './types'

/** A line as it is entered. `code` is that of the price list, empty for one in words of its own. */
export interface QuoteLine {
  code: string
  name: string
  kind: QuotationItem['kind']
  unit: string
  quantity: string
  unitPrice: string
}

export function emptyLine(): QuoteLine {
  return { code: '', name: '', kind: 'material', unit: '', quantity: '1', unitPrice: '' }
}

export function lineOf(item: PriceItem, locale: string): QuoteLine {
  const name = item.names[locale] ?? item.names['zh-CN'] ?? item.code
  return { code: item.code, name, kind: item.kind, unit: item.unit, quantity: '1', unitPrice: item.price }
}

const QUANTITY = /^\d{1,6}(\.\d{1,3})?$/
const PRICE = /^\d{1,8}(\.\d{1,2})?$/

/** Decimal text as a whole number of its smallest part; null where it is none. */
function parts(text: string, pattern: RegExp, places: number): bigint | null {
  if (!pattern.test(text)) return null
  const [whole = '', rest = ''] = text.split('.')
  return BigInt(whole + rest.padEnd(places, '0'))
}

/** Cents of a line, rounded half up as the hub does; null while it is not complete. */
function centsOf(line: QuoteLine): bigint | null {
  const thousandths = parts(line.quantity.trim(), QUANTITY, 3)
  const cents = parts(line.unitPrice.trim(), PRICE, 2)
  if (!thousandths || cents === null || !line.name.trim() || !line.unit.trim()) return null
  return (thousandths * cents + 500n) / 1000n
}

export function isComplete(lines: readonly QuoteLine[]): boolean {
  return lines.length > 0 && lines.every((line) => centsOf(line) !== null)
}

/** What it comes to, as decimal text; lines that are not complete yet count for nothing. */
export function totalOf(lines: readonly QuoteLine[]): string {
  const cents = lines.reduce((sum, line) => sum + (centsOf(line) ?? 0n), 0n)
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`
}

export function asItems(lines: readonly QuoteLine[]): QuotationItemBody[] {
  return lines.map(({ code, name, kind, unit, quantity, unitPrice }) => {
    const amounts = { quantity: quantity.trim(), unit_price: unitPrice.trim() }
    return code ? { code, ...amounts } : { name: name.trim(), kind, unit: unit.trim(), ...amounts }
  })
}

/** What is published for a site today; nothing where nothing is. */
export function usePriceItems(siteId: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['price-list', computed(() => toValue(siteId))],
    queryFn: async ({ signal }) => {
      const params = { query: { site_id: toValue(siteId) } }
      return (await unwrap(api.GET('/api/v1/price-lists/current', { params, signal }))).items
    },
    retry: false,
  })
}

export function useQuote(orderId: MaybeRefOrGetter<string>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { items: QuotationItemBody[]; note: string }) =>
      unwrap(
        api.POST('/api/v1/work-orders/{work_order_id}/quotations', {
          params: { path: { work_order_id: toValue(orderId) } },
          body,
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ['work-orders'] }),
  })
}
