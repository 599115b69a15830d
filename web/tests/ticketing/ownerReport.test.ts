import { describe, expect, it } from 'vitest'

import { isAwaited, stepOf } from '@/ticketing/ownerReport'
import type { OwnerState } from '@/ticketing/types'

describe('what an owner sees of a report', () => {
  it.each<[OwnerState, number | null, boolean]>([
    ['received', 0, true],
    ['assigned', 1, true],
    ['in_progress', 2, true],
    ['done', 3, false],
    ['closed', 3, false],
    ['cancelled', null, false],
  ])('%s is step %s; a promise is still open: %s', (state, step, awaited) => {
    expect(stepOf(state)).toBe(step)
    expect(isAwaited(state)).toBe(awaited)
  })
})
