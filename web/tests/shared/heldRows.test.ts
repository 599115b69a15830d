import { describe, expect, it } from 'vitest'
import { nextTick, ref } from 'vue'

import { holdRows, useHeldRows } from '@/shared/heldRows'

interface Row {
  id: string
  state: string
}
const row = (id: string, state = 'UNACKED'): Row => ({ id, state })
const idOf = (one: Row) => one.id

describe('a list that is held', () => {
  it('keeps its order, refreshes rows in place and counts the new ones', () => {
    const view = holdRows([row('a'), row('b')], [row('c'), row('b', 'ACKED'), row('a')], idOf)
    expect(view.rows).toEqual([row('a'), row('b', 'ACKED')])
    expect(view.waiting).toBe(1)
  })

  it('keeps a row that has gone, as it was last known', () => {
    const view = holdRows([row('a'), row('b')], [row('b')], idOf)
    expect(view.rows.map(idOf)).toEqual(['a', 'b'])
    expect(view.waiting).toBe(0)
  })
})

describe('a live list', () => {
  function live(isHeldAtFirst: boolean) {
    const fresh = ref<readonly Row[]>([row('a')])
    const isHeld = ref(isHeldAtFirst)
    const scope = ref('all')
    return { fresh, isHeld, scope, ...useHeldRows({ fresh, isHeld, scope, idOf }) }
  }

  it('shows new rows at once while nobody is reading', async () => {
    const { fresh, rows, waiting } = live(false)
    fresh.value = [row('b'), row('a')]
    await nextTick()
    expect(rows.value.map(idOf)).toEqual(['b', 'a'])
    expect(waiting.value).toBe(0)
  })

  it('lets them wait while somebody is, and in when asked', async () => {
    const { fresh, rows, waiting, release } = live(true)
    fresh.value = [row('b'), row('a')]
    await nextTick()
    expect(rows.value.map(idOf)).toEqual(['a'])
    expect(waiting.value).toBe(1)
    release()
    expect(rows.value.map(idOf)).toEqual(['b', 'a'])
    expect(waiting.value).toBe(0)
  })

  it('lets them in by itself when the reader goes away', async () => {
    const { fresh, isHeld, rows } = live(true)
    fresh.value = [row('b'), row('a')]
    await nextTick()
    isHeld.value = false
    await nextTick()
    expect(rows.value.map(idOf)).toEqual(['b', 'a'])
  })

  it('shows another filter at once, even under the cursor', async () => {
    const { fresh, scope, rows } = live(true)
    scope.value = 'critical'
    fresh.value = [row('z')]
    await nextTick()
    expect(rows.value.map(idOf)).toEqual(['z'])
  })
})
