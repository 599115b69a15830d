import { hasRole, type Role } from '@/people/roles'

import type { WorkOrder } from './types'

interface Somebody {
  person_id: string
  grants: readonly { role: Role }[]
}

/** The desk, whoever has the order, and whoever has a task of it: they may call its people and speak for it. */
export function isConcerned(
  order: Pick<WorkOrder, 'assignee_id'> & { tasks: readonly { assignee_id: string | null }[] },
  me: Somebody | undefined,
): boolean {
  if (!me) return false
  if (hasRole(me, ['dispatcher', 'manager'])) return true
  const holders = [order.assignee_id, ...order.tasks.map(({ assignee_id }) => assignee_id)]
  return hasRole(me, ['engineer']) && holders.includes(me.person_id)
}
