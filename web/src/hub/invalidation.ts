import type { QueryClient, QueryKey } from '@tanstack/vue-query'

import type { LiveEvent } from './live'

/**
 * Which cached answers an event makes old. Keys begin with the resource's name: `['alarms', 'list', …]`.
 *
 * An event carries the ids of what it is about, so those decide, and a new kind of event about an order needs no
 * change here. An event that nobody here knows costs nothing; `Reload` (this screen missed events) makes all old.
 */
export function staleKeys(event: LiveEvent): QueryKey[] | 'all' {
  if (event.event === 'Reload') return 'all'
  const keys: QueryKey[] = []
  if (event.alarm_id) keys.push(['alarms'])
  if (event.work_order_id) {
    keys.push(['work-orders', 'list'], ['work-orders', 'count'], ['work-orders', 'one', event.work_order_id])
  }
  if (event.notification_id) keys.push(['notifications'])
  if (event.discovered_id) keys.push(['discovered-devices'])
  return [...keys, ...(BY_NAME[event.event]?.(event) ?? [])]
}

const BY_NAME: Readonly<Record<string, (event: LiveEvent) => QueryKey[]>> = {
  LinkChanged: ({ equipment_id }) => [['equipment', 'list'], ['equipment', 'one', equipment_id]],
  CatalogChanged: () => [['equipment'], ['sites'], ['buildings']],
  DeviceBound: () => [['equipment', 'list']],
  RulesChanged: () => [['rules']],
  RuleChanged: () => [['rules']],
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
