import type { OrderState, WorkOrderLine } from './types'

export const ORDER_STATES: readonly OrderState[] = [
  'new',
  'dispatched',
  'accepted',
  'en_route',
  'on_site',
  'in_progress',
  'on_hold',
  'reopened',
  'done',
  'verified',
  'closed',
  'cancelled',
]

const SETTLED: readonly OrderState[] = ['verified', 'closed', 'cancelled']
const UNANSWERED: readonly OrderState[] = ['new', 'dispatched', 'reopened']

/** Work is left, or at least its proof. */
export function isOpen({ state }: Pick<WorkOrderLine, 'state'>): boolean {
  return !SETTLED.includes(state)
}

/** Nobody has said yes yet. */
export function isUnanswered({ state }: Pick<WorkOrderLine, 'state'>): boolean {
  return UNANSWERED.includes(state)
}

export interface Deadline {
  /** what is due: that somebody accepts, or that the work is done */
  what: 'response' | 'resolution'
  at: number
}

/** The deadline that runs now; none once the work is done, or while it waits and its clock stands still. */
export function deadlineOf(
  order: Pick<WorkOrderLine, 'state' | 'response_due_at' | 'resolution_due_at'>,
): Deadline | null {
  if (!isOpen(order) || order.state === 'done' || order.state === 'on_hold') return null
  if (isUnanswered(order)) return { what: 'response', at: Date.parse(order.response_due_at) }
  return { what: 'resolution', at: Date.parse(order.resolution_due_at) }
}

export function isLate(deadline: Deadline | null, now: number): boolean {
  return deadline !== null && deadline.at < now
}
