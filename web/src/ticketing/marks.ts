import type { Mark } from '@/telemetry/marks'

import { isOpen } from './state'
import type { WorkOrderLine } from './types'

type Words = (texts: Readonly<Record<string, string>>) => string
type Translate = (key: string) => string

/** A work order on the time axis: from its opening; an open one lasts until now. */
export function orderMark(order: WorkOrderLine, words: Words, t: Translate): Mark {
  const at = Date.parse(order.opened_at)
  return {
    id: order.id,
    kind: 'order',
    at,
    end: isOpen(order) ? null : at,
    text: `${order.number} ${words(order.title)}`,
    detail: t(`ticketing.state.${order.state}`),
  }
}
