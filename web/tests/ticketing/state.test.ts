import { describe, expect, it } from 'vitest'

import { deadlineOf, isLate, isOpen, ORDER_STATES } from '@/ticketing/state'
import type { OrderState } from '@/ticketing/types'

const RESPONSE = '2026-11-22T02:05:00Z'
const RESOLUTION = '2026-11-22T06:00:00Z'
const order = (state: OrderState) => ({ state, response_due_at: RESPONSE, resolution_due_at: RESOLUTION })

describe('the deadline that runs', () => {
  it.each(['new', 'dispatched', 'reopened'] as const)('while nobody said yes (%s) is the response', (state) => {
    expect(deadlineOf(order(state))).toEqual({ what: 'response', at: Date.parse(RESPONSE) })
  })

  it.each(['accepted', 'en_route', 'on_site', 'in_progress'] as const)('in hand (%s) is the resolution', (state) => {
    expect(deadlineOf(order(state))).toEqual({ what: 'resolution', at: Date.parse(RESOLUTION) })
  })

  it.each(['on_hold', 'done', 'verified', 'closed', 'cancelled'] as const)('is none when %s', (state) => {
    expect(deadlineOf(order(state))).toBeNull()
  })

  it('is late one moment after, not at it', () => {
    const deadline = deadlineOf(order('new'))!
    expect(isLate(deadline, deadline.at)).toBe(false)
    expect(isLate(deadline, deadline.at + 1)).toBe(true)
    expect(isLate(null, deadline.at + 1)).toBe(false)
  })
})

it('an order is open until it is verified, closed or cancelled', () => {
  expect(ORDER_STATES.filter((state) => !isOpen({ state }))).toEqual(['verified', 'closed', 'cancelled'])
})
