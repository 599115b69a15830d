import type { QueryClient, QueryKey } from '@tanstack/vue-query'

import type { LiveEvent } from './live'

/**
 * Which cached answers an event makes old. Keys begin with the resource's name: `['alarms', 'list', …]`.
 * An event that nobody here knows costs nothing; `Reload` (this screen missed events) makes everything old.
 */
export function staleKeys(event: LiveEvent): QueryKey[] | 'all' {
  const { equipment_id: equipmentId, work_order_id: orderId } = event
  switch (event.event) {
    case 'Reload':
      return 'all'
    case 'AlarmRaised':
    case 'AlarmReturned':
    case 'AlarmAcknowledged':
    case 'AlarmCleared':
    case 'AlarmChanged':
    case 'AlarmInhibited':
    case 'AlarmReleased':
      return [['alarms']]
    case 'LinkChanged':
      return [['equipment', 'list'], ['links'], ...one('equipment', equipmentId)]
    case 'CatalogChanged':
      return [['equipment'], ['sites'], ['buildings'], ['points']]
    case 'DeviceDiscovered':
    case 'DeviceBound':
      return [['discovered-devices'], ['equipment', 'list']]
    case 'DeadLetterAdded':
      return [['dead-letters']]
    case 'RuleChanged':
    case 'RulesChanged':
      return [['rules']]
  }
  if (event.event.startsWith('WorkOrder') || event.event.startsWith('Task') || event.event.startsWith('Report')) {
    return [['work-orders', 'list'], ['work-orders', 'count'], ...one('work-orders', orderId)]
  }
  if (event.event.startsWith('Notification')) return [['notifications']]
  return []
}

function one(resource: string, id: string | undefined): QueryKey[] {
  return id ? [[resource, 'one', id]] : [[resource, 'one']]
}

const GATHER_MS = 150

/**
 * Turns a stream of events into refetches, gathered for a moment so that a flood of a hundred alarms is one request.
 */
export class Invalidator {
  private pending = new Map<string, QueryKey>()
  private everything = false
  private timer: ReturnType<typeof setTimeout> | null = null

  constructor(private readonly queries: QueryClient) {}

  hear(event: LiveEvent): void {
    const keys = staleKeys(event)
    if (keys === 'all') this.everything = true
    else for (const key of keys) this.pending.set(JSON.stringify(key), key)
    if ((this.everything || this.pending.size > 0) && this.timer === null) {
      this.timer = setTimeout(() => this.flush(), GATHER_MS)
    }
  }

  flush(): void {
    this.timer = null
    const keys = [...this.pending.values()]
    this.pending.clear()
    if (this.everything) void this.queries.invalidateQueries()
    else for (const queryKey of keys) void this.queries.invalidateQueries({ queryKey })
    this.everything = false
  }
}
