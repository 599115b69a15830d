import { QueryClient } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Invalidator, staleKeys } from '@/hub/invalidation'

describe('an event makes old', () => {
  it.each(['AlarmRaised', 'AlarmReturned', 'AlarmAcknowledged', 'AlarmCleared'])('%s: every answer about alarms', (event) => {
    expect(staleKeys({ event, alarm_id: 'a' })).toEqual([['alarms']])
  })

  it('WorkOrderMoved: lists, counts and that order, not the others', () => {
    expect(staleKeys({ event: 'WorkOrderMoved', work_order_id: 'w1' })).toEqual([
      ['work-orders', 'list'],
      ['work-orders', 'count'],
      ['work-orders', 'one', 'w1'],
    ])
  })

  it('TaskMoved: the order the task belongs to', () => {
    expect(staleKeys({ event: 'TaskMoved', work_order_id: 'w1', task_id: 't' })).toContainEqual(['work-orders', 'one', 'w1'])
  })

  it('LinkChanged: link states and that equipment', () => {
    expect(staleKeys({ event: 'LinkChanged', equipment_id: 'e' })).toContainEqual(['equipment', 'one', 'e'])
  })

  it('Reload: everything, since this screen missed events', () => {
    expect(staleKeys({ event: 'Reload' })).toBe('all')
  })

  it('something this front end does not know yet: nothing', () => {
    expect(staleKeys({ event: 'MeterRead', meter_id: 'm' })).toEqual([])
  })

  it('an alarm that joins an order: both', () => {
    const keys = staleKeys({ event: 'WorkOrderJoined', work_order_id: 'w', alarm_id: 'a' })
    expect(keys).toContainEqual(['alarms'])
    expect(keys).toContainEqual(['work-orders', 'one', 'w'])
  })
})

describe('a flood of events', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is one refetch a key', () => {
    const queries = new QueryClient()
    const invalidate = vi.spyOn(queries, 'invalidateQueries').mockResolvedValue()
    const invalidator = new Invalidator(queries)
    for (let count = 0; count < 100; count += 1) invalidator.hear({ event: 'AlarmRaised', alarm_id: String(count) })
    invalidator.hear({ event: 'WorkOrderOpened', work_order_id: 'w' })
    expect(invalidate).not.toHaveBeenCalled()
    vi.runAllTimers()
    expect(invalidate.mock.calls.map(([filters]) => (filters as { queryKey: unknown }).queryKey)).toEqual([
      ['alarms'],
      ['work-orders', 'list'],
      ['work-orders', 'count'],
      ['work-orders', 'one', 'w'],
    ])
  })

  it('goes on after the first gathering', () => {
    const queries = new QueryClient()
    const invalidate = vi.spyOn(queries, 'invalidateQueries').mockResolvedValue()
    const invalidator = new Invalidator(queries)
    invalidator.hear({ event: 'AlarmRaised', alarm_id: 'a' })
    vi.runAllTimers()
    invalidator.hear({ event: 'Reload' })
    vi.runAllTimers()
    expect(invalidate).toHaveBeenCalledTimes(2)
    expect(invalidate).toHaveBeenLastCalledWith()
  })
})
